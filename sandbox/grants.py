"""OAuth 2.0 as Intuit runs it: codes, access tokens of an hour, refresh tokens that rotate every
day, revocation.

Lifetimes run on the books' clock. One token per company, the *standing token*, has no lifetime: a
script that moves the clock by a week would lock itself out with its own first call.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.ids import Ids
from sandbox.settings import Settings
from sandbox.values import Document

ACCESS_LIFE_S = 3600
REFRESH_IDLE_S = 8_726_400  # 101 days, the value Intuit sends
REFRESH_HARD_S = 157_680_000  # five years
ROTATE_AFTER = timedelta(hours=24)
GRACE = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=10)

ACCOUNTING_SCOPE = "com.intuit.quickbooks.accounting"
SCOPES = (
    ACCOUNTING_SCOPE,
    "com.intuit.quickbooks.payment",
    "project-management.project",
    "openid",
    "profile",
    "email",
    "phone",
    "address",
    "intuit_name",
)

STANDING_ACTOR = "client:standing"
APP_ACTOR = "client:app"

UNKNOWN_REFRESH = "Incorrect or invalid refresh token"
DEAD_REFRESH = "Token has been expired or revoked."


class OAuthError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one company allowed one client; a new refresh token makes a new version of it."""

    id: str
    realm_id: str
    actor: str
    scope: str
    refresh_token: str
    rotated_at: datetime  #: when this refresh token was first given out
    used_at: datetime  #: the idle limit counts from here
    hard_end: datetime
    superseded: tuple[
        tuple[str, datetime], ...
    ] = ()  #: older tokens that still work, and until when
    is_revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One access token."""

    token: str
    realm_id: str
    actor: str
    grant_id: str
    ends_at: datetime | None  #: None for the standing token


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One authorization code, to be exchanged once."""

    code: str
    realm_id: str
    scope: str
    redirect_uri: str
    ends_at: datetime
    is_used: bool = False


