"""The deployment files against the code: commands that exist, variables that somebody reads, the
roles that the migrations expect.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
import yaml

from config.settings import Settings, read_settings, variable
from sync import embedded
from sync.cli.main import app as command_line
from sync.runner import GRACE_MS, Heartbeat
from sync.store.database import Database
from tests.house import Services

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}
SERVERS = {name: one for name, one in COMPOSE["services"].items() if "build" not in one}
#: Services that are given settings; the mail catcher and the sandbox need none.
SET_UP = {name: one for name, one in OURS.items() if "environment" in one}
ROLES_SQL = (ROOT / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8")
#: Help is printed whole, without colours.
WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


def words(name: str) -> list[str]:
    """What a service of ours runs: its entrypoint and command."""
    service = OURS[name]
    return [*service.get("entrypoint", []), *service["command"]]


def filled_in(text: str) -> str:
    """A value as compose gives it, with a made-up value for what must be set."""
    return VARIABLE.sub(lambda found: found["rest"] if found["kind"] == "-" else "x" * 40, text)


def help_of(command: list[str]) -> str:
    """What a command says of itself."""
    ran = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, cwd=ROOT, env=os.environ | WIDE
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_something_that_exists(name: str) -> None:
    """A subcommand of `milestone-sync`, or a module of ours with options that it knows."""
    command = words(name)

    if command[0] == "milestone-sync":
        known = typer.main.get_command(command_line)
        assert set(command[1:]) <= {*known.commands, "--help"}  # type: ignore[attr-defined]
    else:
        assert command[:2] == ["python", "-m"]
        assert find_spec(command[2]) is not None
        said = help_of([sys.executable, *command[1:3]])
        assert [one for one in command if one.startswith("--") and one not in said] == []


def test_every_variable_is_a_setting_or_a_servers() -> None:
    """What `.env` is asked for is read by config/settings.py, PostgreSQL or Redis."""
    asked = {found["name"] for found in VARIABLE.finditer(yaml.safe_dump(COMPOSE["services"]))}
    settings = {variable(field) for field in Settings.model_fields}
    servers = {key for one in SERVERS.values() for key in one["environment"]}

    assert asked <= settings | servers
    for key in servers - {"POSTGRES_PASSWORD"}:
        used = ROLES_SQL + str(SERVERS["redis"]["command"])
        assert key in used, f"{key} is passed to a server and read by nobody"


@pytest.mark.parametrize("name", SET_UP)
def test_every_service_is_given_settings_that_hold(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but what must be set, each of our services reads its settings; no key is
    misspelt.
    """
    given = SET_UP[name]["environment"]
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    for key, value in given.items():
        if value is not None:
            monkeypatch.setenv(key, filled_in(value))

    read_settings()

    assert set(given) <= {variable(field) for field in Settings.model_fields}


def test_nothing_has_a_default_password() -> None:
    """Whatever is secret must be set: compose refuses to start without it."""
    text = yaml.safe_dump(COMPOSE)
    secret = [found for found in VARIABLE.finditer(text) if found["name"].endswith(("WORD", "KEY"))]

    assert secret
    assert {found["kind"] for found in secret} == {"?"}


def test_each_role_of_the_database_is_used_where_it_belongs() -> None:
    """Migrations as owner, the dispatcher as dispatcher, everything else as app."""
    logged_in = {
        name: one["environment"]["DATABASE_URL"].split("//")[1].split(":")[0]
        for name, one in SET_UP.items()
    }

    assert logged_in == {
        "migrate": "milestone_owner",
        "dispatcher": "milestone_dispatcher",
        "web": "milestone_app",
        "worker": "milestone_app",
        "cli": "milestone_app",
    }


def test_mail_goes_where_the_catcher_listens() -> None:
    """The default of SMTP_URL is the catcher's name and port, and it listens for others."""
    command = words("mail")
    port = command[command.index("--port") + 1]

    url = filled_in(OURS["worker"]["environment"]["SMTP_URL"])
    assert url == f"smtp://mail:{port}"
    assert command[command.index("--host") + 1] == "0.0.0.0"


