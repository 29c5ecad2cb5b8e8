"""S13-S16, S24, S25, S28, S30-S33, S40, S41: what must hold behind the door."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from config.log_setup import JsonLines
from sync import embedded
from sync.quickbooks.oauth import may_call
from sync.quickbooks.queries import literal
from sync.retention import drop_old_bodies
from sync.store.tables import WITHOUT_TENANT, InboxRow, Row
from tests.functional.test_story import LINES
from tests.house import House, Services, connect, open_house

ROOT = Path(__file__).parents[2]
TENANT_TABLES = sorted(set(Row.metadata.tables) - WITHOUT_TENANT)
#: What must not leave the mirror and the books: names, addresses, words of a customer.
CANARIES = [f"canary{number:02d}zq" for number in range(12)]


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for the whole file."""
    with open_house(services, tmp_path_factory.mktemp("inside")) as opened:
        yield opened


@pytest.fixture(scope="module")
def other(house: House) -> int:
    """A second company."""
    return connect(house, house.sandbox.facts["companies"][1]["realm_id"])


def test_s24_secrets_and_names_stay_where_they_belong(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens, keys, and a customer's words go through faults: none is in a log, in Redis, in the
    ledger's errors, and no secret stands anywhere in the database.
    """
    caplog.set_level(logging.DEBUG)
    app, names = house.app, iter(CANARIES)
    access = app.tokens.access(house.realm_no)
    row_token = app.settings.client_secret.get_secret_value()
    secrets = [access.access_token, access.realm_id, row_token,
               app.settings.secret_key.get_secret_value()]  # fmt: skip
    customer = house.sandbox.create(
        "Customer",
        {"DisplayName": next(names), "PrimaryEmailAddr": {"Address": f"{next(names)}@example.com"},
         "Notes": next(names), "PrimaryPhone": {"FreeFormNumber": next(names)}},
    )  # fmt: skip
    for kind in ("html_404", "cut_body"):  # a pull, tried again at once
        house.sandbox.admin("faults", {"kind": kind, "operation": "cdc"})
    said = {"code": "6210", "message": next(names), "status": 400}
    hit = {"operation": "create", "entity": "Invoice"}
    house.sandbox.admin("faults", {"kind": "fault", **hit, **said})
    house.accepted_estimate("S24", LINES, customer_id=customer["Id"], memo=next(names))
    house.sync()
    client = redis.Redis.from_url(app.settings.redis_url)
    queues = b"".join(client.dump(key) or b"" for key in client.scan_iter())
    client.close()

    formatter = JsonLines()
    logs = "\n".join(formatter.format(one) for one in caplog.records if _ours(one.name))
    dump = house.dump()
    everywhere = repr(dump)
    errors = repr(dump["attempt"]) + repr([
        (row.error, row.error_class, row.remedy) for row in house.work("bill")
    ])  # fmt: skip

    assert len(logs) > 1000
    assert "parked" in [row.state for row in house.work("bill")]
    assert customer["DisplayName"] in everywhere, "the mirror holds it"
    for secret in secrets:
        assert secret not in logs
        assert secret not in everywhere
        assert secret.encode() not in queues
    for name in CANARIES:
        # QuickBooks' own message is shown to people where work is parked: not in logs.
        assert name not in logs
        assert name.encode() not in queues
    assert customer["Notes"] not in everywhere, "not among the fields that are kept"
    assert customer["PrimaryPhone"]["FreeFormNumber"] not in everywhere
    assert customer["DisplayName"] not in errors


def _ours(name: str) -> bool:
    return name.startswith(("sync", "config", "mapping", "dramatiq", "requests_oauthlib"))


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_s13_to_s15_no_tenant_no_rows_and_nothing_leaks_through_the_pool(
    house: House, other: int, table: str
) -> None:
    """Each table: another company's rows cannot be seen, changed or removed; after an error and a
    rollback the one pooled connection belongs to nobody.
    """
    database = house.app.database
    with database.begin(house.realm_no) as session:
        seen = session.execute(text(f"SELECT count(*) FROM {table} WHERE realm_no = {other}"))
        assert seen.scalar_one() == 0
    with pytest.raises(ZeroDivisionError), database.begin(other):
        raise ZeroDivisionError
    with database.begin() as session:
        where = "WHERE realm_no IS NOT NULL"
        assert session.execute(text(f"SELECT count(*) FROM {table} {where}")).scalar_one() == 0
        assert session.execute(text("SELECT tenant()")).scalar_one() is None


def test_s16_a_child_of_a_foreign_parent_is_refused(house: House, other: int) -> None:
    """Foreign-key checks pass by row-level security: the key carries the company itself."""
    house.accepted_estimate("S16", LINES)
    house.sync()
    statement = text(
        "INSERT INTO event (realm_no, job_id, name, label, position, source)"
        f" SELECT {other}, max(job_id), 'x', 'x', 0, 'person' FROM job"
        f" WHERE realm_no = {house.realm_no}"
    )
    with pytest.raises(IntegrityError), house.owner.begin() as session:
        session.execute(statement)


def test_s25_an_error_of_the_database_quotes_no_value(house: House) -> None:
    """Parameters are hidden, and what an exception says never gets into a log line."""
    with pytest.raises(IntegrityError) as caught, house.app.database.begin(1) as session:
        session.execute(
            text("INSERT INTO event (realm_no, job_id, name, label, position, source)"
                 " VALUES (1, 0, :name, 'x', 0, 'nobody')"), {"name": "canary-value"},
        )  # fmt: skip
    record = logging.makeLogRecord({"msg": "work.failed", "exc_info": caught._excinfo})

    assert "parameters hidden" in str(caught.value)
    assert "canary" not in JsonLines().format(record)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer", True),
        ("https://developer.api.intuit.com/v2/oauth2/tokens/revoke", True),
        ("http://oauth.platform.intuit.com/x", False),
        ("https://intuit.com.evil.example/x", False),
        ("https://evilintuit.com/x", False),
        ("https://127.0.0.1/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
    ],
)
def test_s28_secrets_go_to_intuit_alone(url: str, is_allowed: bool) -> None:
    """Whatever the discovery document names."""
    known = "https://developer.api.intuit.com/.well-known/openid_configuration"
    assert may_call(url, discovery_url=known) is is_allowed


@pytest.mark.parametrize("value", ["x' OR '1'='1", "\\", "\\'", "'", "x\\", "%_", "a" * 500])
def test_s30_a_value_stays_inside_its_quotes(value: str) -> None:
    """Read back as QuickBooks reads it, the literal is the value."""
    inside = literal(value)[1:-1]
    assert re.fullmatch(r"(?:[^'\\]|\\.)*", inside)
    assert re.sub(r"\\(.)", r"\1", inside) == value


def test_s31_sql_is_written_and_never_put_together() -> None:
    """Every `text(...)` and `execute(...)` of the program takes a constant, or a statement built by
    SQLAlchemy: no f-string, no `%`, no `+`. Two modules name roles and tables of our own, which no
    statement can bind.
    """
    banned = (ast.JoinedStr, ast.BinOp)
    naming = ("sync/embedded.py", "sync/backup/tables.py")
    for path in sorted((ROOT / "sync").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                is_sql = name == "text" and isinstance(node.func, ast.Name)
                if is_sql or name in ("execute", "exec_driver_sql"):
                    place = f"{path.name}:{node.lineno}"
                    is_naming = str(path.relative_to(ROOT)) in naming
                    assert is_naming or not isinstance(node.args[0], banned), place


XSS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "</style>")


def test_s32_and_s33_a_hostile_text_is_text(house: House) -> None:
    """On the page, in the mail's HTML and in its headers: what a person typed stays letters."""
    customer = house.sandbox.create(
        "Customer",
        {"DisplayName": f"S32 {XSS[0]} {XSS[1]}",
         "PrimaryEmailAddr": {"Address": "owner@example.com"}},
    )  # fmt: skip
    sent = len(house.mail.sent)
    house.accepted_estimate("S32", LINES, customer_id=customer["Id"], memo=" ".join(XSS))
    house.sync()

    mails = house.mail.sent[sent:]
    assert mails
    for mail in mails:
        html = mail.get_body(("html",))
        assert html is not None
        assert "<script>" not in html.get_content()
        assert "<img src=x" not in html.get_content()
        assert all("\n" not in str(value) and "\r" not in str(value) for value in mail.values())
        assert len(mail.get_all("To", [])) == 1


def test_s40_roles_can_do_what_they_are_for(house: House, services: Services) -> None:
    """The app makes no table and drops none; the dispatcher writes no job; nobody turns a policy
    off.
    """
    name = str(house.app.database.engine.url.database)
    refused = psycopg.errors.InsufficientPrivilege
    for role in ("milestone_app", "milestone_dispatcher"):
        with psycopg.connect(services.url(role, name), autocommit=True) as line:
            for statement in ("CREATE TABLE x (y int)", "DROP TABLE job", "TRUNCATE work",
                              "ALTER TABLE job DISABLE ROW LEVEL SECURITY",
                              "ALTER TABLE job NO FORCE ROW LEVEL SECURITY",
                              "SET ROLE milestone_owner", "COPY job TO '/tmp/x'",
                              "SELECT pg_read_file('/etc/passwd')"):  # fmt: skip
                with pytest.raises(refused):
                    line.execute(statement.encode())
    with psycopg.connect(services.url("milestone_dispatcher", name), autocommit=True) as line:
        for statement in ("UPDATE job SET base = ''", "DELETE FROM work", "SELECT erase_tenant()",
                          "UPDATE realm SET state = ''", "SELECT name FROM realm"):  # fmt: skip
            with pytest.raises(refused):
                line.execute(statement.encode())
    assert set(embedded.ROLES) >= {"milestone_app", "milestone_dispatcher", "milestone_owner"}


def test_s41_bodies_that_nobody_read_are_forgotten_after_30_days(house: House) -> None:
    """The row stays, so that a repeated delivery is known; what it said is gone."""
    with house.owner.begin() as session:
        session.execute(
            text("INSERT INTO inbox (event_key, entity, entity_id, operation, body_sealed,"
                 " received_at) VALUES ('old', '', '', 'unreadable', 'x', now() - interval '31 d'),"
                 " ('new', '', '', 'unreadable', 'x', now() - interval '29 d')")
        )  # fmt: skip

    assert drop_old_bodies(house.app.database) == 1
    assert drop_old_bodies(house.app.database) == 0
    with house.owner.begin() as session:
        kept = session.execute(text("SELECT event_key FROM inbox WHERE body_sealed IS NOT NULL"))
        assert kept.scalars().all() == ["new"]
        session.execute(update(InboxRow).values(body_sealed=None))
