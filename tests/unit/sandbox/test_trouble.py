"""Faults on demand: whose turn it is."""

import pytest

from sandbox.trouble import Trouble, TroubleError


@pytest.fixture
def trouble():
    """Nothing armed yet."""
    return Trouble()


def test_fault_fires_as_often_as_it_was_armed_for(trouble):
    """And is shown with how often it did."""
    trouble.arm({"kind": "status", "entity": "Invoice", "operation": "create", "count": 2})

    turns = [trouble.turn("1", "invoice", "create") for _ in range(3)]

    assert [turn is not None for turn in turns] == [True, True, False]
    assert trouble.shown()["faults"][0]["fired"] == 2


@pytest.mark.parametrize(
    ("wishes", "fires"),
    [
        pytest.param({}, True, id="any"),
        pytest.param({"entity": "INVOICE"}, True, id="entity-in-any-case"),
        pytest.param({"entity": "Estimate"}, False, id="other-entity"),
        pytest.param({"operation": "void"}, False, id="other-operation"),
        pytest.param({"realm_id": "2"}, False, id="other-company"),
        pytest.param({"realm_id": 1, "operation": "create"}, True, id="company-as-number"),
        pytest.param({"skip": 1}, False, id="the-first-goes-by"),
    ],
)
def test_fault_fires_for_what_it_names(trouble, wishes, fires):
    """What a rule does not name does not matter."""
    trouble.arm({"kind": "stall", **wishes})

    assert (trouble.turn("1", "invoice", "create") is not None) is fires


def test_fault_for_ever_ends_when_cleared(trouble):
    """`count` null has no end of its own."""
    trouble.arm({"kind": "stall", "count": None})
    assert all(trouble.turn("1", "invoice", "read") for _ in range(50))

    trouble.clear()

    assert trouble.turn("1", "invoice", "read") is None


@pytest.mark.parametrize(
    "wishes",
    [
        pytest.param({}, id="no-kind"),
        pytest.param({"kind": "explode"}, id="unknown-kind"),
        pytest.param({"kind": "stall", "colour": 1}, id="unknown-field"),
        pytest.param({"kind": "stall", "count": 0}, id="never"),
        pytest.param({"kind": "stall", "count": True}, id="count-is-no-number"),
        pytest.param({"kind": "stall", "seconds": "long"}, id="seconds-are-no-number"),
        pytest.param({"kind": "stall", "seconds": 1e9}, id="for-years"),
        pytest.param({"kind": "status", "status": 42}, id="no-status"),
    ],
)
def test_rule_that_makes_no_sense_is_not_armed(trouble, wishes):
    """The message says what a rule can be."""
    with pytest.raises(TroubleError):
        trouble.arm(wishes)

    assert trouble.shown() == {"faults": [], "stalled": []}
