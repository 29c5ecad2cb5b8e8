"""The small worlds that the suite has time for; `python -m tests.property.worlds` tries all."""

from __future__ import annotations

import pytest

from tests.property.worlds import all_worlds, check_tables, check_world

#: A prime, so that no kind of milestone is passed over in any place.
EVERY = 401


@pytest.mark.parametrize(("length", "every"), [(1, 1), (2, 1), (3, 23), (4, EVERY)])
def test_worlds_keep_the_laws_and_the_page(length, every):
    """Every kind in every place, totals 0 to 20, all policies, against exact fractions."""
    worlds = list(all_worlds(length, every=every))

    assert all(len({world[place] for world in worlds}) == 19 for place in range(length))
    assert sum(map(check_world, worlds)) == len(worlds) * 63


@pytest.mark.parametrize("total", [1, 2, 3, 5, 7])
def test_tables_tie_out(total):
    """Lines with deductions up to 3 x 3."""
    assert check_tables(total) > 0
