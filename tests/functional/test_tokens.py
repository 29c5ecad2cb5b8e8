"""Tokens: one refresh at a time, stored before use, and a dead grant stops its company alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from sync.connect import ConsentRefused
from sync.errors import RealmDisconnected
from sync.keys import Keyring, SealError
from sync.pull import order_pull
from sync.quickbooks.oauth import Grant
from sync.reports.contractor import contractor_report
from sync.store.tables import RealmRow
from tests.functional.test_story import LINES
from tests.house import House, connect


def expire(house: House) -> None:
    """Let the access token's hour be over, as far as we know."""
    with house.owner.begin() as session:
        session.execute(text("UPDATE realm SET access_expires_at = now() - interval '1 minute'"))


def realm(house: House) -> RealmRow:
    """The company's row."""
    with house.owner.begin() as session:
        return session.scalars(select(RealmRow)).one()


def test_of_twenty_that_need_a_token_one_refreshes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I29: one call to Intuit, and all twenty go on with what it returned."""
    expire(house)
    refresh, calls = house.app.oauth.refresh, []

    def counted(token: str) -> Grant:
        calls.append(token)
        return refresh(token)

    monkeypatch.setattr(house.app.oauth, "refresh", counted)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: house.app.tokens.access(house.realm_no), range(20)))

    assert len(calls) == 1
    assert len({one.access_token for one in found}) == 1


def test_a_refused_token_is_renewed_once_and_the_call_goes_on(house: House) -> None:
    """401 in mid-work: the clock of QuickBooks was ahead of ours."""
    house.sandbox.admin("clock/advance", {"by": "2h"})
    before = realm(house).token_version

    house.accepted_estimate("7001", LINES)
    house.sync()

    assert realm(house).token_version == before + 1
    assert len(house.sandbox.invoices("7001")) == 1


def test_a_dead_grant_stops_the_company_and_says_so(house: House) -> None:
    """invalid_grant: no hammering, the work waits for the company to be connected again."""
    grant = house.app.tokens.access(house.realm_no)
    row = realm(house)
    assert row.refresh_token_sealed is not None
    refresh_token = house.app.keyring.open(
        row.refresh_token_sealed, purpose=f"refresh_token/{house.realm_no}"
    )
    house.app.oauth.revoke(refresh_token)
    house.sandbox.admin("clock/advance", {"by": "2h"})

    house.sync()

    assert realm(house).state == "reauth_needed"
    assert [row.state for row in house.work("pull")][-1] == "ready"
    with pytest.raises(RealmDisconnected):
        house.app.tokens.access(house.realm_no, refused=grant)


def refresh_token(house: House) -> str:
    """The company's refresh token, as it is stored."""
    token = house.app.tokens.refresh_token(realm(house))
    assert token is not None
    return token


def test_a_refused_token_is_asked_for_once_more_if_a_sibling_stored_a_newer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that overslept its lease holds a dead token: the newest decides, not that one."""
    refresh, asked = house.app.oauth.refresh, []

    def outrun(token: str) -> Grant:
        asked.append(token)
        if len(asked) == 1:
            with house.owner.begin() as session:
                session.execute(text("UPDATE realm SET token_version = token_version + 1"))
            raise RealmDisconnected("the grant is dead (invalid_grant)")
        return refresh(token)

    monkeypatch.setattr(house.app.oauth, "refresh", outrun)
    expire(house)

    assert house.app.tokens.access(house.realm_no).access_token
    assert len(asked) == 2
    assert realm(house).state == "connected"


@pytest.mark.parametrize("has_grace", [True, False])
def test_a_token_that_was_replaced_and_never_stored(house: House, has_grace: bool) -> None:
    """A crash between Intuit's answer and our commit: with Intuit's day of grace nobody notices,
    without it the company must be connected again, and the report says so until it is.
    """
    house.sandbox.admin("settings", {"refresh_grace": has_grace})
    house.sandbox.admin("clock/advance", {"by": "25h"})
    house.app.oauth.refresh(refresh_token(house))  # and then the process died

    house.sync()

    assert realm(house).state == ("connected" if has_grace else "reauth_needed")
    codes = [one["code"] for one in needs(house)]
    assert codes == ([] if has_grace else ["connection_lost"])
    connect(house, house.sandbox.realm_id, expected=house.realm_no)
    assert realm(house).state == "connected"
    assert needs(house) == []


def test_keys_that_intuit_does_not_know_stop_nothing_for_good(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid_client is everybody's trouble and no company's: what was in hand waits and costs no
    try, the report says so, and all goes on by itself once the keys are right.
    """
    house.sync()
    house.accepted_estimate("7003", LINES)
    monkeypatch.setattr(house.app.oauth, "_client_secret", "wrong")
    expire(house)

    house.sync()

    row = house.work("pull")[-1]
    assert (row.state, row.attempts) == ("ready", 0)
    assert realm(house).state == "connected"
    assert "app_refused" in open_codes(house)
    monkeypatch.undo()
    with house.owner.begin() as session:
        session.execute(text("UPDATE realm SET blocked_until = now()"))
    house.work_off()
    assert house.work("pull")[-1].state == "done"
    assert len(house.sandbox.invoices("7003")) == 1
    assert "app_refused" not in open_codes(house)


