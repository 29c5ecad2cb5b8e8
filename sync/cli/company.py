"""Companies in the terminal: which are connected, and what each is allowed to do by itself."""

from __future__ import annotations

import getpass
from enum import Enum
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.legal import read_legal
from milestone_engine.decisions import Routing
from milestone_engine.errors import MoneyError
from milestone_engine.legal import parse_rules
from milestone_engine.money import parse_money
from milestone_engine.rebalance import OnInvoiced
from sync.cli.attach import (
    Attached,
    DataOption,
    JsonOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.company import Wish, set_company
from sync.company_watch import WARN_DAYS, days_left, reads_in_month
from sync.disconnect import disconnect, erase
from sync.rotate import rotate_bodies, rotate_company
from sync.store import realms
from sync.store.database import business_now
from sync.store.tables import RealmRow

NumberArgument = Annotated[int, typer.Argument(metavar="REALM", help="as `company` lists it")]


class Mode(Enum):
    """How much a company's books may be changed without a person."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    company = typer.Typer(help="Connected companies.", invoke_without_command=True)
    company.callback()(list_companies)
    company.command("set")(set_one)
    app.add_typer(company, name="company")
    app.command("disconnect")(disconnect_one)
    keys = typer.Typer(help="The keys under which tokens are stored.", no_args_is_help=True)
    keys.callback()(_keys)
    keys.command("rotate")(rotate_keys)
    app.add_typer(keys, name="keys")


def list_companies(
    context: typer.Context, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the connected companies."""
    if context.invoked_subcommand is not None:
        return
    with attached(data) as found:
        rows = [_facts(found, realm_no) for realm_no in realm_numbers(found, None)]
    if as_json:
        print_json(rows)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in ("realm", "company", "state", "mode", "zone", "last sync"):
        table.add_column(name, no_wrap=name != "company")
    for row in rows:
        policy = ", ".join(f"{name} {value}" for name, value in row["policy"].items()) or ""
        synced = f"{row['synced_at']:%Y-%m-%d %H:%M}" if row["synced_at"] else "never"
        named = Text.assemble(row["company"], *(("\n", (policy, "dim")) if policy else ()))
        rest = (_state(row), row["mode"], row["zone"], synced)
        table.add_row(str(row["realm"]), named, *rest)
    Console().print(table if rows else "No company is connected: open /connect.")


def _state(row: dict[str, Any]) -> str:
    """Say how the connection is: for how long where that is not long, and how to mend it."""
    if row["state"] == "reauth_needed":
        return f"ended: {row['reconnect']}"
    if row["days_connected"] is not None and row["days_connected"] <= WARN_DAYS[0]:
        return f"{row['days_connected']} days left: {row['reconnect']}"
    return str(row["state"])


def set_one(
    realm: NumberArgument,
    mode: Annotated[
        Mode | None, typer.Option(help="observe writes nothing, approve waits for a yes, auto acts")
    ] = None,
    on_invoiced: Annotated[
        OnInvoiced | None, typer.Option(help="a sent, unpaid invoice when the price changes")
    ] = None,
    lead_days: Annotated[
        int | None, typer.Option(min=0, max=365, help="an invoice goes out this long ahead")
    ] = None,
    payment_days: Annotated[
        int | None, typer.Option(min=0, max=365, help="days to pay after an event")
    ] = None,
    routing: Annotated[
        Routing | None, typer.Option(help="where the money of a change order goes")
    ] = None,
    rule_off: Annotated[
        list[str] | None,
        typer.Option(help="a rule of law not to apply, us-ca-down-payment; 'none'"),
    ] = None,
    cash_step: Annotated[
        str | None, typer.Option(help="the smallest coin of its currency, 0.05; 0 for none")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="such as America/New_York")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set how a company is treated. Holds for all its jobs, from now on."""
    policy: dict[str, Any] = {
        name: value
        for name, value in (
            ("on_invoiced", on_invoiced.value if on_invoiced else None),
            ("lead_days", lead_days),
            ("payment_days", payment_days),
            ("routing", routing.value if routing else None),
            ("rules_off", _rules_off(rule_off)),
        )
        if value is not None
    }
    with attached(data) as found:
        (realm_no,) = realm_numbers(found, realm)
        with found.app.database.begin(realm_no) as session:
            if cash_step is not None:
                currency = realms.get(session, realm_no).currency
                policy["cash_step"] = _coin(cash_step, currency)
            wish = Wish(mode=mode.value if mode else None, zone=_zone(zone), policy=policy)
            is_changed = set_company(session, realm_no, wish, author=getpass.getuser())
        facts = _facts(found, realm_no)
    if as_json:
        print_json({**facts, "changed": is_changed})
    else:
        said = "set; every job is looked at again" if is_changed else "as it was"
        Console().print(f"{facts['company']}: {said}.", highlight=False)


def disconnect_one(
    realm: NumberArgument,
    erase_all: Annotated[
        bool, typer.Option("--erase", help="remove everything that is kept of it")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a company's grant at Intuit, its work and its customers' links."""
    with attached(data) as found:
        (realm_no,) = realm_numbers(found, realm)
        disconnect(found.app, realm_no, author=getpass.getuser())
        rows = erase(found.app, realm_no) if erase_all else 0
    if as_json:
        print_json({"realm": realm_no, "disconnected": True, "rows_erased": rows})
    else:
        said = f"disconnected, {rows} rows erased" if erase_all else "disconnected"
        Console().print(f"Company {realm_no}: {said}.", highlight=False)


def _keys() -> None:
    """Only commands of this one are taken."""


def rotate_keys(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Seal everything under the newest secret key. The system runs on meanwhile."""
    with attached(data) as found:
        numbers = realm_numbers(found, None)
        for realm_no in numbers:
            rotate_company(found.app, realm_no)
        bodies = rotate_bodies(found.app)
    if as_json:
        print_json({"companies": len(numbers), "bodies": bodies})
    else:
        Console().print(f"{len(numbers)} companies and {bodies} bodies are sealed anew.")


def _facts(found: Attached, realm_no: int) -> dict[str, Any]:
    with found.app.database.begin(realm_no) as session:
        row: RealmRow = realms.get(session, realm_no)
        return {
            "realm": realm_no,
            "company": row.name,
            "state": row.state,
            "mode": row.mode,
            "zone": row.zone,
            "policy": dict(row.policy),
            "synced_at": row.synced_at,
            "days_connected": days_left(row, business_now(session)),
            "reads": reads_in_month(session, realm_no, business_now(session)),
            "reads_allowed": found.app.settings.reads_per_month,
            "blocked_until": row.blocked_until,
            "reconnect": found.app.watch.reconnect_url(realm_no),
        }


def _rules_off(names: list[str] | None) -> list[str] | None:
    """Read the rules that are not to apply; `none` switches all of them on again."""
    if not names or names == ["none"]:
        return [] if names else None
    known = {rule.id for rule in parse_rules(read_legal())}
    for name in names:
        if name not in known:
            said = ", ".join(sorted(known))
            raise WrongUse(f"there is no rule {name}; there are: {said}", code="no_such_rule")
    return sorted(set(names))


def _coin(text: str, currency: str) -> str | None:
    """Check a smallest coin; none where it is nothing."""
    try:
        amount_minor = parse_money(text, currency=currency)
    except MoneyError as exc:
        raise WrongUse(exc.message, code=exc.code) from None
    if amount_minor < 0:
        raise WrongUse(f"{text} is no coin", code="cash_step")
    return text if amount_minor else None


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongUse(
            f"{name!r} is not a time zone such as America/New_York", code="zone"
        ) from None
