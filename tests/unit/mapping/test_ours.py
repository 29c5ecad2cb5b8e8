"""Which lines of an invoice are ours."""

from __future__ import annotations

from mapping.documents import parse_invoice
from mapping.ours import our_lines
from tests.builders import a_line, an_invoice

LINE_IDS = {"1": "1187:1", "2": "1187:2"}
CABINETS = a_line("1", "1500.00")
INSTALL = a_line("2", "1000.00", item="30", description="Install")


def _ours(*lines, synced=(CABINETS, INSTALL)):
    return our_lines(
        parse_invoice(an_invoice(lines=list(lines))),
        line_ids=LINE_IDS,
        synced=parse_invoice(an_invoice(lines=list(synced))) if synced else None,
    )


def test_lines_are_known_by_the_ids_that_we_recorded():
    """A person's line beside them is not ours."""
    assert _ours(CABINETS, a_line("3", "150.00"), INSTALL) == LINE_IDS


def test_an_edited_line_keeps_its_id_and_stays_ours():
    """Its money may be anything."""
    assert _ours(CABINETS | {"Amount": 7}, INSTALL) == LINE_IDS


def test_a_line_that_got_a_new_id_is_known_by_its_looks():
    """QuickBooks gives new ids when a person types the lines anew."""
    assert _ours(CABINETS | {"Id": "8"}, INSTALL | {"Id": "7"}) == {"8": "1187:1", "7": "1187:2"}


def test_a_line_that_is_gone_is_not_found():
    """Another line in its place does not look like it."""
    assert _ours(INSTALL, a_line("9", "150.00", description="Permit")) == {"2": "1187:2"}


def test_a_persons_line_that_looks_the_same_is_not_taken_twice():
    """One of ours, one of theirs."""
    twin = a_line("9", "1500.00")

    assert _ours(CABINETS, INSTALL, twin) == LINE_IDS
    assert _ours(twin, twin | {"Id": "10"}, INSTALL) == {"9": "1187:1", "2": "1187:2"}


def test_without_a_synced_copy_only_ids_count():
    """There is nothing to compare looks with."""
    assert _ours(CABINETS | {"Id": "8"}, INSTALL, synced=()) == {"2": "1187:2"}
