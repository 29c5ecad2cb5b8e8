"""What `rebalance()` gives are values like all others, though they are made on a faster way."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from milestone_engine import Derivation, Share, ShareState, rebalance
from tests.unit.milestone_engine.builders import at, positions


def test_a_share_is_the_value_it_says():
    """Equal to one made by hand, hashable, frozen, to be copied and replaced."""
    share = rebalance(1000, positions(at("100", "3", "2")), currency="USD").shares[0]

    by_hand = Share(
        milestone_id="m1",
        state=ShareState.OPEN,
        amount_minor=1000,
        billed_minor=300,
        paid_minor=200,
        due_minor=800,
        why=Derivation(code="share", facts=share.why.facts),
    )

    assert type(share) is Share
    assert type(share.why) is Derivation
    assert share == by_hand
    assert hash(share) == hash(by_hand)
    assert repr(share) == repr(by_hand)
    assert copy.deepcopy(share) == pickle.loads(pickle.dumps(share)) == share
    assert replace(share, amount_minor=5).amount_minor == 5
    with pytest.raises(FrozenInstanceError):
        share.amount_minor = 5  # type: ignore[misc]
