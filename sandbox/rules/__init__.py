"""What QuickBooks does with a document when it is saved, voided, deleted or sent.

    saving.py       full and sparse bodies, required fields, closed periods
    references.py   references exist, are in use, carry names
    names.py        lists: unique names, nesting, inactive entries, projects
    accounts.py     what kind of account an account is
    lines.py        lines of a sales form: items, bundles, subtotal, discount
    tax.py          US sales tax by the company's rates; tax_abroad.py elsewhere; tax_codes.py
    currency.py     several currencies
    forms.py        Estimate to ChangeOrder: numbers, totals, balance
    links.py        invoice and estimate, linked both ways
    payments.py     payments and credits applied, both ways
    plain.py        bills, purchases, deposits, transfers: added up and linked
    special.py      exchange rates, attachments, recurring transactions, the tax service
    single.py       Preferences and CompanyInfo
    ending.py       void, delete, send

Rules read and write a `Draft` only; the company commits it.
"""
