"""One level for all, between floors and caps."""

from __future__ import annotations

import pytest

from milestone_engine.sharing import share


def shared(purse, weights, *, extras=None, floors=None, caps=None, step=1):
    """Share with no extras, floors of zero and no caps unless said otherwise."""
    count = len(weights)
    return share(
        purse,
        weights,
        extras=extras or [0] * count,
        floors=floors or [0] * count,
        caps=caps or [None] * count,
        step=step,
    )


@pytest.mark.parametrize(
    ("purse", "weights", "bounds", "amounts", "codes"),
    [
        pytest.param(100, [1, 1, 2], {}, [25, 25, 50], "share share share", id="plain"),
        pytest.param(100, [1, 1, 2], {"floors": [40, 0, 0]}, [40, 20, 40], "floor share share",
                     id="floor"),
        pytest.param(100, [1, 1, 2], {"caps": [10, None, None]}, [10, 30, 60], "cap share share",
                     id="cap"),
        pytest.param(100, [1, 1, 2], {"floors": [40, 0, 0], "caps": [None, None, 30]},
                     [40, 30, 30], "floor share cap", id="both"),
        # 40 is below the plain share of 50, but above the level once the second is capped
        pytest.param(100, [1, 1], {"floors": [40, 0], "caps": [None, 45]}, [55, 45], "share cap",
                     id="a-floor-is-left-again"),
        pytest.param(100, [1, 1, 1], {"floors": [60, 45, 0]}, [60, 45, 0], "floor floor floor",
                     id="floors-above-the-purse"),
        pytest.param(100, [1, 1], {"floors": [50, 0], "caps": [50, 50]}, [50, 50], "share share",
                     id="exactly-at-the-bounds"),
        pytest.param(100, [1, 1], {"extras": [30, -20]}, [75, 25], "share share", id="extras"),
        pytest.param(10, [1, 1], {"extras": [30, 0]}, [10, 0], "share floor",
                     id="level-below-zero"),
        pytest.param(100, [1, 1, 1], {"caps": [10, 45, None]}, [10, 45, 45], "cap share share",
                     id="exactly-at-a-cap-beside-one-that-is-in-force"),
        pytest.param(100, [1, 1], {"floors": [40, 0], "caps": [40, None]}, [40, 60], "floor share",
                     id="a-cap-that-yielded-to-the-floor"),
        pytest.param(100, [1, 1], {"extras": [5, 0], "caps": [20, None]}, [20, 80], "cap share",
                     id="an-extra-below-a-cap"),
        pytest.param(10, [0, 1], {"extras": [4, 0]}, [4, 6], "extra share", id="a-zero-weight"),
    ],
)  # fmt: skip
def test_shares(purse, weights, bounds, amounts, codes):
    """What is at a bound stays there, the others share the rest."""
    found = shared(purse, weights, **bounds)

    assert found.amounts == amounts
    assert " ".join(found.codes) == codes
    assert sum(found.amounts) + found.rest_minor == purse


@pytest.mark.parametrize(
    ("purse", "weights", "bounds", "step", "amounts", "codes"),
    [
        pytest.param(8, [1, 1], {"extras": [0, -2], "floors": [0, 3]}, 2, [5, 3], "share floor",
                     id="exactly-at-its-floor"),
        pytest.param(39, [1, 1, 1], {"caps": [None, 13, None]}, 10, [10, 13, 16],
                     "share cap share", id="exactly-at-its-cap"),
        pytest.param(39, [1, 1, 1], {"caps": [None, 13, None]}, 2, [12, 13, 14],
                     "share cap share", id="exactly-at-its-cap-in-small-coins"),
        pytest.param(41, [1, 1, 1], {"extras": [0, 2, 0], "caps": [None, 15, None]}, 10,
                     [10, 15, 16], "share cap share", id="exactly-at-its-cap-by-its-extra"),
        pytest.param(1, [5, 1, 1], {"caps": [1, None, None]}, 100, [0, 0, 1],
                     "share share share", id="no-small-change-for-a-cap"),
        pytest.param(10, [1, 1, 2], {}, 5, [0, 5, 5], "share share share",
                     id="coins-to-the-largest-parts"),
    ],
)  # fmt: skip
def test_coins_are_rounded_on_those_that_share(purse, weights, bounds, step, amounts, codes):
    """Those at a floor or cap stay there; less than a coin goes to the last that shares."""
    found = shared(purse, weights, **bounds, step=step)

    assert (found.amounts, " ".join(found.codes)) == (amounts, codes)
    assert found.rest_minor == 0


def test_nothing_is_rounded_at_a_bound():
    """The units are those of the ones that share."""
    assert shared(100, [1, 1, 2], caps=[11, None, None]).units == [0, 1, 0]


def test_units_go_to_the_largest_remainders():
    """2/7 of 10 and so on: 2.86, 1.43, 5.71."""
    found = shared(10, [2, 1, 4])

    assert (found.amounts, found.units) == ([3, 1, 6], [1, 0, 1])


def test_units_of_coins():
    """3.33 each in coins of 2: units are counted from 3, the exact amount rounded down."""
    found = shared(10, [1, 1, 1], step=2)

    assert (found.amounts, found.units) == ([2, 4, 4], [-1, 1, 1])


def test_bends_at_fractions_that_are_nearly_equal():
    """Levels 3/10**12 and 2999999999999/10**24 differ by less than any float could tell."""
    weights = [10**12, 10**24]
    floors = [3, 2999999999999]

    at_the_lower = shared(sum(floors), weights, floors=floors)
    above_both = shared(sum(floors) + 10**12, weights, floors=floors)

    assert at_the_lower.amounts == floors
    assert sum(above_both.amounts) == sum(floors) + 10**12
    assert all(amount >= floor for amount, floor in zip(above_both.amounts, floors, strict=True))


def test_bends_are_walked_in_order_whatever_the_weights():
    """5/1000 comes before 7/1000, though a light third weight might set a coarse scale."""
    assert shared(13, [10, 1000, 1000], floors=[0, 7, 5]).amounts == [0, 7, 6]


@pytest.mark.parametrize(
    ("purse", "weights", "caps", "amounts"),
    [
        pytest.param(41, [33, 34, 33], None, [10, 15, 16], id="largest-remainder-below-a-unit"),
        pytest.param(52, [1, 1, 1, 1], None, [10, 10, 15, 17], id="whole-units-that-are-no-coins"),
        pytest.param(41, [1, 1, 1], [None, None, 14], [10, 17, 14], id="a-cap-below-the-next-coin"),
        pytest.param(40, [1, 2, 1], None, [10, 20, 10], id="all-fit"),
    ],
)
def test_coins(purse, weights, caps, amounts):
    """Coins of 5: down first, then the largest parts up, small change to the last with room."""
    assert shared(purse, weights, caps=caps, step=5).amounts == amounts


def test_nobody_to_share():
    """All of the purse is left."""
    assert shared(5, []).rest_minor == 5
