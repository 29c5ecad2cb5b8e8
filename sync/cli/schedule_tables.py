"""What `schedule` shows to people: answers of the engine, templates and comparisons as tables.

One milestone a row, or one contract line, and amounts in columns. Columns that do not fit beside
each other go below each other, in a table of their own: an amount is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.templates import Template
from milestone_engine.laboratory import RULES
from milestone_engine.readers import Json
from milestone_engine.schedule import Parts, Percent
from sync.words.amounts import trigger
from sync.words.derivations import (
    grouped,
    is_some,
    say_derivation,
    say_pool,
    say_verdict,
    say_warning,
)
from sync.words.texts import one_line

#: Characters that a table takes beside each column, and once.
_FRAME = 3

#: Characters that a sentence needs to be read in a column, else it stands below the table.
_SENTENCE_MIN = 26

#: Characters of the first column, at least, if its names are that long; at most a third of all.
_NAME_MIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of amounts or of short words."""

    head: str
    cells: Sequence[str]  #: one per row
    is_text: bool = False

    @property
    def width(self) -> int:
        """What it needs: a cell is never broken, a head is, between its words if they are short."""
        words = [min(cell_len(word), _NAME_MIN) for word in self.head.split()]
        return max(*map(cell_len, self.cells), *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A table that may be too wide."""

    head: str  #: of the names
    names: Sequence[str]  #: one per row
    columns: Sequence[_Column]
    ends: frozenset[int]  #: rows that have a line below
    bold: str = ""  #: head of the column to show in bold

    def name_width(self, console: Console) -> int:
        """Give the width of the names, which may be broken."""
        natural = max(map(cell_len, (self.head, *self.names)))
        return min(natural, max(_NAME_MIN, console.width // 3))


def show_case(answer: Json, case: Json) -> None:
    """Print the answer to a case.

    Args:
        answer: what `schedule rebalance` or `schedule lines` says.
        case: what it was asked; it has a meaning.
    """
    if "cells" in answer:
        _show_lines(answer)
    else:
        _show_split(answer, case)


def _show_split(answer: Json, case: Json) -> None:
    console = Console()
    milestones = answer["milestones"]
    names = _names(case)
    hows = [
        say_derivation(
            one["why"]["code"],
            one["why"]["facts"],
            currency=case["currency"],
            coin=case.get("cash_step"),
        )
        for one in milestones
    ]
    _say(console, f"{say_pool(milestones[0]['why']['facts'])} ({case['currency']})")
    grid = _split_grid(answer, case, names)
    room = console.width - _width(console, grid, grid.columns) - _FRAME
    blanks = [""] * (len(grid.names) - len(hows))
    _print_grid(console, grid, [*hows, *blanks] if room >= _SENTENCE_MIN else None)
    if room < _SENTENCE_MIN:
        below = Table.grid(padding=(0, 2))
        below.add_column(max_width=grid.name_width(console), overflow="fold")
        below.add_column(overflow="fold")
        for name, how in zip(names, hows, strict=True):
            below.add_row(escape(name), how)
        console.print(below)
    for name, said in _OUTCOMES.items():
        if is_some(answer[name]):
            _say(console, said.format(grouped(answer[name])))
    by_id = dict(zip([one["id"] for one in milestones], names, strict=True))
    for warning in answer["warnings"]:
        _say(console, f"! {say_warning(warning, name=by_id[warning['milestone']])}")


#: What an answer may have beside its milestones -> what is said of it.
_OUTCOMES = {
    "credit": "{} is more than the contract: a credit to the customer, once you say yes.",
    "on_account": "{} was paid beyond what was billed; it stays on account.",
    "unallocated": "{} has no milestone that may take it: add a milestone for it.",
}


def _split_grid(answer: Json, case: Json, names: Sequence[str]) -> _Grid:
    """Return amounts, and what is withheld of them where something is; totals below."""
    milestones = answer["milestones"]
    columns = [("amount", [one["amount"] for one in milestones])]
    if any(is_some(one["paid"]) for one in milestones):
        columns += [(name, [one[name] for one in milestones]) for name in ("paid", "due")]
    rows = [*names]
    if case.get("retainage"):
        withheld = [_less(one["amount"], one["net"]) for one in milestones]
        columns += [("withheld", withheld), ("net", [one["net"] for one in milestones])]
        release = _sum(withheld)
        rows.append("release at the end")
        columns = [(head, [*cells, release if head == "net" else ""]) for head, cells in columns]
    ends = {len(rows) - 1}
    states = [one["state"] for one in milestones]
    blanks = [""] * (len(rows) + 1 - len(states))
    return _Grid(
        head="milestone",
        names=[*rows, "total"],
        columns=[
            _Column(head="state", cells=[*states, *blanks], is_text=True),
            *(_amounts(head, [*cells, _sum(cells)]) for head, cells in columns),
        ],
        ends=frozenset(ends),
    )


def _show_lines(answer: Json) -> None:
    """Print one row a contract line, one column a milestone, totals on both sides."""
    console = Console()
    cells = answer["cells"]
    if not cells:
        _say(console, "There is nothing to bill.")
        return
    lines = list(dict.fromkeys(cell["line"] for cell in cells))
    columns = []
    for at in range(0, len(cells), len(lines)):
        amounts = [cell["amount"] for cell in cells[at : at + len(lines)]]
        columns.append((_shown(cells[at]["milestone"]), amounts))
    if len(columns) > 1:
        across = [_sum(row) for row in zip(*(amounts for _, amounts in columns), strict=True)]
        columns.append(("total", across))
    grid = _Grid(
        head="line",
        names=[*map(_shown, lines), "total"],
        columns=[_amounts(head, [*amounts, _sum(amounts)]) for head, amounts in columns],
        ends=frozenset((len(lines) - 1,)),
    )
    _print_grid(console, grid)
    for one in answer.get("left", ()):
        line, amount = _shown(one["line"]), grouped(one["amount"])
        _say(console, f"! {amount} of line {line} is left, and no milestone bills anything.")


def show_comparison(found: Json, case: Json) -> None:
    """Print what is wrong with each rule, what each asks of every milestone, and what each is."""
    console = Console()
    _say(console, f"Contract total {grouped(found['contract_total'])} {case['currency']}")
    table = Table()
    table.add_column("rule", overflow="fold")
    table.add_column("asks in all", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for one in found["rules"]:
        style = "bold" if one["rule"] == "ours" else ""
        table.add_row(one["rule"], grouped(one["sum"]), say_verdict(one), style=style)
    console.print(table)
    _print_grid(console, _comparison_grid(found, case))
    for one in found["rules"]:
        console.print(f"{one['rule']}: {RULES[one['rule']]}", style="dim", highlight=False)


def _comparison_grid(found: Json, case: Json) -> _Grid:
    rules = found["rules"]
    names = _names(case)
    ends = {len(names) - 1}
    proposed = [
        (name, said)
        for name, said in (("credit", "credit"), ("unallocated", "new milestone"))
        if any(is_some(one[name]) for one in rules)
    ]
    columns = []
    for one in rules:
        below = [
            f"{'-' if name == 'credit' else ''}{one[name]}" if is_some(one[name]) else ""
            for name, _ in proposed
        ]
        asked = [*one["amounts"], one["sum"], *below]
        columns.append(_amounts(one["rule"].replace("_", " "), asked))
    return _Grid(
        head="milestone",
        names=[*names, "asks in all", *(f"{said}, proposed" for _, said in proposed)],
        columns=columns,
        ends=frozenset(ends),
        bold="ours",
    )


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


def _names(case: Json) -> list[str]:
    """Return what the milestones are called: their labels, with the id where two have the same."""
    labels = [one.get("label") or one["id"] for one in case["milestones"]]
    return [
        _shown(f"{label} ({one['id']})" if labels.count(label) > 1 else label)
        for label, one in zip(labels, case["milestones"], strict=True)
    ]


def _shown(name: str) -> str:
    """Give a name as one line; what has no visible letter stays what it is."""
    return one_line(name) or name


def _amounts(head: str, cells: Sequence[str]) -> _Column:
    return _Column(head=head, cells=[grouped(cell) if cell else "" for cell in cells])


def _sum(amounts: Sequence[str]) -> str:
    """Add amounts of one currency, written as the engine writes them."""
    decimals = len(next(filter(None, amounts)).partition(".")[2])
    total = sum(int(amount.replace(".", "")) for amount in amounts if amount)
    digits = f"{abs(total):0{decimals + 1}d}"
    sign = "-" if total < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def _less(amount: str, taken: str) -> str:
    return _sum([amount, taken[1:] if taken.startswith("-") else f"-{taken}"])


def _print_grid(console: Console, grid: _Grid, sentences: Sequence[str] | None = None) -> None:
    """Print a grid, in as many tables as its width asks for.

    Args:
        console: where.
        grid: what.
        sentences: one per row, for a last column `how`; the caller knows that there is room.
    """
    for block in _blocks(console, grid):
        table = Table()
        table.add_column(grid.head, width=grid.name_width(console), overflow="fold")
        for column in block:
            table.add_column(
                escape(column.head),
                width=column.width,
                justify="left" if column.is_text else "right",
                overflow="fold",
                style="bold" if column.head == grid.bold else "",
            )
        if sentences is not None:
            table.add_column("how", overflow="fold")
        for place, name in enumerate(grid.names):
            cells = [column.cells[place] for column in block]
            if any(cells):
                sentence = [] if sentences is None else [sentences[place]]
                table.add_row(escape(name), *cells, *sentence)
            if place in grid.ends:
                table.add_section()
        # Wider than the terminal it is only where a single amount is.
        console.width = max(console.width, _width(console, grid, block))
        console.print(table)


def _blocks(console: Console, grid: _Grid) -> Iterator[Sequence[_Column]]:
    """Yield the columns that fit beside each other, table by table, as many in each."""
    count = len(grid.columns)
    for tables in range(1, count + 1):
        size = -(-count // tables)
        blocks = [grid.columns[at : at + size] for at in range(0, count, size)]
        if size == 1 or all(_width(console, grid, one) <= console.width for one in blocks):
            yield from blocks
            return


def _width(console: Console, grid: _Grid, columns: Sequence[_Column]) -> int:
    return grid.name_width(console) + _FRAME + 1 + sum(one.width + _FRAME for one in columns)


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False)