class Grants:
    """All codes, grants and tokens of one sandbox; every change is journalled before it counts."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        settings: Callable[[], Settings],
        record: Callable[[Document], None],
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._record = record
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._by_refresh: dict[str, str] = {}
        self._access: dict[str, Access] = {}

    def who(self, token: str) -> Access | None:
        """Return what an access token stands for, or None if it is unknown, expired or revoked."""
        access = self._access.get(token)
        if access is None:
            return None
        if access.ends_at is None:
            return access
        grant = self._grants.get(access.grant_id)
        is_dead = grant is None or grant.is_revoked or access.ends_at <= self._clock.now()
        return None if is_dead else access

    def issue_code(self, *, realm_id: str, scope: str, redirect_uri: str) -> str:
        """Return a code for the redirect back from the consent page."""
        code = self._ids.token("AB11")
        ends_at = self._clock.now() + CODE_LIFE
        self._record(
            _row(
                "code",
                code=code,
                realm_id=realm_id,
                scope=scope,
                redirect_uri=redirect_uri,
                ends_at=ends_at,
            )
        )
        return code

    def exchange(self, code: str, *, redirect_uri: str) -> Document:
        """Return the token answer for a code; a second exchange kills what the first one gave.

        Raises:
            OAuthError: invalid_grant.
        """
        known = self._codes.get(code)
        now = self._clock.now()
        if known is None or known.redirect_uri != redirect_uri or known.ends_at <= now:
            raise OAuthError("invalid_grant", "Incorrect or invalid authorization code")
        if known.is_used:
            self._revoke(f"grant-{code}")
            raise OAuthError("invalid_grant", "Authorization code has already been used")
        self._record(_row("code_used", code=code))
        grant = self.open_grant(id=f"grant-{code}", realm_id=known.realm_id, scope=known.scope)
        return self._answer(grant)

    def open_grant(self, *, id: str, realm_id: str, scope: str = ACCOUNTING_SCOPE) -> Grant:
        """Make a grant with its first refresh token."""
        now = self._clock.now()
        grant = Grant(
            id=id,
            realm_id=realm_id,
            actor=APP_ACTOR,
            scope=scope,
            refresh_token=self._ids.token("RT1-"),
            rotated_at=now,
            used_at=now,
            hard_end=now + timedelta(seconds=REFRESH_HARD_S),
        )
        self._keep(grant)
        return grant

    def stand(self, *, token: str, realm_id: str) -> None:
        """Make a company's standing token."""
        self._record(
            _row(
                "access",
                token=token,
                realm_id=realm_id,
                actor=STANDING_ACTOR,
                grant_id="",
                ends_at=None,
            )
        )

    def refresh(self, token: str) -> Document:
        """Return the token answer for a refresh token; the token itself changes when it is a day
        old.

        Raises:
            OAuthError: invalid_grant, in both of the wordings that are seen.
        """
        grant = self._grants.get(self._by_refresh.get(token, ""))
        if grant is None:
            raise OAuthError("invalid_grant", UNKNOWN_REFRESH)
        now = self._clock.now()
        if self._is_dead(grant, now):
            raise OAuthError("invalid_grant", DEAD_REFRESH)
        if token != grant.refresh_token and dict(grant.superseded).get(token, now) <= now:
            raise OAuthError("invalid_grant", UNKNOWN_REFRESH)
        grant = self._rotated(grant, now) if now - grant.rotated_at >= ROTATE_AFTER else grant
        self._keep(replace(grant, used_at=now))
        return self._answer(self._grants[grant.id])

    def revoke(self, token: str) -> bool:
        """End the grant behind a refresh or access token; False if there is none to end."""
        access = self._access.get(token)
        grant_id = access.grant_id if access else self._by_refresh.get(token, "")
        return self._revoke(grant_id)

    def standing_refresh_token(self, *, grant_id: str, realm_id: str) -> str:
        """Return the refresh token of a grant that is always there: made anew if it has died."""
        grant = self._grants.get(grant_id)
        if grant is None or self._is_dead(grant, self._clock.now()):
            grant = self.open_grant(id=grant_id, realm_id=realm_id)
        return grant.refresh_token

    def apply(self, record: Document) -> None:
        """Take a record over, whether just made or read from the journal."""
        row = {name: value for name, value in record.items() if name not in ("kind", "what")}
        match record["what"]:
            case "code":
                self._codes[row["code"]] = Code(**{**row, "ends_at": _time(row["ends_at"])})
            case "code_used":
                self._codes[row["code"]] = replace(self._codes[row["code"]], is_used=True)
            case "access":
                ends_at = _time(row["ends_at"]) if row["ends_at"] else None
                self._access[row["token"]] = Access(**{**row, "ends_at": ends_at})
            case "grant":
                self._take(_grant(row))

    def _take(self, grant: Grant) -> None:
        self._grants[grant.id] = grant
        self._by_refresh[grant.refresh_token] = grant.id

    def _is_dead(self, grant: Grant, now: datetime) -> bool:
        idle_end = grant.used_at + timedelta(seconds=REFRESH_IDLE_S)
        return grant.is_revoked or idle_end <= now or grant.hard_end <= now

    def _rotated(self, grant: Grant, now: datetime) -> Grant:
        alive = [(token, end) for token, end in grant.superseded if end > now]
        if self._settings().refresh_grace:
            alive.append((grant.refresh_token, now + GRACE))
        return replace(
            grant, refresh_token=self._ids.token("RT1-"), rotated_at=now, superseded=tuple(alive)
        )

    def _revoke(self, grant_id: str) -> bool:
        grant = self._grants.get(grant_id)
        if grant is None or grant.is_revoked:
            return False
        self._keep(replace(grant, is_revoked=True))
        return True

    def _answer(self, grant: Grant) -> Document:
        now = self._clock.now()
        access = self._ids.token("eyJ")
        ends_at = now + timedelta(seconds=ACCESS_LIFE_S)
        self._record(
            _row(
                "access",
                token=access,
                realm_id=grant.realm_id,
                actor=grant.actor,
                grant_id=grant.id,
                ends_at=ends_at,
            )
        )
        hard_s = int((grant.hard_end - now).total_seconds())
        return {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_LIFE_S,
            "refresh_token": grant.refresh_token,
            "x_refresh_token_expires_in": min(REFRESH_IDLE_S, hard_s),
            "x_refresh_token_hard_expires_in": hard_s,
        }

    def _keep(self, grant: Grant) -> None:
        self._record(
            _row(
                "grant",
                id=grant.id,
                realm_id=grant.realm_id,
                actor=grant.actor,
                scope=grant.scope,
                refresh_token=grant.refresh_token,
                rotated_at=grant.rotated_at,
                used_at=grant.used_at,
                hard_end=grant.hard_end,
                superseded=[[token, end.isoformat()] for token, end in grant.superseded],
                is_revoked=grant.is_revoked,
            )
        )


def _row(what: str, **values: object) -> Document:
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    return {"kind": "oauth", "what": what, **plain}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _grant(row: Document) -> Grant:
    times = {name: _time(row[name]) for name in ("rotated_at", "used_at", "hard_end")}
    superseded = tuple((token, _time(end)) for token, end in row["superseded"])
    return Grant(**{**row, **times, "superseded": superseded})
