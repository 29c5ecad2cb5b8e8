"""The commands for a sync that can be trusted, as they are typed: adopt, verify, show --at, backup.

In this process, on one installation that is found by the environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from config.settings import Settings, variable
from sync.cli.main import app
from sync.planning import preview
from tests.functional.test_adoption import by_hand, part
from tests.functional.test_push import raise_price
from tests.functional.test_story import LINES
from tests.house import House, Services, open_house


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation with a job of its own and an estimate whose deposit was billed by hand."""
    with open_house(services, tmp_path_factory.mktemp("trust")) as opened:
        customer = opened.new_customer()
        estimate = opened.accepted_estimate("9901", LINES, customer_id=customer)
        by_hand(opened, customer, part(opened, 25), number="D-1", estimate=estimate)
        opened.accepted_estimate("9902", LINES)
        opened.sync()
        yield opened


@pytest.fixture
def type_in(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types a command and gives its exit code and what it printed."""
    for name in Settings.model_fields:
        value = getattr(house.app.settings, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain not in (None, ""):
            monkeypatch.setenv(variable(name), str(plain))

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words))
        refused = getattr(done.exception, "code", None)
        return done.exit_code, refused if isinstance(refused, str) else done.output

    return run


def test_an_adoption_is_shown_in_words_then_done(type_in: Any, house: House) -> None:
    """All differences and the yes to type; then the same as JSON, money as text."""
    code, said = type_in("job", "adopt", "9901", "--dry-run")
    assert code == 0, said
    for words in (
        "Estimate 9901 (Converted), $12,000.00 before tax",
        "Invoice D-1 (linked to the estimate): $3,000.00, not paid, is “Deposit”.",
        "Billed so far $3,000.00: just what the schedule says.",
        "Nothing was written. Say yes: job adopt 9901",
    ):
        assert words in said

    code, said = type_in("job", "adopt", "--all", "--dry-run", "--json")
    assert "9901" in [one["job"] for one in json.loads(said)]

    code, said = type_in("job", "adopt", "9901", "--json")
    told = json.loads(said)
    assert code == 0
    assert (told["written"], told["billed"], told["schedule_says"]) == (True, "3000.00", "3000.00")
    assert [one["amount"] for one in told["milestones"]] == ["3000.00", "3000.00", "6000.00"]
    code, said = type_in("job", "decisions", "9901")
    assert "the job was taken over with what was billed before" in said
    house.work_off()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["job", "adopt"], "wrong_use", id="no-estimate"),
        pytest.param(["job", "adopt", "--all"], "wrong_use", id="all-for-real"),
        pytest.param(["job", "adopt", "none"], "no_such_estimate", id="no-such-estimate"),
        pytest.param(["journal", "verify", "--job", "none"], "no_such_job", id="no-such-job"),
        pytest.param(["job", "show", "9902", "--at", "2020-01-01"], "not_yet", id="too-early"),
        pytest.param(["job", "show", "9902", "--at", "monday"], "date", id="no-date"),
        pytest.param(["restore", "none.msb"], "restore", id="no-such-file"),
    ],
)
def test_wrong_use_has_a_word(type_in: Any, words: list[str], code: str) -> None:
    """One refusal each, no traceback."""
    exit_code, said = type_in(*words)

    assert exit_code != 0
    assert said == code


def test_the_journal_is_verified_and_a_past_day_is_shown(type_in: Any, house: House) -> None:
    """Exit 0 as long as it is whole; exit 1 and the entry's number once it is not."""
    code, said = type_in("journal", "verify")
    assert (code, "all as they were written" in said) == (0, True)
    code, said = type_in("job", "show", "9902", "--at", house.today().isoformat(), "--json")
    told = json.loads(said)
    assert [one["doc_number"] for one in told["milestones"]] == ["9902-M1", None, None]

    job_id = house.view("9902").job_id
    with house.owner.begin() as session:
        (entry,) = session.execute(
            text(
                "UPDATE journal SET author = 'x' WHERE entry_no ="
                f" (SELECT max(entry_no) FROM journal WHERE job_id = {job_id})"
                " RETURNING entry_no"
            )
        ).one()
    code, said = type_in("journal", "verify", "--job", "9902")
    assert code == 1
    assert f"Job 9902, entry {entry}:" in said


def test_a_backup_is_one_file_and_needs_an_empty_database_to_go_back(
    type_in: Any, tmp_path: Path
) -> None:
    """It says when it was taken: `recover` wants to know."""
    file = tmp_path / "all.msb"
    code, said = type_in("backup", str(file), "--json")
    told = json.loads(said)
    assert code == 0
    assert told["bytes"] == file.stat().st_size
    assert told["rows"]["realm"] == 1

    code, _ = type_in("restore", str(file))
    assert code != 0

    code, said = type_in("recover", "--backup-taken-at", told["taken_at"], "--json")
    (company,) = json.loads(said)
    assert (company["reconnect"], company["invoices"], company["mails_parked"]) == (False, 0, 0)


def test_a_yes_that_cannot_be_given_says_why(type_in: Any, house: House) -> None:
    """The books cannot be read, then they say something else: nothing is approved."""
    with house.owner.begin() as session:
        session.execute(text("UPDATE realm SET mode = 'approve'"))
    estimate = house.accepted_estimate("9905", LINES)
    house.sync()
    (shown,) = preview(house.app, house.realm_no, base="9905").jobs
    fault = {"operation": "cdc", "kind": "status", "status": 503, "count": 3}
    house.sandbox.admin("faults", fault)

    assert type_in("approve", shown.plan_hash) == (1, "not_read")
    raise_price(house, estimate, "400.00")
    assert type_in("approve", shown.plan_hash) == (1, "plan_moved")

    with house.owner.begin() as session:
        session.execute(text("UPDATE realm SET mode = 'auto'"))
    assert house.sandbox.invoices("9905") == []
