"""CONNECT: a person lets us into a company's books. Consent, callback, and the company bound to its
tokens.

The `realmId` of a callback is unsigned input: it is believed only after QuickBooks has answered for
it with the new token. `state` is single use, ten minutes old at most, and bound to the browser that
began.
"""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from sync import work
from sync.bootstrap import App
from sync.errors import SyncError
from sync.keys import token_hash
from sync.pull import SWEEP_S, order_pull
from sync.quickbooks.oauth import Grant
from sync.quickbooks.tokens import Access, sealed_grant
from sync.store import realms
from sync.store.database import become, business_now
from sync.store.tables import JobRow, OAuthStateRow, RealmRow, TimerRow, WorkRow

logger = logging.getLogger(__name__)

STATE_LIFETIME = timedelta(minutes=10)


class ConsentRefused(SyncError):
    """The callback does not belong to a consent that we began here."""


def begin_consent(app: App, *, browser: str, realm_no: int | None = None) -> str:
    """Give the address of Intuit's consent page, for one browser session.

    Args:
        app: the installation.
        browser: the session in which the answer must come back.
        realm_no: the company that is to be connected again; an answer for any other binds nothing.
    """
    state = secrets.token_urlsafe(32)
    address = app.oauth.consent_url(state)
    with app.database.begin() as session:
        session.execute(
            delete(OAuthStateRow).where(
                OAuthStateRow.created_at < func.lease_now() - STATE_LIFETIME
            )
        )
        session.execute(
            insert(OAuthStateRow).values(
                state_hash=token_hash(state), session_hash=token_hash(browser), realm_no=realm_no
            )
        )
    return address


def finish_consent(app: App, *, browser: str, state: str, code: str, realm_id: str) -> int:
    """Exchange the code of a callback and bind the company.

    Returns:
        The company's number with us.

    Raises:
        ConsentRefused: unknown, used or foreign `state`.
        SyncError: Intuit refused the code, or the company does not answer to its token.
    """
    expected = _use_state(app, state, browser)
    grant = app.oauth.exchange(code)
    access = Access(realm_id=realm_id, access_token=grant.access_token, token_version=0)
    company = app.gateway.company(access)
    if expected is not None and not _is_company(app, expected, realm_id):
        app.oauth.revoke(grant.refresh_token)
        raise ConsentRefused(f"this is not company {expected}: nothing was changed")
    return _bind(app, realm_id, grant, name=str(company.get("CompanyName") or ""))


def _is_company(app: App, realm_no: int, realm_id: str) -> bool:
    with app.database.begin(realm_no) as session:
        known = session.scalars(
            select(RealmRow.realm_id_hmac).where(RealmRow.realm_no == realm_no)
        ).one_or_none()
    return known in app.keyring.realm_hashes(realm_id)


def _use_state(app: App, state: str, browser: str) -> int | None:
    """Use up a state, and give the company that it was made for."""
    with app.database.begin() as session:
        used = session.scalars(
            delete(OAuthStateRow)
            .where(
                OAuthStateRow.state_hash == token_hash(state),
                OAuthStateRow.session_hash == token_hash(browser),
                OAuthStateRow.created_at > func.lease_now() - STATE_LIFETIME,
            )
            .returning(OAuthStateRow)
        ).one_or_none()
    if used is None:
        raise ConsentRefused("this consent was not begun here, or it is too old: begin again")
    return used.realm_no


def _bind(app: App, realm_id: str, grant: Grant, *, name: str) -> int:
    """Store tokens and company in one transaction, order the first pull and the sweep."""
    realm_hash = app.keyring.realm_hash(realm_id)
    with app.database.begin(lookup=realm_hash) as session:
        realm_no = _realm_row(session, app, realm_id, realm_hash, name=name)
        become(session, realm_no)
        row = realms.get(session, realm_no)
        session.execute(
            update(RealmRow)
            .where(RealmRow.realm_no == realm_no)
            .values(
                **sealed_grant(app.keyring, realm_no, grant, now=business_now(session)),
                token_version=row.token_version + 1,
                state="connected",
                refresh_lease_until=None,
                # Destroyed when it was disconnected; what it was waiting for is over.
                realm_id_sealed=app.keyring.seal(realm_id, purpose="realm_id"),
                blocked_until=None,
                trouble=0,
                # Nothing goes out before the books are read: nobody knows what has become of them.
                pulled_at=None,
            )
        )
        session.execute(
            upsert(TimerRow)
            .values(
                realm_no=realm_no,
                name="sweep",
                every_s=SWEEP_S,
                next_at=func.business_now() + timedelta(seconds=SWEEP_S),
            )
            .on_conflict_do_nothing()
        )
        session.execute(
            update(JobRow).where(JobRow.realm_no == realm_no).values(look_at=work.due_now())
        )
        app.watch.agree(session, realm_no)
        order_pull(session, realm_no)
        _hurry_pull(session, realm_no)
    logger.info("realm.connected", extra={"realm_no": realm_no})
    return realm_no


def _hurry_pull(session: Session, realm_no: int) -> None:
    """Have the pull that waits, after tries that failed, made now."""
    session.execute(
        update(WorkRow)
        .where(WorkRow.realm_no == realm_no, WorkRow.kind == "pull", WorkRow.state == "ready")
        .values(retry_at=func.lease_now())
    )


def _realm_row(session: Session, app: App, realm_id: str, realm_hash: bytes, *, name: str) -> int:
    known = realms.by_hashes(session, app.keyring.realm_hashes(realm_id))
    if known is not None:
        return known.realm_no
    become(session, None, lookup=realm_hash)
    return session.scalars(
        insert(RealmRow)
        .values(
            realm_id_sealed=app.keyring.seal(realm_id, purpose="realm_id"),
            realm_id_hmac=realm_hash,
            name=name,
            zone=app.settings.zone,
            mode=app.settings.new_company_mode,
        )
        .returning(RealmRow.realm_no)
    ).one()
