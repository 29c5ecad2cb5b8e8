"""The PDF of a form is one that readers open."""

import re

from sandbox.pdf import form_pdf


def test_every_object_stands_where_the_table_says(client):
    """Offsets, length and end mark are right, so that strict readers need not repair it."""
    invoice = client.invoice(100, DocNumber="7(a)\\b")

    data = form_pdf("Invoice", invoice, company_name="Père & Söhne")

    start = int(re.search(rb"startxref\n(\d+)", data)[1])
    assert data[start:].startswith(b"xref\n0 6\n")
    offsets = [int(row) for row in re.findall(rb"(\d{10}) 00000 n", data[start:])]
    for number, offset in enumerate(offsets, start=1):
        assert data[offset:].startswith(b"%d 0 obj" % number)
    length = int(re.search(rb"/Length (\d+)", data)[1])
    stream = data.index(b"stream\n") + len(b"stream\n")
    assert data[stream + length :].startswith(b"\nendstream")
    assert rb"Invoice 7\(a\)\\b" in data
    assert "Père".encode("cp1252") in data


def test_long_form_stays_on_its_page(client):
    """What does not fit is counted."""
    estimate = client.estimate(Line=[client.line(1) for _ in range(60)])

    assert b"more lines" in form_pdf("Estimate", estimate, company_name="X")


def test_payment_lists_what_it_was_for(client):
    """With what is left of it."""
    invoice = client.invoice(100)
    payment = client.pay(150, (invoice, 100))

    data = form_pdf("Payment", payment, company_name="X")

    assert b"Payment receipt" in data
    assert f"Invoice {invoice['Id']}".encode() in data
    assert b"50.00" in data
