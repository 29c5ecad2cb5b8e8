"""Reading and writing JSON: amounts to the digit, and nothing that would break the journal."""

from decimal import Decimal

import pytest

from sandbox.values import cents, dumps, loads


def test_amounts_pass_through_json_digit_for_digit():
    """No amount is ever a float: 0.1 stays 0.1, and 12000.00 keeps its cents."""
    text = '{"a":0.1,"b":12000.00,"c":335.25,"d":7}'

    assert loads(text) == {"a": Decimal("0.1"), "b": 12000, "c": Decimal("335.25"), "d": 7}
    assert dumps(loads(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="cut-off"),
        pytest.param("[" * 5000, id="deep-and-cut-off"),
        pytest.param("[" * 500 + "]" * 500, id="deep"),
        pytest.param('{"a":' * 70 + "1" + "}" * 70, id="deep-objects"),
        pytest.param('"\\ud800"', id="half-a-surrogate-pair"),
        pytest.param("NaN", id="not-a-number"),
        pytest.param(b"\xff", id="not-utf-8"),
    ],
)
def test_what_could_not_be_written_again_is_not_read(text):
    """A body that the journal could not keep is refused at the door."""
    with pytest.raises(ValueError):  # noqa: PT011 - several libraries' own messages
        loads(text)


def test_many_flat_objects_are_not_deep():
    """A form of ten thousand lines is fine."""
    assert len(loads("[" + ",".join(['{"a":[1]}'] * 10_000) + "]")) == 10_000


@pytest.mark.parametrize(
    ("value", "rounded"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("1", "1.00")]
)
def test_cents_are_rounded_half_up(value, rounded):
    """Away from zero on a tie, on both sides."""
    assert str(cents(Decimal(value))) == rounded
