"""QuickBooks Online, as a few calls that say what they did. Raw JSON in and out.

gateway.py     what the loop asks for: changes since, everything, create, update, void, PDF
tokens.py      one live access token per company, refreshed by one process at a time
oauth.py       consent, code exchange, refresh, revoke: intuit-oauth, bounded
transport.py   one HTTP exchange: time-outs, size cap, no redirects
limits.py      how many calls a company bears, shared by all workers
faults.py      every answer that is not a document, classified once
queries.py     the query language, escaped
"""