def open_codes(house: House) -> list[str]:
    """What needs a person, by the report."""
    with house.app.database.begin(house.realm_no) as session:
        report = contractor_report(session, house.realm_no).as_json()
    return [one["code"] for one in report["needs_you"]]


def test_a_pull_that_is_refused_for_good_is_tried_for_ever(house: House) -> None:
    """Nobody looks at parked pulls: a company would be silent, and nobody would know."""
    house.sync()
    refused = {"operation": "cdc", "kind": "fault", "code": "4001", "status": 400, "count": 30}
    house.sandbox.admin("faults", refused)

    with house.app.database.begin(house.realm_no) as session:
        order_pull(session, house.realm_no)
        session.execute(text("UPDATE work SET attempts = 30 WHERE state = 'ready'"))
    house.work_off()

    row = house.work("pull")[-1]
    assert (row.state, row.error_class) == ("ready", "RejectedWrite")


def needs(house: House) -> list[dict[str, str]]:
    """What the contractor's report says about the company as a whole."""
    with house.app.database.begin(house.realm_no) as session:
        report = contractor_report(session, house.realm_no).as_json()
    return [one for one in report["needs_you"] if one["subject"] == f"company:{house.realm_no}"]


def test_the_end_of_a_grant_is_told_ahead_and_over_after_a_reconnect(house: House) -> None:
    """60, 30 and 7 days before the refresh token's last day, with the link that helps."""
    told = {}
    for left in (61, 60, 31, 30, 7, 1):
        with house.owner.begin() as session:
            moment = {"left": left}
            session.execute(
                text("UPDATE realm SET refresh_expires_at = now() + make_interval(days => :left)"
                     " + interval '1 hour'"), moment)  # fmt: skip
        with house.app.database.begin(house.realm_no) as session:
            house.app.watch.agree(session, house.realm_no)
        told[left] = [(one["reason"], one["remedy"]) for one in needs(house)]

    within = {left: [reason.split()[-2] for reason, _ in found] for left, found in told.items()}
    assert within == {61: [], 60: ["60"], 31: ["60"], 30: ["30"], 7: ["7"], 1: ["7"]}
    link = f"/connect?company={house.realm_no}"
    assert link in told[1][0][1]

    connect(house, house.sandbox.realm_id, expected=house.realm_no)
    assert needs(house) == []


def test_a_reconnect_of_one_company_binds_no_other(house: House) -> None:
    """S22: whoever opens the link of one company and chooses another changes nothing, whether the
    other is known here or not; the grant that came of it is given back.
    """
    before = house.dump(without=("oauth_state",))
    stranger = house.sandbox.facts["companies"][1]["realm_id"]

    with pytest.raises(ConsentRefused):
        connect(house, stranger, expected=house.realm_no)

    assert house.dump(without=("oauth_state",)) == before
    other = connect(house, stranger)
    version = realm_of(house, other).token_version
    with pytest.raises(ConsentRefused):
        connect(house, stranger, expected=house.realm_no)
    with pytest.raises(ConsentRefused):
        connect(house, house.sandbox.realm_id, expected=other)
    with pytest.raises(ConsentRefused):
        connect(house, house.sandbox.realm_id, expected=999)
    assert realm_of(house, other).token_version == version


def realm_of(house: House, realm_no: int) -> RealmRow:
    """One company's row."""
    with house.app.database.begin(realm_no) as session:
        return session.scalars(select(RealmRow)).one()


def test_tokens_and_company_ids_stand_nowhere_in_clear(house: House) -> None:
    """S23: a dump of the database holds neither tokens nor Intuit's company id."""
    access = house.app.tokens.access(house.realm_no)
    house.accepted_estimate("7002", LINES)
    house.sync()

    dump = repr(house.dump()).encode()

    assert access.access_token.encode() not in dump
    assert access.realm_id.encode() not in dump
    assert access.access_token not in repr(access)


def test_what_is_sealed_opens_for_its_purpose_alone() -> None:
    """S23: rows cannot be swapped between companies, and another key opens nothing."""
    keyring = Keyring("k" * 40)
    sealed = keyring.seal("secret", purpose="refresh_token/1")

    assert keyring.open(sealed, purpose="refresh_token/1") == "secret"
    for other, purpose in ((keyring, "refresh_token/2"), (Keyring("o" * 40), "refresh_token/1")):
        with pytest.raises(SealError):
            other.open(sealed, purpose=purpose)
    with pytest.raises(SealError):
        keyring.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), purpose="refresh_token/1")


def test_the_company_must_answer_to_its_token(house: House) -> None:
    """S22: a realmId that the new token does not open is refused, and nothing is bound."""
    other = house.sandbox.facts["companies"][1]["realm_id"]
    with pytest.raises(Exception, match="refused"):
        connect(house, house.sandbox.realm_id, claimed=other)
    with house.owner.begin() as session:
        assert len(session.scalars(select(RealmRow)).all()) == 1
