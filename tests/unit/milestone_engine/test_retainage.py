"""Gross, net, withheld and the release at the end."""

from __future__ import annotations

import pytest

from milestone_engine import (
    Gross,
    Retainage,
    RetainageError,
    gross_paid,
    is_settled,
    retain,
    withhold,
)
from tests.unit.milestone_engine.builders import cents, percent

TEN = Retainage(percent=percent("10"))
STEP_DOWN = Retainage(percent=percent("10"), after_half=percent("5"))


def gross(*rows):
    """Return milestones from amounts, or from pairs of amount and what was stored as withheld."""
    return [
        Gross(milestone_id=f"m{place}", amount_minor=cents(row))
        if isinstance(row, str)
        else Gross(
            milestone_id=f"m{place}", amount_minor=cents(row[0]), withheld_minor=cents(row[1])
        )
        for place, row in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize(
    ("rows", "retainage", "nets", "release"),
    [
        pytest.param(("2,500", "2,500", "5,000"), TEN, ["2,250", "2,250", "4,500"], "1,000",
                     id="E80"),
        pytest.param(("2,500", "2,500", "5,000"), STEP_DOWN, ["2,250", "2,250", "4,750"], "750",
                     id="E82"),
        pytest.param(("4,000", "2,000", "4,000"), STEP_DOWN, ["3,600", "1,800", "3,800"], "800",
                     id="a-milestone-across-the-half-is-not-cut"),
        pytest.param((("2,500", "250"), "2,500", "5,000"), STEP_DOWN,
                     ["2,250", "2,250", "4,750"], "750", id="billed-as-planned"),
        pytest.param(("2,500", "2,500", ("5,000", "500")), STEP_DOWN,
                     ["2,375", "2,375", "4,500"], "750", id="the-last-billed-first"),
        pytest.param((("2,500", "125"), "2,500", "5,000"), TEN, ["2,375", "2,250", "4,500"],
                     "875", id="what-was-stored-stays"),
        pytest.param(("0.19", "0.05"), TEN, ["0.18", "0.05"], "0.01", id="rounded-down"),
        pytest.param(("-50", "100"), TEN, ["-50", "90"], "10", id="nothing-from-a-credit"),
    ],
)  # fmt: skip
def test_retains(rows, retainage, nets, release):
    """Net amounts and the release add up to the gross amounts."""
    retained = retain(gross(*rows), retainage)

    assert [net.net_minor for net in retained.nets] == [cents(text) for text in nets]
    assert retained.release_minor == cents(release)
    assert sum(net.net_minor for net in retained.nets) + retained.release_minor == sum(
        net.gross_minor for net in retained.nets
    )


def test_a_milestone_is_settled_once_its_net_is_paid():
    """Gross paid is net paid and withheld, in part payments too."""
    withheld = withhold(cents("2,500"), percent("10"))

    in_full = gross_paid(net_paid_minor=cents("2,250"), withheld_minor=withheld)
    in_part = gross_paid(net_paid_minor=cents("1,000"), withheld_minor=withheld)

    assert is_settled(billed_minor=cents("2,500"), paid_minor=in_full)
    assert cents("2,500") - in_part == cents("1,250")


@pytest.mark.parametrize("place", ["percent", "after_half"])
def test_refuses_more_than_all(place):
    """100 is the most that can be withheld."""
    rates = {"percent": percent("10"), "after_half": percent("5")} | {place: percent("100.01")}

    with pytest.raises(RetainageError) as caught:
        Retainage(**rates)

    assert (caught.value.code, caught.value.at) == ("retainage", f"retainage.{place}")
