"""Share a purse by weights between floors and caps, and round it: the numbers behind rules 1 to 3.

The exact amount of each is clamp(level * weight + extra, floor, cap) for the one level that uses up
the purse. The sum of all amounts never falls as the level rises, and it bends only where one of
them leaves its floor or meets its cap. So `_bounded` walks these bends in order, keeping the sum as
`base + level * slope`, and stops at the first where the sum reaches the purse; those between floor
and cap there are *free* and share what the others leave.

A bend lies at a fraction, (bound - extra) / weight. Two different fractions over weights below 2**n
lie at least 2**-2n apart, so scaled by 4**n and rounded down they still compare as they should,
equal ones included. That keeps the sort on plain integers.

With a coin step "one unit" reads "one coin": amounts are rounded down to whole coins, and nothing
is off by a whole coin, but for the one that takes what is less than a coin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Shared:
    """What each one gets of a purse: working columns in the order of the weights, not a value."""

    amounts: list[int]
    codes: list[str]  #: as in explain.CODES: share, floor, cap, extra, gave_way
    units: list[int]  #: what rounding added to the exact amount rounded down
    shared_minor: int  #: what the free ones share, their extras not counted
    weight_sum: int  #: of the free ones; 0 if there is none
    rest_minor: int  #: what none of them can take; negative: what is missing


def share(
    purse_minor: int,
    weights: Sequence[int],
    *,
    extras: Sequence[int],
    floors: Sequence[int],
    caps: Sequence[int | None],
    step: int,
) -> Shared:
    """Share a purse so that the amounts, and what is left or missing, add up to it.

    Exact amounts are rounded down to the step; steps left over go one each to the largest
    fractional parts, the later first on a tie; less than a step goes to the last of those that
    share. A weight of zero has its extra and no part in the rounding.

    Args:
        purse_minor: what they get in all, extras included; negative where all end at their floors.
        weights: >= 0, in order.
        extras: signed, on top of each share.
        floors: >= 0.
        caps: >= floor, or None.
        step: the smallest coin in minor units.
    """
    whole = sum(weights)
    if not whole or step > 1:
        return _bounded(purse_minor, weights, extras, floors, caps, step)
    shared = purse_minor - sum(extras)
    amounts, remainders = [], []
    for weight in weights:
        amount, remainder = divmod(shared * weight, whole)
        amounts.append(amount)
        remainders.append(remainder)
    # As a rule no exact share lies outside its floor and cap, and plain division will do.
    if shared < 0 or any(extras) or any(floors) or caps.count(None) < len(caps):
        for place, floor in enumerate(floors):
            amount = amounts[place] = amounts[place] + extras[place]
            cap = caps[place]
            if amount < floor or (cap is not None and amount + (remainders[place] > 0) > cap):
                return _bounded(purse_minor, weights, extras, floors, caps, step)
    if all(weights):
        codes = ["share"] * len(amounts)
    else:
        codes = ["share" if weight else "extra" for weight in weights]
    units = _round(amounts, remainders, whole, floors, caps, step)
    return Shared(amounts, codes, units, shared, whole, 0)


def _round(
    amounts: list[int],
    remainders: Sequence[int],
    whole: int,
    floors: Sequence[int],
    caps: Sequence[int | None],
    step: int,
) -> list[int]:
    """Make amounts that were rounded down add up to the exact ones.

    Args:
        amounts: rounded down to the unit; changed in place.
        remainders: what rounding took from each, in parts of `whole`. They add up to whole units.
        whole: one unit.
        floors: as in `share()`.
        caps: as in `share()`.
        step: as in `share()`.

    Returns:
        What each amount gained or lost.
    """
    if step > 1:
        return _round_to_steps(amounts, remainders, whole, floors, caps, step)
    units = [0] * len(amounts)
    spare = sum(remainders) // whole
    if spare:
        for place in _by_remainder(remainders)[:spare]:
            amounts[place] += 1
            units[place] = 1
    return units


def _by_remainder(remainders: Sequence[int]) -> list[int]:
    """Return the places by falling remainder, the later first among equals."""
    # Sorting is stable in reverse too, so the later ones must come in first.
    later_first = range(len(remainders) - 1, -1, -1)
    return sorted(later_first, key=remainders.__getitem__, reverse=True)


def _round_to_steps(
    amounts: list[int],
    remainders: Sequence[int],
    whole: int,
    floors: Sequence[int],
    caps: Sequence[int | None],
    step: int,
) -> list[int]:
    """Round to whole coins. A floor or cap that is no whole coin bounds the step next to it.

    Every exact amount goes down to its coin or its floor. As long as a whole coin is left, the
    largest fractional parts rise, to the next coin or the cap. What is left in the end is less than
    a coin; it goes to the last with room.
    """
    downs = list(amounts)
    rises, parts = [], []
    for place, remainder in enumerate(remainders):
        over = downs[place] % step
        low = max(downs[place] - over, floors[place])
        high = downs[place] - over + (step if over or remainder else 0)
        cap = caps[place]
        rises.append((high if cap is None else min(high, cap)) - low)
        parts.append(over * whole + remainder)
        amounts[place] = low
    left = sum(downs) + sum(remainders) // whole - sum(amounts)
    for place in _by_remainder(parts):
        if left < step:
            break
        amounts[place] += rises[place]
        left -= rises[place]
    _place_small_change(amounts, caps, left)
    return [amount - down for amount, down in zip(amounts, downs, strict=True)]


def _place_small_change(amounts: list[int], caps: Sequence[int | None], left: int) -> None:
    """Give what is less than a coin to the last one that has room; there always is one."""
    for place in range(len(amounts) - 1, -1, -1):
        if not left:
            return
        cap = caps[place]
        room = left if cap is None else min(left, cap - amounts[place])
        amounts[place] += room
        left -= room


def _bounded(
    purse: int,
    weights: Sequence[int],
    extras: Sequence[int],
    floors: Sequence[int],
    caps: Sequence[int | None],
    step: int,
) -> Shared:
    """Share a purse where a floor, a cap or a weight of zero is in the way."""
    amounts = [
        floor if weight else _clamp(extra, floor, cap)
        for weight, extra, floor, cap in zip(weights, extras, floors, caps, strict=True)
    ]
    codes = ["floor" if weight else "extra" for weight in weights]
    units = [0] * len(weights)
    rest, slope, free = _walk(purse, weights, extras, caps, amounts, codes, floors)
    if step > 1:
        rest, slope, free = _without_full(rest, slope, free, weights, extras, caps, amounts, codes)
    shared = rest  # told only of those that are free
    if free:
        pairs = [divmod(shared * weights[place], slope) for place in free]
        shares = [
            quotient + extras[place] for place, (quotient, _) in zip(free, pairs, strict=True)
        ]
        gained = _round(
            shares,
            [remainder for _, remainder in pairs],
            slope,
            [floors[place] for place in free],
            [caps[place] for place in free],
            step,
        )
        for place, amount, unit in zip(free, shares, gained, strict=True):
            amounts[place], codes[place], units[place] = amount, "share", unit
        rest = 0
    elif rest < 0:
        rest = _take_extras_back(amounts, codes, floors, rest)
    return Shared(amounts, codes, units, shared, slope, rest)


def _clamp(amount: int, floor: int, cap: int | None) -> int:
    return max(floor, amount if cap is None else min(amount, cap))


def _walk(
    purse: int,
    weights: Sequence[int],
    extras: Sequence[int],
    caps: Sequence[int | None],
    amounts: list[int],
    codes: list[str],
    floors: Sequence[int],
) -> tuple[int, int, list[int]]:
    """Raise the level from below until the purse is used up.

    Moves those that meet their cap in `amounts` and `codes`.

    Returns:
        What the free ones share (without any: what is left, or missing), the sum of their weights,
        their places.
    """
    base, slope = sum(amounts), 0
    free: set[int] = set()
    for _, meets_cap, place, bound in _bends(weights, extras, floors, caps):
        weight, extra = weights[place], extras[place]
        # At this bend the level is (bound - extra) / weight and the sum base + slope * level.
        if base * weight + slope * (bound - extra) >= purse * weight:
            break
        if meets_cap:
            free.discard(place)
            # A cap that yielded to the floor is no limit any more.
            amounts[place], codes[place] = bound, "cap" if bound > floors[place] else "floor"
            base, slope = base + bound - extra, slope - weight
        else:
            free.add(place)
            base, slope = base - bound + extra, slope + weight
    return purse - base, slope, sorted(free)


def _without_full(
    rest: int,
    slope: int,
    free: Sequence[int],
    weights: Sequence[int],
    extras: Sequence[int],
    caps: Sequence[int | None],
    amounts: list[int],
    codes: list[str],
) -> tuple[int, int, list[int]]:
    """Take those that meet their cap exactly out of the free ones: coins are not rounded on them.

    Returns:
        As `_walk()`.
    """
    kept, shared, whole = [], rest, slope
    for place in free:
        cap, weight, extra = caps[place], weights[place], extras[place]
        if cap is not None and (cap - extra) * whole == shared * weight:
            amounts[place], codes[place] = cap, "cap"
            rest, slope = rest - (cap - extra), slope - weight
        else:
            kept.append(place)
    return rest, slope, kept


def _bends(
    weights: Sequence[int],
    extras: Sequence[int],
    floors: Sequence[int],
    caps: Sequence[int | None],
) -> list[tuple[int, bool, int, int]]:
    """Return where amounts leave their floor (False) or meet their cap (True), by rising level.

    Returns:
        (level on a whole scale, meets cap, place, the bound). At one level those that leave come
        first.
    """
    scale_bits = 2 * max(weights, default=0).bit_length()
    bends = []
    for place, weight in enumerate(weights):
        if not weight:
            continue
        floor, cap, extra = floors[place], caps[place], extras[place]
        bends.append((((floor - extra) << scale_bits) // weight, False, place, floor))
        if cap is not None:
            bends.append((((cap - extra) << scale_bits) // weight, True, place, cap))
    return sorted(bends)


def _take_extras_back(
    amounts: list[int], codes: list[str], floors: Sequence[int], rest: int
) -> int:
    """Let 0 % milestones give back their extras, from the last backwards; return the rest."""
    for place in range(len(amounts) - 1, -1, -1):
        given = min(-rest, amounts[place] - floors[place])
        if given > 0:
            amounts[place] -= given
            codes[place] = "gave_way"
            rest += given
    return rest
