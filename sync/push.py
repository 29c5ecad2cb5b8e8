"""PUSH: carry one invoice effect out in QuickBooks, safe to try again.

`asked_at` and the `requestid` are committed before the call. A row that is claimed with `asked_at`
set reads back first: what is found by its marker, or by its number and money, is adopted; what is
only like it is a person's to judge; what is not found is asked again only once Intuit can no longer
be working on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from mapping.answers import written_lines
from mapping.documents import parse_invoice
from mapping.edits import as_written, is_first_answer, synced_after
from mapping.errors import DocumentError
from mapping.invoices import find_marker, line_ids
from mapping.lost_answer import alike, marked
from milestone_engine.plan import BillMilestone
from sync import effects, fail_points, work
from sync.bootstrap import App
from sync.errors import (
    BooksClosed,
    DuplicateNumber,
    FeedTooOld,
    Fenced,
    Gone,
    InvoiceUncertain,
    NotNow,
    QuickBooksThrottled,
    QuickBooksUnavailable,
    RejectedWrite,
    StaleRevision,
)
from sync.pull import of_jobs
from sync.quickbooks.gateway import FEED_AGE_MAX
from sync.store import journal, mirror, realms
from sync.store.database import business_now, business_today, lease_now
from sync.store.tables import JobDocumentRow

logger = logging.getLogger(__name__)

Raw = Mapping[str, Any]

#: A read-back looks for what was made from this long before the call: clocks differ.
READ_BACK_MARGIN = timedelta(minutes=10)
#: QuickBooks' code for a date in a closed period.
CLOSED_CODE = "6210"
#: These answers prove that nothing happened.
NOT_DONE = (QuickBooksUnavailable, QuickBooksThrottled, StaleRevision, RejectedWrite, Gone)


def push_bill(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `bill`: make a milestone's invoice, once."""
    found = _read_back(app, held) if held.asked_at else None
    if found is None:
        if _is_of_another_day(app, held) or not _may_ask(app, held):
            return
        if _is_in_doubt(held):
            _stop_if_deleted(app, held)
        try:
            found = _ask(app, held, lambda request_id: app.gateway.create(
                held.realm_no, "Invoice", held.payload["body"], request_id=request_id
            ))  # fmt: skip
            found = _as_it_is(app, held, found)
        except DuplicateNumber as exc:
            # The number is taken: by us, when an answer was lost and the id forgotten.
            found = _read_back(app, held)
            if found is None and _is_in_doubt(held):
                raise InvoiceUncertain(f"{exc}; and an earlier call was never answered") from exc
            if found is None:
                raise
    try:
        _confirm(app, held, found)
    except Fenced:
        _note_twin(app, held, found)
        raise


