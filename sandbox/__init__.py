"""A stand-in for QuickBooks Online: other people's clients work against it, nothing in it is real.

One Python model, usable in-process and behind HTTP. It shares no code with the rest of the project.

    company.py         one company's books: save, void, delete, send, read, query, changes
    books.py           everything one sandbox keeps: companies, tokens, clock, switches, webhooks
    journal.py         the books on disk: one append-only file, written before anything is answered

    entities/          what QuickBooks knows of each entity, as tables of fields
    rules/             what happens when a document is saved, voided, deleted, sent
    tables.py          documents and indexes
    draft.py           one write in the making; records.py its record
    shown.py           a document as it is answered; files.py what was uploaded
    people.py          a customer and a bookkeeper at work
    query/             the query language; cdc.py change data capture
    notices.py         what subscribers are told; outbox.py what waits; courier.py how it travels
    grants.py          OAuth: codes, tokens, rotation
    request_memory.py  `requestid`
    settings.py        switches for what is not documented about QuickBooks
    trouble.py         faults on demand
    meter.py           rate limits and metered reads
    seeds.py           company files (companies/), planted when the books are first opened
    web/               all of it behind HTTP; serve.py runs it, `python -m sandbox` starts it
    errors.py          Fault: what QuickBooks says no with
    values.py, clock.py, schema.py, ids.py, pdf.py    amounts, times, fields, ids, paper

The way of a write: `web/api.py` (who asks?) -> `Company.save` -> `rules` on a `Draft` -> one
record, journalled -> `Company.apply` -> the answer. Reading the journal at start goes through the
same `apply`.

In another process, without HTTP:

    books = Books(MemoryJournal(), clock=MovableClock(my_clock), ids=my_ids)
    books.found([read_company_file(path) for path in shipped_files()])
    company = books.first_company()
    company.save("Invoice", {...}, actor="client:test", request_id="r-1")  # an envelope, or a Fault
"""
