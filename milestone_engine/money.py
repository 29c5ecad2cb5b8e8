"""Minor units: read them, print them, and the one way to split them.

An amount is an `int` of the currency's smallest unit by ISO 4217 (USD cents, JPY yen, KWD fils).
Nothing here or anywhere in the engine is a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from milestone_engine.errors import AllocationError, MoneyError

#: Digits before the point: more is a slip of the finger, and would not fit a BIGINT of a currency
#: with four decimals.
MAX_WHOLE_DIGITS = 15

#: From this billed amount on, one unit short counts as paid: a rounding in the bank keeps no job
#: open.
TOLERANCE_FROM_MINOR = 100

#: ISO 4217 list one of 1 January 2026, funds codes included, metals and test codes left out.
_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
    "XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

#: Currency code -> number of decimals.
EXPONENTS: Mapping[str, int] = MappingProxyType(
    {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
)

_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def minor_units(currency: str) -> int:
    """Return how many decimals a currency has: USD 2, JPY 0, KWD 3.

    Raises:
        MoneyError: `currency_unknown`.
    """
    exponent = EXPONENTS.get(currency) if isinstance(currency, str) else None
    if exponent is None:
        raise MoneyError(
            f"{currency!r} is not an active ISO 4217 currency",
            code="currency_unknown",
            at="currency",
        )
    return exponent


def parse_money(text: str, *, currency: str, at: str | None = None) -> int:
    """Read "12000", "12000.00" or "-0.05" as minor units.

    Separators, exponents, signs other than a minus, blanks and numbers that are not text are
    refused, because each of them has been read as another amount by some program. Decimals that are
    missing are zeros; more than the currency has are refused even where they are zeros.

    Args:
        text: the amount.
        currency: ISO 4217.
        at: place of the amount in the caller's input, for the refusal.

    Raises:
        MoneyError: `money_text`, `decimals`, `too_large`, `currency_unknown`.
    """
    exponent = minor_units(currency)
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        shown = repr(text)[:40]
        raise MoneyError(f"{shown} is not an amount written as text", code="money_text", at=at)
    sign, whole, decimals = found.group(1), found.group(2), found.group(3) or ""
    if len(decimals) > exponent:
        raise MoneyError(
            f"{text[:40]} has {_decimals(len(decimals))}, {currency} has {exponent or 'none'}",
            code="decimals",
            at=at,
        )
    if len(whole.lstrip("0")) > MAX_WHOLE_DIGITS:
        raise MoneyError(
            f"{text[:40]} has more than {MAX_WHOLE_DIGITS} digits before the point",
            code="too_large",
            at=at,
        )
    amount = int(whole + decimals.ljust(exponent, "0"))
    return -amount if sign else amount


def _decimals(count: int) -> str:
    return "1 decimal" if count == 1 else f"{count} decimals"


def format_money(amount_minor: int, *, currency: str) -> str:
    """Print minor units with all decimals of the currency and no separators: "12000.00"."""
    exponent = minor_units(currency)
    sign = "-" if amount_minor < 0 else ""
    digits = str(abs(amount_minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else sign + digits


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split a total by weights so that the parts add up to it exactly.

    Parts round toward zero; the units left go, one each, to the largest remainders; on a tie the
    later part wins.

    Args:
        total_minor: minor units; negative for a credit (a reducing ChangeOrder).
        weights: one per part, in order, >= 0, not all 0. Any scale: [1, 3] is [25, 75].

    Returns:
        One amount in minor units per weight, in the same order. A zero weight gets 0.

    Raises:
        AllocationError: no weights, a negative weight, or only zeros.

    Source: decision 0003 (largest remainder).
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise AllocationError(f"cannot split {total_minor} by weights {list(weights)}")
    sign = -1 if total_minor < 0 else 1
    shares = [divmod(abs(total_minor) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    spare = abs(total_minor) - sum(parts)
    # The final balance takes the odd cent: among equal remainders the later part comes first.
    for i in sorted(range(len(shares)), key=lambda i: (-shares[i][1], -i))[:spare]:
        parts[i] += 1
    return [sign * part for part in parts]


def is_settled(*, billed_minor: int, paid_minor: int) -> bool:
    """Return whether an invoice counts as paid: in full, or one unit short of 100 units or more."""
    short = billed_minor - paid_minor
    return short <= 0 or (short == 1 and billed_minor >= TOLERANCE_FROM_MINOR)
