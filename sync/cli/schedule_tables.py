"""What `schedule` shows to people: answers of the engine, templates and comparisons as tables."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.templates import Template
from milestone_engine.laboratory import RULES
from milestone_engine.readers import Json
from milestone_engine.schedule import Parts, Percent
from sync.words.amounts import trigger
from sync.words.derivations import say_derivation, say_pool, say_verdict


def show_case(answer: Json) -> None:
    """Print the answer to a case."""
    if "cells" in answer:
        _show_lines(answer)
    else:
        _show_split(answer)


def _show_split(answer: Json) -> None:
    console = Console()
    milestones = answer["milestones"]
    console.print(say_pool(milestones[0]["why"]["facts"]), highlight=False)
    amounts = ["amount", "paid", "due"]
    if any(one["net"] != one["amount"] for one in milestones):
        amounts.append("net")
    table = _table("milestone", "state", amounts=amounts)
    table.add_column("how", min_width=24)
    for one in milestones:
        how = say_derivation(one["why"]["code"], one["why"]["facts"])
        table.add_row(escape(one["id"]), one["state"], *(one[name] for name in amounts), how)
    console.print(table)
    for name in ("credit", "on_account", "unallocated"):
        console.print(f"{name.replace('_', ' ')} {answer[name]}", highlight=False)
    for warning in answer["warnings"]:
        said = f"! {warning['code']}: {warning['milestone']} {warning['amount']}"
        console.print(said, highlight=False, markup=False)


def _show_lines(answer: Json) -> None:
    """Print one row a milestone, one column a contract line."""
    cells = answer["cells"]
    lines = list(dict.fromkeys(cell["line"] for cell in cells))
    table = _table("milestone", amounts=[escape(line) for line in lines])
    for at in range(0, len(cells), len(lines) or 1):
        row = cells[at : at + len(lines)]
        table.add_row(escape(row[0]["milestone"]), *(cell["amount"] for cell in row))
    Console().print(table)


def show_template(template: Template) -> None:
    """Print the steps of a template."""
    console = Console()
    console.print(template.label, style="bold", highlight=False, markup=False)
    labels = {event.name: event.label for event in template.events}
    table = Table("", "payment", "share", "when")
    for number, step in enumerate(template.milestones, start=1):
        when = trigger(step.trigger, event_label=labels.get(step.trigger.event, ""))
        table.add_row(str(number), escape(step.label), _share_words(step.share), when)
    console.print(table)


def template_json(template: Template) -> Json:
    """Return the steps of a template as JSON."""
    return {
        "template": template.name,
        "label": template.label,
        "milestones": [
            {
                "label": step.label,
                "basis": _basis_json(step.share),
                "trigger": {
                    "when": step.trigger.when.value,
                    "event": step.trigger.event,
                    "days": step.trigger.days,
                    "business_days": step.trigger.business_days,
                },
            }
            for step in template.milestones
        ],
    }


def _basis_json(share: Percent | Parts | str) -> Json:
    if isinstance(share, Percent):
        return {"percent": f"{share.value:f}"}
    return {"parts": share.count} if isinstance(share, Parts) else {"fixed": share}


def _share_words(share: Percent | Parts | str) -> str:
    if isinstance(share, Percent):
        return f"{share.value:f} %"
    if isinstance(share, Parts):
        return "1 part" if share.count == 1 else f"{share.count} parts"
    return f"{share} fixed"


def _table(*texts: str, amounts: list[str]) -> Table:
    table = Table(*texts)
    for name in amounts:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def show_comparison(found: Json) -> None:
    """Print one row a rule, and what is wrong with it."""
    console = Console()
    console.print(f"Contract total {found['contract_total']}", highlight=False)
    names = [escape(name) for name in found["milestones"]]
    table = _table("rule", amounts=names)
    table.add_column("asks", no_wrap=True)
    for one in found["rules"]:
        style = "bold" if one["rule"] == "ours" else ""
        table.add_row(one["rule"], *one["amounts"], say_verdict(one), style=style)
    console.print(table)
    for one in found["rules"]:
        console.print(f"{one['rule']}: {RULES[one['rule']]}", style="dim", highlight=False)