def push_revise(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `revise`: bring a sent invoice to its new amount."""
    invoice_id = str(held.payload["body"]["Id"])
    if held.asked_at:
        is_other, now = _saved_since(app, held)
        if is_other:
            _after_someone(app, held, now)
            return
    if not _may_ask(app, held):
        return
    try:
        answer = _ask(app, held, lambda request_id: app.gateway.update(
            held.realm_no, "Invoice", held.payload["body"], request_id=request_id
        ))  # fmt: skip
    except (StaleRevision, Gone):
        _after_someone(app, held, app.gateway.read(held.realm_no, "Invoice", invoice_id))
        return
    _confirm(app, held, answer)


def push_void(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `void`: take back a sent invoice that has nothing to ask.

    The revision in the body guards it: whoever paid or saved the invoice meanwhile comes first.
    """
    invoice_id = str(held.payload["body"]["Id"])
    now: Raw | None
    if held.asked_at:
        is_other, now = _saved_since(app, held)
        if is_other:
            _end_void(app, held, now)
            return
    if not _may_ask(app, held):
        return
    try:
        now = _ask(app, held, lambda request_id: app.gateway.void(
            held.realm_no, "Invoice", held.payload["body"], request_id=request_id
        ))  # fmt: skip
    except (StaleRevision, Gone):
        now = app.gateway.read(held.realm_no, "Invoice", invoice_id)
    _end_void(app, held, now)


def _end_void(app: App, held: work.Claim, now: Raw | None) -> None:
    """Keep the invoice as it is now and decide again. Where it stands, somebody saved it first."""
    invoice_id = str(held.payload["body"]["Id"])
    is_void = now is not None and parse_invoice(now).is_voided
    assert held.job_id is not None
    with app.database.begin(held.realm_no) as session:
        _keep(session, held, now)
        if is_void:
            told = {"invoice_id": invoice_id, "doc_number": held.payload["doc_number"]}
            told["milestone_id"] = held.payload["milestone_id"]
            journal.outcome(session, held.realm_no, held.job_id, kind="void", after=told)
            work.finish(session, held, result={"invoice_id": invoice_id})
        else:
            work.cancel(session, held, why="the invoice was changed meanwhile")
    facts = {"realm_no": held.realm_no, "job_id": held.job_id, "invoice_id": invoice_id}
    logger.info("invoice.void" if is_void else "invoice.void_overtaken", extra=facts)


def _keep(session: Session, held: work.Claim, now: Raw | None) -> None:
    """Store the invoice as QuickBooks holds it now, and have its job looked at again."""
    assert held.job_id is not None
    gone = {"Id": held.payload["body"]["Id"], "status": "Deleted"}
    mirror.store(session, held.realm_no, "Invoice", now or gone)
    work.look_again(session, held.realm_no, held.job_id)


def _saved_since(app: App, held: work.Claim) -> tuple[bool, Raw | None]:
    """Tell whether the invoice was saved since the body was made; and give it as it is."""
    body = held.payload["body"]
    now = app.gateway.read(held.realm_no, "Invoice", str(body["Id"]))
    return now is None or str(now["SyncToken"]) != body["SyncToken"], now


def _is_of_another_day(app: App, held: work.Claim) -> bool:
    """Tell whether an invoice has waited past its day: it is planned anew then, with today's date.

    One that may have been made stays as it was asked for.
    """
    if _is_in_doubt(held):
        return False
    planned = effects.planned_of(held.payload)
    assert isinstance(planned, BillMilestone)
    assert held.job_id is not None
    with app.database.begin(held.realm_no) as session:
        zone = realms.get(session, held.realm_no).zone
        if planned.issue_on >= business_today(session, zone):
            return False
        work.cancel(session, held, why="it waited past its day: planned anew")
        work.look_again(session, held.realm_no, held.job_id)
    return True


def _may_ask(app: App, held: work.Claim) -> bool:
    """Tell whether the call may be made now; otherwise the row goes back for later."""
    with app.database.begin(held.realm_no) as session:
        if held.asked_at is not None:
            waited_s = (lease_now(session) - held.asked_at).total_seconds()
            if waited_s < work.ASK_AGAIN_S:
                delay_s = work.ASK_AGAIN_S - waited_s
                work.put_back(session, held, delay_s=delay_s, costs_a_try=False)
                facts = {"realm_no": held.realm_no, "work_id": held.work_id}
                logger.warning("push.unanswered", extra=facts)
                return False
        elif work.facts_moved(session, held):
            raise NotNow("facts have moved: decide first")
    return True


def _ask(app: App, held: work.Claim, call: Callable[[str], Raw]) -> Raw:
    with app.database.begin(held.realm_no) as session:
        request_id = work.ask(session, held, request_id=app.ids.request_id())
    fail_points.reach("push.asked")
    try:
        answer = call(request_id)
    except NOT_DONE as exc:
        fail_points.reach("push.refused")
        with app.database.begin(held.realm_no) as session:
            if held.asked_at is None:
                # Only of this call it is certain: an earlier one may still have been heard.
                work.not_asked(session, held)
            closed_until = realms.get(session, held.realm_no).preferences.get("book_close_date")
        if isinstance(exc, RejectedWrite) and exc.code == CLOSED_CODE:
            raise _closed(held, exc, closed_until) from exc
        raise
    fail_points.reach("push.answered")
    return answer


def _closed(held: work.Claim, exc: RejectedWrite, closed_until: str | None) -> BooksClosed:
    """Say which day the books are closed for: the date of a document is never moved by itself."""
    day = held.payload["body"].get("TxnDate") or held.payload.get("current", {}).get("TxnDate")
    said = f"the books are closed up to {closed_until or 'a day that QuickBooks does not tell'}"
    dated = f", the document is dated {day}" if day else ""
    return BooksClosed(f"{exc}: {said}{dated}", code=exc.code, intuit_tid=exc.intuit_tid)


def _read_back(app: App, held: work.Claim) -> Raw | None:
    """Look for the invoice that an unanswered call may have made: by marker, then by number.

    Raises:
        InvoiceUncertain: there is one that may be it, or not.
    """
    with app.database.begin(held.realm_no) as session:
        since = (held.asked_at or lease_now(session)) - READ_BACK_MARGIN
        # QuickBooks' own clock may be ahead of ours by what the business clock is.
        since = min(since, held.created_at - READ_BACK_MARGIN)
    customer_id = str(held.payload["customer_id"])
    made = app.gateway.made_since(held.realm_no, "Invoice", customer_id=customer_id, since=since)
    found = marked(made, marker=held.payload["marker"])
    if found is None and _is_in_doubt(held):
        found = _without_mark(app, held, made)
    if found is not None:
        facts = {"realm_no": held.realm_no, "work_id": held.work_id, "invoice_id": found["Id"]}
        logger.info("push.adopted", extra=facts)
        fail_points.reach("push.found")
    return found


def _without_mark(app: App, held: work.Claim, made: Sequence[Raw]) -> Raw | None:
    """Give the invoice that is ours though a person rewrote its note."""
    planned = effects.planned_of(held.payload)
    assert isinstance(planned, BillMilestone)
    with app.database.begin(held.realm_no) as session:
        known = of_jobs(session, held.realm_no, [str(one["Id"]) for one in made])
    found = alike(
        made,
        body=held.payload["body"],
        planned=planned,
        currency=held.payload["currency"],
        known=known,
    )
    if len(found.sure) == 1 and not found.perhaps:
        return found.sure[0]
    doubtful = [*found.sure, *found.perhaps]
    if doubtful:
        names = ", ".join(str(one.get("DocNumber") or one["Id"]) for one in doubtful)
        mark = held.payload["marker"]
        raise InvoiceUncertain(
            f"our call was not answered, and {names} may be what it made: an invoice that is ours"
            f" is known by {mark} at the front of its note"
        )
    return None


def _is_in_doubt(held: work.Claim) -> bool:
    return work.is_in_doubt(held.asked_at, held.payload)


def _as_it_is(app: App, held: work.Claim, answer: Raw) -> Raw:
    """Give the invoice as it is now: what is asked again may be answered with the first answer,
    however long ago that was, and somebody may have changed or deleted the invoice since.
    """
    if held.asked_at is None:
        return answer
    now = app.gateway.read(held.realm_no, "Invoice", str(answer["Id"]))
    if now is None:
        raise InvoiceUncertain(f"invoice {answer['Id']} was deleted while our answer was lost")
    return now


def _stop_if_deleted(app: App, held: work.Claim) -> None:
    """Make no invoice anew that a person may have deleted while its answer was lost.

    A deleted document is not found by its marker any more: the change feed tells its id alone.

    Raises:
        InvoiceUncertain: one was deleted since that was ours, or of which nothing is known.
    """
    with app.database.begin(held.realm_no) as session:
        oldest = business_now(session) - FEED_AGE_MAX
        assert held.asked_at is not None
        since = max(oldest, min(held.asked_at, held.created_at) - READ_BACK_MARGIN)
    try:
        gone = app.gateway.deleted_since(held.realm_no, "Invoice", since)
    except FeedTooOld:
        raise InvoiceUncertain("nobody knows what became of an unanswered invoice") from None
    wanted = find_marker(held.payload["marker"])
    with app.database.begin(held.realm_no) as session:
        known = mirror.rows(session, held.realm_no, "Invoice", ids=gone)
    for qbo_id in gone:
        row = known.get(qbo_id)
        note = str(row.fields.get("PrivateNote") or "") if row is not None else ""
        if row is None or "CustomerRef" not in row.fields or find_marker(note) == wanted:
            raise InvoiceUncertain(f"invoice {qbo_id} was deleted while our answer was lost")


def _confirm(app: App, held: work.Claim, answer: Raw) -> None:
    """Store what QuickBooks answered and end the row, in one transaction."""
    planned = effects.planned_of(held.payload)
    ours = _as_answered(held, answer)
    lines = line_ids(
        ours,
        planned,
        currency=held.payload["currency"],
        known=held.payload.get("line_ids"),
        current=held.payload.get("current"),
    )
    assert held.job_id is not None
    result = {"invoice_id": str(answer["Id"]), "doc_number": answer.get("DocNumber")}
    with app.database.begin(held.realm_no) as session:
        # First of all: whoever lost the row records nothing.
        work.finish(session, held, result=result)
        effects.record_invoice(
            session,
            held.realm_no,
            held.job_id,
            answer=answer,
            synced=_synced(held, ours, lines),
            milestone_id=planned.milestone_id,
            ordinal=planned.ordinal,
            lines=lines,
        )
        told = {"milestone_id": planned.milestone_id, "amount_minor": planned.amount_minor}
        journal.outcome(
            session, held.realm_no, held.job_id, kind=held.kind, after={**result, **told}
        )
    fail_points.reach("push.confirmed")
    facts = {"realm_no": held.realm_no, "job_id": held.job_id, "invoice_id": answer["Id"]}
    logger.info(f"invoice.{held.kind}", extra=facts)


def _note_twin(app: App, held: work.Claim, made: Raw) -> None:
    """Note an invoice that was made after another process had taken the row over.

    If that one made an invoice too, this is its twin, and the next plan takes it back; if it found
    this one, this is the invoice.
    """
    planned = effects.planned_of(held.payload)
    assert held.job_id is not None
    with app.database.begin(held.realm_no) as session:
        is_known = session.get(JobDocumentRow, (held.realm_no, "Invoice", str(made["Id"])))
        if is_known is None:
            mirror.store(session, held.realm_no, "Invoice", made, synced=made)
            session.add(
                JobDocumentRow(
                    realm_no=held.realm_no,
                    entity="Invoice",
                    qbo_id=str(made["Id"]),
                    job_id=held.job_id,
                    role="twin",
                    milestone_id=planned.milestone_id,
                    ordinal=planned.ordinal,
                    lines={},
                    is_live=False,
                    is_adopted=False,
                    was_settled=False,
                    is_settled=False,
                    reversals=0,
                )
            )
            work.look_again(session, held.realm_no, held.job_id)
    facts = {"realm_no": held.realm_no, "work_id": held.work_id, "invoice_id": made["Id"]}
    logger.warning("push.too_late", extra=facts)


def _as_answered(held: work.Claim, found: Raw) -> Raw:
    """Give the invoice as our write left it: what was read back may hold later edits of people."""
    body = held.payload["body"]
    if is_first_answer(found, body):
        return found
    return as_written(found, body, written=written_lines(found, body))


def _synced(held: work.Claim, answer: Raw, lines: Mapping[str, str]) -> Raw:
    """Give what counts as last synced: the answer, without what people had changed before it."""
    if held.kind == "bill":
        return answer
    return synced_after(
        answer,
        current=held.payload["current"],
        synced=held.payload["synced"],
        known=held.payload["line_ids"],
        written=lines,
    )


def _after_someone(app: App, held: work.Claim, now: Raw | None) -> None:
    """The invoice is not what the plan saw: keep what it is now and decide again."""
    if now is not None and _is_what_we_sent(held, now):
        _confirm(app, held, now)
        return
    with app.database.begin(held.realm_no) as session:
        _keep(session, held, now)
        work.cancel(session, held, why="the invoice was changed meanwhile")


def _is_what_we_sent(held: work.Claim, now: Raw) -> bool:
    """Tell whether the invoice carries the money that we asked for, whoever saved it since."""
    if held.asked_at is None:
        return False
    try:
        line_ids(
            now,
            effects.planned_of(held.payload),
            currency=held.payload["currency"],
            known=held.payload.get("line_ids"),
            current=held.payload.get("current"),
        )
    except DocumentError:
        return False
    return True
