"""QuickBooks' JSON <-> our values. Pure: no I/O, no clock, no log, and no decision.

Every QuickBooks field name of the product lives in this package and nowhere else. JSON comes in
parsed with `parse_float=Decimal` and goes out as explicit dicts whose numbers are `Decimal`.

    raw.py        readers: text, number, date, reference; DocumentError for what cannot be read
    lines.py      lines of a sales document: bundles walked, discounts spread, minor units
    documents.py  Estimate, Invoice, Payment, CreditMemo, Customer
    kept.py       the fields that the mirror keeps, and the hash of a document
    jobs.py       which estimates make one Job, and which of them is a change order
    contracts.py  estimates -> Contract, and the coding (item, class, tax code) of each of its lines
    templates.py  a YAML template -> Template
    memo.py       "25% before Measurements; 75% after Installation" -> payment phrases
    schedules.py  the estimate's own words, or a template -> Schedule
    events.py     service dates -> event dates
    ours.py       which lines of an invoice are ours, whatever people did to it
    receipts.py   invoice + payments -> ProgressInvoice
    adoption.py   invoices that people made before us: whose they are, what they bill
    edits.py      body now against last synced -> human edits
    numbers.py    the marker in PrivateNote and the number of an invoice
    invoices.py   planned invoice -> request body
    answers.py    QuickBooks' answer -> which of its lines bills which contract line
    lost_answer.py  of what was made since an unanswered call, what is ours
    notifications.py  a webhook's body -> what it tells of

Odd data raises `DocumentError` (one document) or becomes a `Finding` (one Job); it never ends in
another exception.
"""
