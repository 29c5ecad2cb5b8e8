"""The database's shape: what SQLAlchemy believes, who may see what, and what the constraints
refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from sync import embedded
from sync.store.database import Database, migrate
from sync.store.tables import WITHOUT_TENANT, Row
from tests.house import Services


@pytest.fixture
def admin(services: Services) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The server's administrator on an empty database."""
    name = services.new_database()
    with psycopg.connect(services.url(embedded.ADMIN, name)) as connection:
        yield connection
    services.drop_database(name)


def test_tables_and_migrations_say_the_same(services: Services) -> None:
    """What `tables.py` declares is what the migrations made: every table, column, type and null."""
    name = services.new_database()
    url = services.url(embedded.ADMIN, name).replace("postgresql://", "postgresql+psycopg://")
    database = Database(url, pool_size=1)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Row.metadata)
    database.close()
    services.drop_database(name)

    # Indexes and keys are the migrations' own business.
    kinds = {"add_table", "remove_table", "add_column", "remove_column", "modify_nullable"}
    wrong = [one for one in found if not isinstance(one, list) and one[0] in kinds]
    wrong += [one for part in found if isinstance(part, list) for one in part]
    assert [one for one in wrong if one[0] != "modify_default" and not is_width(one)] == []


def is_width(found: tuple[object, ...]) -> bool:
    """Python has one integer; how wide a column is is the migrations' own business too."""
    before, after = (type(one).__name__.upper() for one in found[5:7])
    return found[0] == "modify_type" and "INTEGER" in before and "INTEGER" in after


def test_every_table_has_a_tenant_or_stands_on_the_list(
    admin: psycopg.Connection[tuple[object, ...]],
) -> None:
    """S14: row-level security is enabled and forced on every table that belongs to a company."""
    rows = admin.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()

    open_tables = {name for name, enabled, forced in rows if not (enabled and forced)}
    assert open_tables == set(WITHOUT_TENANT)


def test_no_role_of_ours_can_pass_by_the_policies(
    admin: psycopg.Connection[tuple[object, ...]],
) -> None:
    """S14: neither superuser nor BYPASSRLS, and the app owns no table."""
    rows = admin.execute(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'milestone_%'"
    ).fetchall()
    powers = {name: (is_super, bypass) for name, is_super, bypass in rows}
    assert {name: powers[name] for name in embedded.ROLES} == dict.fromkeys(
        embedded.ROLES, (False, False)
    )
    owners = admin.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners.fetchall() == [("milestone_owner",)]


def test_a_missing_tenant_sees_nothing_and_writes_nothing(services: Services) -> None:
    """S14, S15: without a tenant there are no rows; a foreign tenant's rows cannot be written."""
    name = services.new_database()
    with psycopg.connect(services.url(embedded.ADMIN, name), autocommit=True) as connection:
        for number in (1, 2):
            connection.execute(
                "INSERT INTO realm (realm_id_sealed, realm_id_hmac, zone, mode)"
                " VALUES ('', %s, 'UTC', 'auto')",
                [bytes([number])],
            )
            connection.execute(
                "INSERT INTO job (realm_no, key, base, estimate_id, customer_id, currency)"
                " VALUES (%s, 'k', 'b', '1', '1', 'USD')",
                [number],
            )
    url = services.url("milestone_app", name).replace("postgresql://", "postgresql+psycopg://")
    app = Database(url, pool_size=1)
    try:
        with app.begin() as session:
            assert session.execute(text("SELECT count(*) FROM job")).scalar_one() == 0
        with app.begin(1) as session:
            assert session.execute(text("SELECT realm_no FROM job")).scalars().all() == [1]
        with pytest.raises(Exception, match="row-level security"), app.begin(1) as session:
            session.execute(
                text(
                    "INSERT INTO job (realm_no, key, base, estimate_id, customer_id, currency)"
                    " VALUES (2, 'x', 'x', '1', '1', 'USD')"
                )
            )
        with app.begin() as session:
            # The one pooled connection carries nothing over, not even after an error.
            assert session.execute(text("SELECT count(*) FROM job")).scalar_one() == 0
    finally:
        app.close()
        services.drop_database(name)


def test_foreign_keys_carry_the_company(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """S16: foreign-key checks pass by row-level security, so every one of them
    includes realm_no.
    """
    rows = admin.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    ).fetchall()

    assert rows
    for table, definition in rows:
        columns = re.search(r"FOREIGN KEY \(([^)]*)\)", str(definition))
        assert columns is not None
        assert "realm_no" in columns[1].split(", "), f"{table}: {definition}"


