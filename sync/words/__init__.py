"""Codes and facts as sentences that a homeowner understands. Rendered here and nowhere else.

amounts.py    money, days, shares and triggers as people write them
texts.py      foreign text made fit to stand on a line of ours
reasons.py    why this much, and why now
payments.py   one payment, and the one sentence that says where a job stands
letters.py    what a customer is told by mail, and why a plan changed
report.py     the contractor's report
decisions.py  what people decided
findings.py   what needs a person, and what to do about it
invoices.py   what stands on an invoice
"""

from sync.words.amounts import day, money, near_day, share, trigger
from sync.words.decisions import say_decision
from sync.words.findings import say_finding
from sync.words.invoices import invoice_memo
from sync.words.reasons import say_amount, say_when, say_why

__all__ = [
    "day",
    "invoice_memo",
    "money",
    "near_day",
    "say_amount",
    "say_decision",
    "say_finding",
    "say_when",
    "say_why",
    "share",
    "trigger",
]
