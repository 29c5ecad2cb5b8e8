"""QuickBooks in this process: the sandbox's own books behind the production gateway, with every way
in which an answer can go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sandbox.books import Books
from sandbox.errors import Fault
from sandbox.grants import OAuthError
from sandbox.meter import Meter
from sandbox.values import loads
from sandbox.web.call import WRITES, Call
from sandbox.web.calls import carry_out, read_call
from sandbox.web.envelopes import json_answer, no_token, refusal, throttled
from sandbox.web.mishaps import GATEWAY_TIMEOUT, NOT_FOUND_PAGE, internal_error
from sync.errors import OutcomeUnknown, QuickBooksUnavailable, RealmDisconnected
from sync.ports import Answer
from sync.quickbooks.oauth import Grant
from sync.store.database import assert_no_transaction
from tests.simulation.baton import Baton
from tests.simulation.chance import Chance
from tests.simulation.clock import SimTime

BASE_URL = "http://quickbooks.invalid/v3"
REDIRECT = "http://milestone-sync.invalid/oauth/callback"
#: Intuit may work this long on a request whose client is gone.
LATEST_COMMIT_S = 119.0
CLIENT_WAITS_S = 60.0
LAG_S = 60.0

Later = Callable[[float, Callable[[], object]], None]


class SimQuickBooks:
    """The port `QuickBooksTransport`."""

    def __init__(
        self, books: Books, baton: Baton, chance: Chance, time: SimTime, later: Later
    ) -> None:
        """Take the books, who runs, what goes wrong, and where what comes later is noted."""
        self.calls: list[tuple[float, str, str]] = []  #: when, company, operation
        self.is_down: set[str] = set()  #: companies that answer nothing but 500
        #: Who lays hands on an invoice of a company just now.
        self.meddle: Callable[[str, str], None] = lambda realm_id, invoice_id: None
        self._books = books
        self._baton = baton
        self._chance = chance
        self._time = time
        self._later = later
        self._meter = Meter()

    def close(self) -> None:
        """Nothing to let go of."""

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Make one exchange, as `QuickBooksTransport` promises."""
        assert_no_transaction("QuickBooks")
        _, _, realm_id, rest = urlsplit(url).path.strip("/").split("/", 3)[:4]
        is_write = method == "POST" and rest != "query"
        self._baton.park("quickbooks: before the request")
        refused = self._refused(realm_id, headers)
        if refused is not None:
            return refused
        fires = self._chance.fires
        if fires("reset_before_commit"):
            raise OutcomeUnknown("the line broke, nothing arrived")

        def perform() -> Answer:
            return self._perform(realm_id, rest, method=method, params=params, body=body)

        def perform_late() -> None:
            self._meet(realm_id, perform(), is_write=True)

        if is_write and fires("stuck_before_request"):
            # The process froze between asking the database and asking QuickBooks.
            wait_s = self._chance.order.choice([100.0, 200.0, 400.0])
            self._baton.park("sleep", until=self._time.elapsed_s + wait_s)
        if is_write and fires("late_commit"):
            delay_s = self._chance.order.uniform(1, LATEST_COMMIT_S)
            self._later(delay_s, perform_late)
            self._baton.park("sleep", until=self._time.elapsed_s + CLIENT_WAITS_S)
            raise OutcomeUnknown("no answer within 60 s")
        answer = perform()
        self._baton.park("quickbooks: before the answer")
        try:
            told = self._spoilt(answer, is_write=is_write)
        except OutcomeUnknown:
            self._meet(realm_id, answer, is_write=is_write)
            raise
        if told is not answer:
            self._meet(realm_id, answer, is_write=is_write)
        return told

    def _refused(self, realm_id: str, headers: Mapping[str, str]) -> Answer | None:
        now = self._books.clock.now()
        if realm_id in self.is_down:
            return Answer(status=500, headers={}, body=GATEWAY_TIMEOUT.encode())
        token = next(
            (value for name, value in headers.items() if name.lower() == "authorization"), ""
        ).partition(" ")[2]
        access = self._books.grants.who(token)
        if access is None or access.realm_id != realm_id or self._chance.fires("token_refused"):
            return _answer(no_token(now))
        if self._chance.fires("throttled"):
            answer = throttled(now, envelope="xml")
            answer.headers["Retry-After"] = "20"
            return _answer(answer)
        if self._chance.fires("status_503"):
            return Answer(status=503, headers={}, body=b"Service Unavailable")
        if self._chance.fires("html_page"):
            return Answer(status=404, headers={}, body=NOT_FOUND_PAGE.encode())
        return None

    def _perform(
        self, realm_id: str, rest: str, *, method: str, params: Mapping[str, str], body: bytes
    ) -> Answer:
        now = self._books.clock.now()
        try:
            call = read_call(realm_id, rest, method=method, params=dict(params), content=body)
            self.calls.append((self._time.elapsed_s, realm_id, call.operation))
            if _is_revision(call) and self._chance.fires("person_comes_first"):
                self.meddle(realm_id, str(call.body["Id"]))
            lag_s = LAG_S if call.operation == "query" and self._chance.fires("query_lag") else 0.0
            is_told = not (call.operation in WRITES and self._chance.fires("webhook_lost"))
            done = carry_out(
                call, self._books, self._meter, actor="client:app", notify=is_told, lag_s=lag_s
            )
        except Fault as fault:
            return _answer(refusal(fault, now))
        if isinstance(done, bytes):
            return Answer(status=200, headers={"Content-Type": "application/pdf"}, body=done)
        return _answer(json_answer(done))

    def _meet(self, realm_id: str, answer: Answer, *, is_write: bool) -> None:
        """Let somebody find what we wrote before we learn that it was written."""
        if not is_write or answer.status != 200:
            return
        invoice = loads(answer.body).get("Invoice", {})
        if "Id" in invoice and self._chance.fires("person_meets_lost_answer"):
            self.meddle(realm_id, str(invoice["Id"]))

    def _spoilt(self, answer: Answer, *, is_write: bool) -> Answer:
        fires = self._chance.fires
        if fires("reset_after_commit"):
            raise OutcomeUnknown("the line broke before the answer")
        if fires("status_500_after_commit"):
            return Answer(status=504, headers={}, body=GATEWAY_TIMEOUT.encode())
        if is_write and fires("error_6000_after_commit"):
            return _answer(internal_error(self._books.clock))
        if fires("cut_body"):
            half = answer.body[: len(answer.body) // 2]
            return Answer(status=answer.status, headers=answer.headers, body=half)
        return answer


class SimOAuth:
    """Intuit's authorisation server: the sandbox's own grants."""

    def __init__(self, books: Books, baton: Baton, chance: Chance) -> None:
        """Take the books, who runs, and what goes wrong."""
        self._books = books
        self._baton = baton
        self._chance = chance

    def consent_url(self, state: str) -> str:
        """Give the page; nobody opens it."""
        return f"http://consent.invalid/?state={state}"

    def consent(self, realm_id: str) -> str:
        """Say yes as a company's owner, and give the code of the callback."""
        return self._books.grants.issue_code(
            realm_id=realm_id,
            scope="com.intuit.quickbooks.accounting",
            redirect_uri=REDIRECT,
        )

    def exchange(self, code: str) -> Grant:
        """Turn a code into tokens."""
        return _grant(self._books.grants.exchange(code, redirect_uri=REDIRECT))

    def refresh(self, refresh_token: str) -> Grant:
        """Renew, or fail as the real one does."""
        assert_no_transaction("OAuth")
        self._baton.park("oauth: before the request")
        if self._chance.fires("refresh_unanswered"):
            raise QuickBooksUnavailable("no answer from OAuth")
        try:
            answer = self._books.grants.refresh(refresh_token)
        except OAuthError as exc:
            raise RealmDisconnected(f"the grant is dead ({exc.error})") from None
        self._baton.park("oauth: before the answer")
        if self._chance.fires("refresh_unanswered_after_rotation"):
            raise QuickBooksUnavailable("no answer from OAuth")
        return _grant(answer)

    def revoke(self, refresh_token: str) -> None:
        """End the grant."""
        self._books.grants.revoke(refresh_token)


def _is_revision(call: Call) -> bool:
    is_invoice = call.operation in WRITES and call.entity.lower() == "invoice"
    return is_invoice and bool(call.body) and "Id" in call.body


def _answer(response: object) -> Answer:
    return Answer(
        status=response.status_code,  # type: ignore[attr-defined]
        headers=dict(response.headers),  # type: ignore[attr-defined]
        body=bytes(response.body),  # type: ignore[attr-defined]
    )


def _grant(answer: Mapping[str, object]) -> Grant:
    return Grant(
        access_token=str(answer["access_token"]),
        refresh_token=str(answer["refresh_token"]),
        access_lifetime_s=int(str(answer["expires_in"])),
        refresh_lifetime_s=int(str(answer["x_refresh_token_expires_in"])),
    )