def test_the_dispatcher_sees_no_content(services: Services) -> None:
    """It reads ids, times and states of all companies; payloads, tokens and documents are closed to
    it.
    """
    name = services.new_database()
    with psycopg.connect(services.url("milestone_dispatcher", name), autocommit=True) as role:
        role.execute("SELECT work_id, state FROM work")
        for closed in ("SELECT payload FROM work", "SELECT * FROM mirror", "SELECT * FROM job",
                       "SELECT access_token_sealed FROM realm", "SELECT * FROM event"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(closed.encode())
    services.drop_database(name)


def test_history_cannot_be_rewritten(services: Services) -> None:
    """I7: the app may add to the journal and to decisions, never change or remove."""
    name = services.new_database()
    with psycopg.connect(services.url("milestone_app", name), autocommit=True) as role:
        for table in ("journal", "decision", "attempt"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(f"DELETE FROM {table}".encode())
        for table, column in (("journal", "cause"), ("decision", "kind")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(f"UPDATE {table} SET {column} = ''".encode())
    services.drop_database(name)


SCHEDULE = (
    "INSERT INTO schedule (realm_no, job_id, version, contract_total_minor, credit_minor,"
    " unallocated_minor, source, cause, on_day) VALUES (1, 1, %s, 100, 0, 0, '', '', now())"
)
MILESTONE = (
    "INSERT INTO milestone (realm_no, job_id, version, milestone_id, position, label, basis,"
    " trigger, share, state, amount_minor, billed_minor, paid_minor, why)"
    " VALUES (1, 1, %s, %s, 0, '', '{}', '{}', %s, 'due', %s, %s, %s, '{}')"
)


@pytest.fixture
def job(
    admin: psycopg.Connection[tuple[object, ...]],
) -> psycopg.Connection[tuple[object, ...]]:
    """A job to hang schedules on."""
    admin.execute(
        "INSERT INTO realm (realm_id_sealed, realm_id_hmac, zone, mode)"
        " VALUES ('', '1', 'UTC', 'auto')"
    )
    admin.execute(
        "INSERT INTO job (realm_no, key, base, estimate_id, customer_id, currency)"
        " VALUES (1, 'k', 'b', '1', '1', 'USD')"
    )
    admin.commit()
    return admin


def test_a_schedule_that_does_not_add_up_cannot_be_committed(
    job: psycopg.Connection[tuple[object, ...]],
) -> None:
    """I1: the sum of the milestones is contract + credit - unallocated, at every commit."""
    job.execute(SCHEDULE, [1])
    job.execute(MILESTONE, [1, "m1", "open", 99, None, 0])

    with pytest.raises(psycopg.errors.CheckViolation, match="add up to 99"):
        job.commit()


def test_a_locked_amount_cannot_move_while_its_facts_stand(
    job: psycopg.Connection[tuple[object, ...]],
) -> None:
    """I3: billed 40, paid 40: the next version cannot say 50; it can once billed and paid have
    moved.
    """
    job.execute(SCHEDULE, [1])
    job.execute(MILESTONE, [1, "m1", "locked", 40, 40, 40])
    job.execute(MILESTONE, [1, "m2", "open", 60, None, 0])
    job.commit()

    job.execute(SCHEDULE, [2])
    with pytest.raises(psycopg.errors.CheckViolation, match="locked at 40"):
        job.execute(MILESTONE, [2, "m1", "locked", 50, 40, 40])
    job.rollback()
    job.execute(SCHEDULE, [2])
    job.execute(MILESTONE, [2, "m1", "locked", 50, 50, 50])
    job.execute(MILESTONE, [2, "m2", "open", 50, None, 0])
    job.commit()


def test_a_milestone_has_one_live_invoice(job: psycopg.Connection[tuple[object, ...]]) -> None:
    """I9, as a constraint: a second live invoice of a milestone under one number is refused; a
    voided one beside it is not, nor a supplement with a number of its own.
    """
    document = (
        "INSERT INTO job_document (realm_no, entity, qbo_id, job_id, role, milestone_id, ordinal,"
        " lines, is_live) VALUES (1, 'Invoice', %s, 1, 'invoice', 'm1', %s, '{}', %s)"
    )
    job.execute(document, ["10", 1, True])
    job.execute(document, ["11", 1, False])
    job.execute(document, ["13", 2, True])
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_live_invoice"):
        job.execute(document, ["12", 1, True])


def test_the_end_of_journals_of_before_is_taken_down(
    services: Services, job: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Migration 0008, as the owner on whom policies are forced: entries that are there count."""
    job.execute(
        "ALTER TABLE job DROP COLUMN journal_count, DROP COLUMN journal_head;"
        "DROP VIEW unread_realm; ALTER TABLE realm DROP COLUMN rests_until;"
        "UPDATE alembic_version SET version_num = '0007';"
        "INSERT INTO journal (realm_no, job_id, job_version, at, author, cause, before, after,"
        " chain) SELECT 1, 1, n, now(), 'x', 'state', '{}', '{}', 'chain ' || n"
        " FROM generate_series(1, 3) AS n"
    )
    job.commit()

    migrate(services.url("milestone_owner", job.info.dbname).replace("ql://", "ql+psycopg://"))

    known = job.execute("SELECT journal_count, journal_head FROM job").fetchone()
    assert known == (3, "chain 3")
