"""Reading and writing amounts quickly: the same as the plain way, whatever the text."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from milestone_engine import EngineError, format_money, parse_money
from milestone_engine.readers import money_of, texts_of

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF"])
TEXTS = st.text(alphabet="0123456789.-+e \u0665\u00b2", max_size=22) | st.from_regex(
    r"-?[0-9]{0,17}\.?[0-9]{0,5}", fullmatch=True
)


@given(TEXTS, CURRENCIES)
@example(".50", "USD")
@example("1.2.34", "USD")
@example("\u0661.00", "USD")
@example("5.", "JPY")
@example("1234567890123456.00", "USD")
def test_an_amount_is_read_as_parse_money_reads_it(text, currency):
    """Value or refusal."""
    assert outcome(money_of(currency).signed, text) == outcome(
        lambda text: parse_money(text, currency=currency), text
    )


def outcome(read: Callable[[str], int], text: str) -> int | tuple[str, str]:
    """Return the amount, or code and message of the refusal."""
    try:
        return read(text)
    except EngineError as error:
        return error.code, error.message


@given(st.integers(-(10**19), 10**19), CURRENCIES)
@example(0, "USD")
@example(-5, "USD")
@example(-100, "KWD")
def test_an_amount_is_written_as_format_money_writes_it(amount, currency):
    """All decimals, no separators."""
    assert texts_of(currency)(amount) == format_money(amount, currency=currency)
