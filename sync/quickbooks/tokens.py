"""One live access token per company.

A refresh is made by one process at a time: a short lease on the company's row, not a lock, because
no transaction may stay open during the call. What Intuit returned is stored before anything uses
it, and a late writer cannot put an older token over a newer one (`token_version`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select, update

from sync import fail_points
from sync.company_watch import CompanyWatch
from sync.errors import QuickBooksUnavailable, RealmDisconnected
from sync.keys import Keyring
from sync.ports import Clock
from sync.quickbooks.oauth import Grant, OAuth
from sync.store.database import Database, business_now
from sync.store.tables import RealmRow

#: An access token is renewed this long before its hour is over.
MARGIN = timedelta(minutes=5)
REFRESH_LEASE_S = 45
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Access:
    """What one call needs: whose books, and the right to open them."""

    realm_id: str
    access_token: str
    token_version: int
    trouble: int = 0  #: calls in a row that found nobody, when this was read


class Tokens:
    """Hands out access, refreshing where the old token is over or was refused."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        oauth: OAuth,
        clock: Clock,
        watch: CompanyWatch,
    ) -> None:
        """Take where tokens are stored, how they are sealed, and who renews them."""
        self._watch = watch
        self._clock = clock
        self._database = database
        self._keyring = keyring
        self._oauth = oauth

    def access(self, realm_no: int, *, refused: Access | None = None) -> Access:
        """Give access to a company's books, for a few minutes at least.

        Args:
            realm_no: the company.
            refused: access that QuickBooks has just refused: it is renewed even if its hour is not
                over.

        Raises:
            RealmDisconnected: the company must be connected again.
            QuickBooksUnavailable: the token cannot be renewed now.
            AppRefused: no token of any company can be.
        """
        deadline = self._clock.monotonic() + REFRESH_LEASE_S
        while True:
            row, now = self._read(realm_no)
            if row.state != "connected" or row.refresh_token_sealed is None:
                raise RealmDisconnected(f"company {realm_no} is {row.state}")
            is_old = row.access_expires_at is None or row.access_expires_at - MARGIN <= now
            if not is_old and (refused is None or row.token_version > refused.token_version):
                return self._open(row)
            if self._take_lease(realm_no):
                fail_points.reach("token.leased")
                return self._renew(row)
            if self._clock.monotonic() > deadline:
                raise QuickBooksUnavailable("another process is still renewing the token")
            self._clock.sleep(_POLL_S)

    def _read(self, realm_no: int) -> tuple[RealmRow, datetime]:
        with self._database.begin(realm_no) as session:
            row = session.scalars(select(RealmRow).where(RealmRow.realm_no == realm_no)).one()
            return row, business_now(session)

    def _take_lease(self, realm_no: int) -> bool:
        lease = RealmRow.refresh_lease_until
        with self._database.begin(realm_no) as session:
            taken = session.scalars(
                update(RealmRow)
                .where(
                    RealmRow.realm_no == realm_no, or_(lease.is_(None), lease < func.lease_now())
                )
                .values(refresh_lease_until=func.lease_now() + timedelta(seconds=REFRESH_LEASE_S))
                .returning(RealmRow.realm_no)
            )
            return taken.one_or_none() is not None

    def _renew(self, seen: RealmRow) -> Access:
        realm_no = seen.realm_no
        # A sibling may have renewed between our read and our lease.
        row, _ = self._read(realm_no)
        if row.token_version > seen.token_version and row.access_token_sealed is not None:
            self._end_lease(realm_no)
            return self._open(row)
        try:
            grant, version = self._refresh(realm_no, row)
        except RealmDisconnected:
            raise
        except Exception:
            self._end_lease(realm_no)
            raise
        fail_points.reach("token.rotated")
        self._store(realm_no, grant, version=version)
        newest, _ = self._read(realm_no)
        if newest.access_token_sealed is None:
            raise RealmDisconnected(f"company {realm_no} is {newest.state}")
        return self._open(newest)

    def _refresh(self, realm_no: int, row: RealmRow) -> tuple[Grant, int]:
        """Ask Intuit; if the token is refused and a sibling has stored a newer one, ask with that,
        once: only then is the grant dead.
        """
        try:
            return self._ask(row), row.token_version + 1
        except RealmDisconnected:
            if self._mark_dead(realm_no, row.token_version):
                raise
            newest, _ = self._read(realm_no)
        try:
            return self._ask(newest), newest.token_version + 1
        except RealmDisconnected:
            if self._mark_dead(realm_no, newest.token_version):
                raise
            raise QuickBooksUnavailable("the token is being renewed by others") from None

    def _ask(self, row: RealmRow) -> Grant:
        token = self.refresh_token(row)
        if token is None:
            raise RealmDisconnected(f"company {row.realm_no} is {row.state}")
        return self._oauth.refresh(token)

    def refresh_token(self, row: RealmRow) -> str | None:
        """Give a company's refresh token, or None where it was destroyed."""
        if row.refresh_token_sealed is None:
            return None
        purpose = f"refresh_token/{row.realm_no}"
        return self._keyring.open(row.refresh_token_sealed, purpose=purpose)

    def _store(self, realm_no: int, grant: Grant, *, version: int) -> None:
        # Sealed inside the statement's own transaction: `sync/rotate.py` locks the row against it.
        with self._database.begin(realm_no) as session:
            session.execute(
                update(RealmRow)
                .where(
                    RealmRow.realm_no == realm_no,
                    RealmRow.token_version < version,
                    # Who was disconnected meanwhile gets no token back.
                    RealmRow.state != "disconnected",
                )
                .values(
                    refresh_lease_until=None,
                    # A sibling that asked with the token before this one has given the grant up.
                    state="connected",
                    **sealed_grant(self._keyring, realm_no, grant, now=business_now(session)),
                    token_version=version,
                )
            )
            self._watch.note_app_known(session, realm_no)
            self._watch.agree(session, realm_no)

    def _end_lease(self, realm_no: int) -> None:
        with self._database.begin(realm_no) as session:
            session.execute(
                update(RealmRow)
                .where(RealmRow.realm_no == realm_no)
                .values(refresh_lease_until=None)
            )

    def _mark_dead(self, realm_no: int, version: int) -> bool:
        """Note that a grant is dead; tell whether it is: nobody has stored a newer token."""
        with self._database.begin(realm_no) as session:
            marked = session.scalars(
                update(RealmRow)
                .where(RealmRow.realm_no == realm_no, RealmRow.token_version == version)
                .values(
                    state=case(
                        (RealmRow.state == "connected", "reauth_needed"), else_=RealmRow.state
                    ),
                    refresh_lease_until=None,
                )
                .returning(RealmRow.realm_no)
            )
            is_dead = marked.one_or_none() is not None
            self._watch.agree(session, realm_no)
            return is_dead

    def _open(self, row: RealmRow) -> Access:
        assert row.access_token_sealed is not None
        keyring, number = self._keyring, row.realm_no
        return Access(
            realm_id=keyring.open(row.realm_id_sealed, purpose="realm_id"),
            access_token=keyring.open(row.access_token_sealed, purpose=f"access_token/{number}"),
            token_version=row.token_version,
            trouble=row.trouble,
        )


def sealed_grant(
    keyring: Keyring, realm_no: int, grant: Grant, *, now: datetime
) -> dict[str, bytes | datetime]:
    """Give a grant as the columns of `realm` that keep it: sealed, with absolute expiry on the
    business clock.
    """
    return {
        "access_token_sealed": keyring.seal(grant.access_token, purpose=f"access_token/{realm_no}"),
        "refresh_token_sealed": keyring.seal(
            grant.refresh_token, purpose=f"refresh_token/{realm_no}"
        ),
        "access_expires_at": now + timedelta(seconds=grant.access_lifetime_s),
        "refresh_expires_at": now + timedelta(seconds=grant.refresh_lifetime_s),
    }