def test_the_worker_is_given_time_to_finish() -> None:
    """Compose waits longer than a worker does for its running rows."""
    grace_s = int(OURS["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace_s * 1000 > GRACE_MS


def test_the_workers_health_is_its_row_in_process(services: Services) -> None:
    """The check fails while no worker of this host runs, holds while one does, and fails again."""
    name = services.new_database()
    url = services.url("milestone_app", name)
    check = COMPOSE["services"]["worker"]["healthcheck"]["test"]
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2)

    def health() -> int:
        ran = subprocess.run(
            [sys.executable, *check[2:]], env=os.environ | {"DATABASE_URL": url}, timeout=20
        )
        return ran.returncode

    before = health()
    with Heartbeat(database, role="worker").running():
        during = health()
    after = health()
    database.close()
    services.drop_database(name)

    assert [before, during, after] == [1, 0, 1]


def test_roles_sql_names_the_roles_of_the_code() -> None:
    """Exactly `sync.embedded.ROLES`, and the database that embedded.py makes."""
    created = re.findall(r"'CREATE ROLE (\w+)'", ROLES_SQL)

    assert created == list(embedded.ROLES)
    assert f"'CREATE DATABASE {embedded.DATABASE} OWNER milestone_owner'" in ROLES_SQL


def test_roles_sql_makes_roles_that_can_log_in_and_no_more(
    services: Services, tmp_path: Path
) -> None:
    """Run by psql as the administrator, under other names because this server has ours: no role is
    superuser or passes by row security, each has its password, and twice is once.
    """
    file = tmp_path / "roles.sql"
    file.write_text(ROLES_SQL.replace("milestone_", "copied_"), encoding="utf-8")
    psql = embedded._postgres_binaries() / "psql"
    admin = services.url(embedded.ADMIN, "postgres")
    passwords = {
        f"MILESTONE_{role}_PASSWORD": f"word-of-{role.lower()}"
        for role in ("OWNER", "APP", "DISPATCHER")
    }

    def run(environment: dict[str, str]) -> int:
        command = [str(psql), "-X", "-q", "-f", str(file), admin]
        ran = subprocess.run(command, env=os.environ | environment, capture_output=True, cwd="/")
        return ran.returncode

    try:
        assert run({}) != 0, "a missing password stops it"
        assert run(passwords) == 0
        assert run(passwords) == 0
        with psycopg.connect(admin) as connection:
            powers = connection.execute(
                "SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreatedb"
                " OR rolcreaterole FROM pg_roles WHERE rolname LIKE 'copied_%' ORDER BY 1"
            ).fetchall()
        roles = ["copied_app", "copied_dispatcher", "copied_owner"]
        assert powers == [(role, True, False) for role in roles]
        for role in roles:
            word = passwords[f"MILESTONE_{role.removeprefix('copied_').upper()}_PASSWORD"]
            url = admin.replace("/postgres", "/copied_sync")
            login = re.sub(r"//[^@]*@", f"//{role}:{word}@", url)
            with psycopg.connect(login) as connection:
                owner = connection.execute(
                    "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s",
                    ["copied_sync"],
                ).fetchone()
            assert owner == ("copied_owner",)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS copied_sync")
            for role in ("owner", "app", "dispatcher"):
                connection.execute(f"DROP ROLE IF EXISTS copied_{role}".encode())


def test_the_image_runs_one_process_as_nobody_special() -> None:
    """Not root, stopped by TERM, packages at the versions that are tested, no registry named."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    done = [line for line in lines if not line.startswith("#")]

    assert "USER milestone" in done
    assert "STOPSIGNAL SIGTERM" in done
    assert any("pip install -c constraints.txt ." in line for line in done)
    assert not any("://" in line or "index-url" in line for line in done)
    copied = [line.split()[1] for line in done if re.match(r"COPY \w+ ", line)]
    assert sorted(copied) == sorted(one for one in copied if (ROOT / one / "__init__.py").exists())
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert set(copied) == packages
