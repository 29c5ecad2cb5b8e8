"""Cases made from the page's text alone, through the real command line (tests/unseen)."""

from __future__ import annotations

import pytest

from tests.unseen.__main__ import check
from tests.unseen.cases import a_split, a_table
from tests.unseen.rule import wrong_split, wrong_table


@pytest.mark.parametrize(
    ("command", "make", "find_wrong"),
    [("rebalance", a_split, wrong_split), ("lines", a_table, wrong_table)],
)
def test_unseen_cases_are_answered_as_the_page_says(command, make, find_wrong):
    """Amounts, states, nets and sums, exactly; `python -m tests.unseen` does many more."""
    assert check(command, make, find_wrong, count=1_500, seed=7) == 0
