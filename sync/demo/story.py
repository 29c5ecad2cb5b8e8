"""The steps of the countertop story, in their order."""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from typing import Any

from sync.cli.show import show_view
from sync.demo.cast import CHANGE_ORDER, NUMBER, Story
from sync.demo.people import an_estimate, arm_fault, create, invoices, query, update
from sync.demo.shown import show_change, show_tie_out, step
from sync.demo.stage import (
    advance,
    asking_worker,
    await_invoice,
    complete,
    current_view,
    find_view,
    is_quiet,
    pay,
    show_mails,
    until,
    view_if,
)
from sync.reports.job_view import JobView

#: How long QuickBooks sits on its answer while we kill the worker that waits for it.
STALL_S = 6
#: Measurements, removal and installation, in days from the start of the story.
MEASURE_DAY, REMOVAL_DAY, INSTALL_DAY = 2, 7, 14


def accepted(story: Story) -> None:
    """The office makes an estimate; the customer accepts it."""
    parent = create(story, "customer", {
        "DisplayName": "Rivera, Elena", "PrimaryEmailAddr": {"Address": "elena@example.com"},
    })  # fmt: skip
    kitchen = create(story, "customer", {
        "DisplayName": "Kitchen remodel", "Job": True, "ParentRef": {"value": parent["Id"]},
        "BillWithParent": True,
    })  # fmt: skip
    story.customer_id = kitchen["Id"]
    estimate = create(story, "estimate", an_estimate(story, NUMBER, [
        ("Measurements", "Measure and template the kitchen", "300.00", "NON", MEASURE_DAY),
        ("Quartz slab", "Quartz countertop, 62 sq ft", "8400.00", "TAX", None),
        ("Removal", "Remove and haul away the old countertop", "900.00", "NON", REMOVAL_DAY),
        ("Installation", "Install, seam and seal", "2400.00", "NON", INSTALL_DAY),
    ]))  # fmt: skip
    update(story, "estimate", estimate, {"TxnStatus": "Accepted", "AcceptedBy": "Elena Rivera"})
    step(story, f"Estimate {NUMBER} accepted in QuickBooks", "12,000.00 before tax")
    view = until(story, "the job appears", lambda: find_view(story))
    step(story, "It became a job with a timeline", "25% / 25% / 50%, from the countertop template")
    show_view(story.console, view)


def deposit(story: Story) -> None:
    """Measurements are near: the deposit is invoiced, told, and paid."""
    await_invoice(story, "m1", "measurements are two days away")
    pay(story, "m1")


def change_order(story: Story, before: JobView) -> None:
    """A sink is added by a change order; what is unpaid is shared again."""
    change = create(story, "estimate", an_estimate(story, CHANGE_ORDER, [
        ("Undermount sink", "Undermount sink, cut out and fitted", "1400.00", "TAX", None),
    ]))  # fmt: skip
    update(story, "estimate", change, {"TxnStatus": "Accepted", "AcceptedBy": "Elena Rivera"})
    step(story, f"Change order {CHANGE_ORDER} accepted in QuickBooks", "a sink, + 1,400.00")
    after = until(
        story,
        "the schedule follows the change order",
        lambda: view_if(story, lambda view: view.contract_total_minor == 1_340_000),
    )
    show_change(story, before, after)
    show_mails(story, "changed", "")


def removal(story: Story) -> None:
    """Removal is done; the worker that bills it is killed while QuickBooks is answering."""
    advance(story, f"{REMOVAL_DAY}d")
    complete(story, "measurements")
    until(story, "the other jobs' work is done", lambda: is_quiet(story))
    arm_fault(story, {"entity": "Invoice", "operation": "create", "kind": "commit_then_stall",
                   "seconds": STALL_S, "count": 1})  # fmt: skip
    complete(story, "removal")
    pid = until(story, "a worker waits for QuickBooks", lambda: asking_worker(story))
    until(story, "QuickBooks has made the invoice", lambda: invoices(story, f"{NUMBER}-M2"))
    os.kill(pid, signal.SIGKILL)
    story.killed = f"worker {pid}"
    step(story, f"kill -9 {pid}", "QuickBooks has made the invoice; its answer never arrives")
    await_invoice(story, "m2", "another worker read back and found it: nothing was doubled")
    pay(story, "m2")


def installation(story: Story) -> None:
    """Installation is done: the final invoice, paid."""
    advance(story, f"{INSTALL_DAY - REMOVAL_DAY}d")
    complete(story, "installation")
    await_invoice(story, "m3", "installation is done")
    pay(story, "m3")
    show_view(story.console, current_view(story))


def tie_out(story: Story) -> tuple[list[dict[str, Decimal | str]], bool]:
    """Set QuickBooks' own figures against the schedule, invoice by invoice and line by line."""
    view = current_view(story)
    invoices = {one["DocNumber"]: one for one in query(story, "Invoice", NUMBER)}
    rows: list[dict[str, Decimal | str]] = []
    for one in view.milestones:
        invoice = invoices.pop(one.doc_number or "")
        rows.append(
            {
                "number": str(one.doc_number),
                "schedule": Decimal(one.amount_minor) / 100,
                "quickbooks": invoice["TotalAmt"] - invoice["TxnTaxDetail"]["TotalTax"],
                "tax": invoice["TxnTaxDetail"]["TotalTax"],
                "paid": invoice["TotalAmt"] - invoice["Balance"],
                "open": invoice["Balance"],
            }
        )
    estimates = query(story, "Estimate", NUMBER)
    contract = sum(
        (one["TotalAmt"] - one["TxnTaxDetail"]["TotalTax"] for one in estimates), Decimal(0)
    )
    billed = sum((Decimal(row["quickbooks"]) for row in rows), Decimal(0))
    by_item = _by_item(estimates, sign=1)
    for item, amount in _by_item(query(story, "Invoice", NUMBER), sign=-1).items():
        by_item[item] = by_item.get(item, Decimal(0)) + amount
    is_exact = (
        not invoices
        and contract == billed == Decimal(view.contract_total_minor) / 100
        and all(row["schedule"] == row["quickbooks"] and row["open"] == 0 for row in rows)
        and not any(by_item.values())
    )
    show_tie_out(story, rows, contract=contract, billed=billed, is_exact=is_exact)
    return rows, is_exact


def _by_item(documents: list[dict[str, Any]], *, sign: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for document in documents:
        for line in document["Line"]:
            if line["DetailType"] == "SalesItemLineDetail":
                item = line["SalesItemLineDetail"]["ItemRef"]["name"]
                found[item] = found.get(item, Decimal(0)) + sign * line["Amount"]
    return found
