"""The sandbox behind HTTP.

app.py         all addresses together; the stand-in header; loopback only
api.py         /v3/company/{realm}/...: tokens, limits, armed faults
call.py       a Call: one thing that a client wants
calls.py       a request read into a Call, a Call carried out on a company
batch.py      many Calls in one request; upload.py files in one
mishaps.py    what the client of an armed fault gets to see
envelopes.py   the shapes of answers: JSON, gateway JSON, XML
oauth.py       discovery, consent, token, revoke, userinfo
admin.py       /sandbox/...: facts, clock, faults, history, switches, webhooks
pages.py       / and the companies' documents for people
reset.py       connections that are cut instead of answered
"""
