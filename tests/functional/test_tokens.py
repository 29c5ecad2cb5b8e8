"""Tokens: one refresh at a time, stored before use, and a dead grant stops its company alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from sync.errors import RealmDisconnected
from sync.keys import Keyring, SealError
from sync.quickbooks.oauth import Grant
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
