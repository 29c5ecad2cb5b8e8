"""What a sandbox keeps beside its companies: clock, switches, redirects."""

import pytest

from sandbox.books import Books, open_books
from sandbox.clock import MovableClock
from sandbox.journal import MemoryJournal
from sandbox.seeds import shipped_files
from sandbox.settings import SettingError


def test_clock_moves_forward_only_and_moves_the_books(books, client):
    """New documents bear the new date; there is no way back."""
    books.advance("36h")

    assert client.invoice()["TxnDate"] == "2026-05-05"
    for step in ("-1d", "0.5d", "1y", "", "d"):
        with pytest.raises(ValueError, match="is not a step"):
            books.advance(step)
    assert books.clock.offset_s == 36 * 3600


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        pytest.param({"colour": True}, "there is no setting 'colour'", id="unknown"),
        pytest.param({"rate_limits": 1}, "must be bool", id="wrong-type"),
        pytest.param({"cdc_limit": True}, "must be int", id="bool-is-no-int"),
        pytest.param({"cdc_limit": -1}, "must not be negative", id="negative"),
    ],
)
def test_wrong_switch_is_refused_and_changes_nothing(books, journal, wishes, said):
    """Also when another wish beside it is fine."""
    before = len(journal.records)

    with pytest.raises(SettingError, match=said):
        books.set({"refresh_grace": False, **wishes})

    assert books.settings.refresh_grace is True
    assert len(journal.records) == before


def test_everything_comes_back_from_the_journal(books, journal, client, clock):
    """Clock, switches, redirects, subscriptions with what waits, tokens and keys."""
    books.set({"refresh_grace": False})
    books.add_redirect("https://app.example.com/cb")
    books.outbox.register("http://a/", "legacy")
    client.invoice(1)
    client.invoice(2)
    books.outbox.acknowledged("http://a/", 1)
    books.advance("2d")

    copy = Books(MemoryJournal(), clock=MovableClock(clock))
    for record in journal.records:
        copy.apply(record)

    assert copy.facts("http://x") == books.facts("http://x")
    assert copy.settings == books.settings
    assert copy.redirect_uris == ["https://app.example.com/cb"]
    assert copy.clock.offset_s == 2 * 86400
    [mine] = books.outbox.subscriptions.values()
    [theirs] = copy.outbox.subscriptions.values()
    assert list(theirs.pending) == list(mine.pending)
    assert len(theirs.pending) == 1
    assert theirs.format == "legacy"


def test_second_opening_ignores_the_company_files(tmp_path):
    """What is in the folder counts, even if it was opened with another file."""
    books, journal = open_books(tmp_path, [shipped_files()[0]])
    facts = books.facts("http://x")
    journal.close()

    again, journal = open_books(tmp_path, [shipped_files()[1]])
    journal.close()

    assert again.facts("http://x") == facts


def test_opening_that_fails_leaves_the_folder_free_and_empty(tmp_path):
    """A wrong company file is reported, and the next try starts from nothing."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"name": "X", "classes": [{"Name": "a:b"}]}')
    with pytest.raises(Exception, match="a:b"):
        open_books(tmp_path / "data", [wrong])

    books, journal = open_books(tmp_path / "data", [shipped_files()[1]])
    journal.close()

    assert books.first_company().name == "Juniper & Stone Landscaping"
