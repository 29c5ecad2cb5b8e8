"""What is reached over HTTP: webhooks, connect, the customer's page, health.

app.py        all routes put together, with the headers that every answer carries
webhooks.py   QuickBooks' notifications
connect.py    consent and callback
portal.py     `/p/{token}`, the customer's timeline
"""
