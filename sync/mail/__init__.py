"""Mail: how it is handed to a server (`smtp.py`), and what it looks like (`compose.py`,
`templates/`).
"""
