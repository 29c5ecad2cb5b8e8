"""PostgreSQL, the truth: what we know, what we decided, what is to be done.

tables.py      the tables as SQLAlchemy sees them
database.py    connections, transactions, tenants, the two clocks
mirror.py      QuickBooks' documents as we last saw them
realms.py      connected companies
schedules.py   versions of payment schedules
findings.py    what needs a person
migrations/    how the database came to its shape
"""
