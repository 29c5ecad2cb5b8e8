"""NOTIFY: tell a customer one thing, at most once.

Address, name and amounts are read when the mail is sent. A mail cannot be read back, so a row that
is claimed with `asked_at` set is not sent again: it may have gone out, and a person decides.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from milestone_engine.job import Notice
from sync import fail_points, work
from sync.bootstrap import App
from sync.errors import (
    MailRefused,
    MailStale,
    MailUnavailable,
    MailUncertain,
    NotNow,
    QuickBooksUnavailable,
    RejectedWrite,
)
from sync.keys import Keyring, token_hash
from sync.mail.compose import Letter, compose
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView
from sync.store import journal
from sync.store.database import business_now, lease_now
from sync.store.tables import JobDocumentRow, PortalLinkRow, ReceiptRow

logger = logging.getLogger(__name__)

#: A customer's link works for this long after the last mail that carried it.
LINK_LIFETIME = timedelta(days=365)
#: A mail that has waited longer is not sent before a person has looked at it.
MAIL_AGE_MAX = timedelta(days=3)


def send_mail(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `mail`."""
    if held.asked_at is not None:
        raise MailUncertain("the process ended while the mail was handed over")
    assert held.job_id is not None
    with app.database.begin(held.realm_no) as session:
        if work.facts_moved(session, held):
            raise NotNow("facts have moved: decide first")
        _stop_if_stale(session, held)
        view = view_job(session, held.realm_no, held.job_id)
        token = portal_token(session, app.keyring, held.realm_no, held.job_id)
        sent_at = business_now(session)
    if not view.email:
        raise MailRefused(f"no mail address for job {view.base}")
    message = compose(
        view,
        Letter(
            notice=Notice(held.payload["notice"]),
            milestone_id=held.payload["milestone_id"],
            old=held.payload["old"],
            new=held.payload["new"],
        ),
        sender=app.settings.mail_from,
        portal_url=f"{app.settings.web_url}/p/{token}",
        message_key=f"{held.realm_no}.{held.work_id}",
        sent_at=sent_at,
        invoice_pdf=_invoice_pdf(app, held, view),
    )
    with app.database.begin(held.realm_no) as session:
        work.ask(session, held, request_id=str(message["Message-ID"]))
    fail_points.reach("mail.asked")
    try:
        answer = app.mail.send(message)
    except (MailUnavailable, MailRefused):
        with app.database.begin(held.realm_no) as session:
            work.not_asked(session, held)
        raise
    except MailUncertain:
        # It counts as told: what comes after it need not wait for a person.
        with app.database.begin(held.realm_no) as session:
            work.look_again(session, held.realm_no, held.job_id)
        raise
    fail_points.reach("mail.handed_over")
    with app.database.begin(held.realm_no) as session:
        result = {"answer": answer[:200], "sent_at": sent_at.isoformat()}
        said = {name: held.payload[name] for name in ("notice", "milestone_id", "new")}
        journal.outcome(session, held.realm_no, held.job_id, kind="mail", after=said)
        work.finish(session, held, result=result)
        # What was told is a fact of the next plan.
        work.look_again(session, held.realm_no, held.job_id)
    fail_points.reach("mail.marked")
    facts = {"realm_no": held.realm_no, "job_id": held.job_id, "notice": held.payload["notice"]}
    logger.info("mail.sent", extra=facts)


def _stop_if_stale(session: Session, held: work.Claim) -> None:
    """Send no old news after an outage as if it were new (I20).

    Raises:
        MailStale: it has waited too long since it was planned, or since a person let it go.
    """
    let_go_at = held.payload.get(work.CLEARED_AT)
    since = datetime.fromisoformat(let_go_at) if let_go_at else held.created_at
    waited = lease_now(session) - since
    if waited > MAIL_AGE_MAX:
        raise MailStale(f"it has waited for {waited.days} days")


def portal_token(session: Session, keyring: Keyring, realm_no: int, job_id: int) -> str:
    """Give the token of a job's portal link, making the link where there is none that works."""
    newest = session.scalars(
        select(PortalLinkRow)
        .where(PortalLinkRow.realm_no == realm_no, PortalLinkRow.job_id == job_id)
        .order_by(PortalLinkRow.serial.desc())
        .limit(1)
    ).one_or_none()
    serial = 1 if newest is None else newest.serial + (newest.revoked_at is not None)
    token = keyring.portal_token(realm_no, job_id, serial)
    if newest is not None and newest.revoked_at is None:
        made = keyring.portal_tokens(realm_no, job_id, serial)
        still = [one for one in made if token_hash(one) == newest.token_hash]
        # A link that was made under a key that is accepted no more gets a follower.
        serial += not still
        token = still[0] if still else keyring.portal_token(realm_no, job_id, serial)
    expires_at = business_now(session) + LINK_LIFETIME
    session.execute(
        upsert(PortalLinkRow)
        .values(
            realm_no=realm_no,
            job_id=job_id,
            serial=serial,
            token_hash=token_hash(token),
            expires_at=expires_at,
        )
        .on_conflict_do_update(
            index_elements=["realm_no", "job_id", "serial"], set_={"expires_at": expires_at}
        )
    )
    return token


def _invoice_pdf(app: App, held: work.Claim, view: JobView) -> tuple[str, bytes] | None:
    """Give the invoice that is due, as QuickBooks prints it. A mail without it
    is better than none.
    """
    if held.payload["notice"] != Notice.DUE.value:
        return None
    with app.database.begin(held.realm_no) as session:
        found = _invoice_due(session, held, view)
    if found is None:
        return None
    invoice_id, number = found
    try:
        pdf = app.gateway.pdf(held.realm_no, "Invoice", invoice_id)
    except (QuickBooksUnavailable, RejectedWrite):
        return None
    return f"{number or invoice_id}.pdf", pdf


def _invoice_due(session: Session, held: work.Claim, view: JobView) -> tuple[str, str] | None:
    """Give id and number of the invoice that is due: the mail's occasion ends in its ordinal."""
    milestone_id, _, ordinal = str(held.payload["occasion"]).rpartition("-")
    row = session.execute(
        select(ReceiptRow.invoice_id, ReceiptRow.doc_number)
        .join(
            JobDocumentRow,
            (JobDocumentRow.realm_no == ReceiptRow.realm_no)
            & (JobDocumentRow.entity == "Invoice")
            & (JobDocumentRow.qbo_id == ReceiptRow.invoice_id),
        )
        .where(
            ReceiptRow.realm_no == held.realm_no,
            ReceiptRow.job_id == view.job_id,
            ReceiptRow.state == "live",
            JobDocumentRow.milestone_id == milestone_id,
            JobDocumentRow.ordinal == int(ordinal),
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None
