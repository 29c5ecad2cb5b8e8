"""OAuth: codes, lifetimes on the books' clock, daily rotation, revocation."""

import pytest

from sandbox.grants import OAuthError

REDIRECT = "https://app.example.com/callback"


@pytest.fixture
def grants(books):
    """The grants of the countertop contractor's books."""
    return books.grants


@pytest.fixture
def tokens(books, grants):
    """A grant's first tokens."""
    code = grants.issue_code(
        realm_id=books.first_company().realm_id, scope="s", redirect_uri=REDIRECT
    )
    return grants.exchange(code, redirect_uri=REDIRECT)


def test_code_works_once_and_a_second_try_kills_its_tokens(books, grants):
    """A code that is used twice may have been stolen."""
    code = grants.issue_code(
        realm_id=books.first_company().realm_id, scope="s", redirect_uri=REDIRECT
    )
    first = grants.exchange(code, redirect_uri=REDIRECT)

    with pytest.raises(OAuthError, match="invalid_grant"):
        grants.exchange(code, redirect_uri=REDIRECT)

    assert grants.who(first["access_token"]) is None


def test_code_is_bound_to_its_redirect_and_to_ten_minutes(books, grants, clock, client):
    """Anything else is invalid_grant."""
    realm_id = books.first_company().realm_id
    code = grants.issue_code(realm_id=realm_id, scope="s", redirect_uri=REDIRECT)
    with pytest.raises(OAuthError):
        grants.exchange(code, redirect_uri=f"{REDIRECT}/")

    client.wait(minutes=10)

    with pytest.raises(OAuthError):
        grants.exchange(code, redirect_uri=REDIRECT)


def test_access_token_lives_an_hour_of_the_books_time(grants, tokens, books):
    """Also when the hour passes by moving the clock."""
    access = grants.who(tokens["access_token"])
    assert access.actor == "client:app"

    books.advance("59m")
    assert grants.who(tokens["access_token"]) == access
    books.advance("1m")
    assert grants.who(tokens["access_token"]) is None


def test_standing_token_outlives_every_move_of_the_clock(grants, books):
    """A script that moves the clock is not locked out by it."""
    books.advance("400d")

    facts = books.facts("http://x")
    assert grants.who(facts["access_token"]).actor == "client:standing"
    assert grants.refresh(facts["refresh_token"])["access_token"]


def test_refresh_token_stays_the_same_for_a_day(grants, tokens, books):
    """Two refreshes minutes apart return the same value; after a day there is a new one."""
    books.advance("23h")
    assert grants.refresh(tokens["refresh_token"])["refresh_token"] == tokens["refresh_token"]

    books.advance("1h")

    assert grants.refresh(tokens["refresh_token"])["refresh_token"] != tokens["refresh_token"]


def test_replaced_token_works_for_a_day_of_grace(grants, tokens, books):
    """And gives the new one, not a third."""
    books.advance("24h")
    new = grants.refresh(tokens["refresh_token"])["refresh_token"]

    assert grants.refresh(tokens["refresh_token"])["refresh_token"] == new
    books.advance("24h")
    with pytest.raises(OAuthError, match="Incorrect or invalid refresh token"):
        grants.refresh(tokens["refresh_token"])


def test_replaced_token_is_dead_at_once_without_grace(grants, tokens, books):
    """The other reading of Intuit's documents is a switch."""
    books.set({"refresh_grace": False})
    books.advance("24h")
    grants.refresh(tokens["refresh_token"])

    with pytest.raises(OAuthError, match="invalid_grant"):
        grants.refresh(tokens["refresh_token"])


def test_unused_refresh_token_dies_after_101_days(grants, tokens, books):
    """Each refresh counts anew."""
    books.advance("100d")
    tokens = grants.refresh(tokens["refresh_token"])
    books.advance("100d")
    tokens = grants.refresh(tokens["refresh_token"])
    books.advance("101d")

    with pytest.raises(OAuthError, match="expired or revoked"):
        grants.refresh(tokens["refresh_token"])


def test_five_years_end_every_grant(grants, tokens, books):
    """Refreshing does not move the hard limit; the answer shows it coming."""
    for _ in range(18):
        books.advance("100d")
        tokens = grants.refresh(tokens["refresh_token"])
    assert tokens["x_refresh_token_hard_expires_in"] == 25 * 86400
    assert tokens["x_refresh_token_expires_in"] == 25 * 86400

    books.advance("26d")

    with pytest.raises(OAuthError, match="expired or revoked"):
        grants.refresh(tokens["refresh_token"])


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoked_grant_is_dead_with_all_its_tokens(grants, tokens, which):
    """By either token; a second revocation finds nothing."""
    assert grants.revoke(tokens[which])

    assert grants.who(tokens["access_token"]) is None
    with pytest.raises(OAuthError, match="expired or revoked"):
        grants.refresh(tokens["refresh_token"])
    assert not grants.revoke(tokens[which])
