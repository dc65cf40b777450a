"""Code on lists: places, bounds, rules for every item and moved items."""

from collections.abc import Sequence
from functools import reduce
from random import Random

from vibethinker.data.families.code_numbers import line_through
from vibethinker.data.families.draft import Draft, add, between, code_draft, over, signed, term, times

_LONGEST = 200
"""No list is longer."""


def numbers(count: int, *, start: int = 0) -> list[int]:
    """Return so many numbers in no order, neighbours never equal.

    >>> numbers(6)
    [3, 40, 77, 13, 50, 87]
    """
    return [(37 * (start + place) + 3) % 101 for place in range(count)]


def every_kth(rng: Random, level: int) -> Draft:
    """Items at evenly spread places: by the first places, by a formula (3, 4), or a selection of a selection (5)."""
    wanted: Sequence[int]
    if level < 3:
        first, step = between(rng, 2, (20, 25)[level - 1]), between(rng, 2, (15, 20)[level - 1])
        steps = [add(first + step, -first), add(first, -1)]
        brief = [f"{first}-1={first - 1}", f"{first + step}-{first}={step}"]
        places = f"at places {first}, {first + step}, {first + 2 * step} and so on"
        start, wanted = first - 1, range(first, _LONGEST, step)
    elif level < 5:
        step, k = between(rng, 3, (9, 12)[level - 3]), between(rng, 2, (5, 7)[level - 3])
        shift = signed(rng, 1, min(step, 9) - 1 if level == 3 else 9)
        start = step * k + shift - 1
        while start < 1:
            shift, start = shift + step, start + step
        steps = [times(step, k), add(step * k, shift), add(start + 1, -1)]
        brief = [f"{step}*{k}{term(shift)}-1={start}"]
        wanted = [step * more + shift for more in range(k, _LONGEST)]
        places = f"at places {step}*k{term(shift)} for k={k}, {k + 1}, {k + 2} and so on"
    else:
        outer, first, inner, again = between(rng, 2, 6), between(rng, 2, 9), between(rng, 2, 5), between(rng, 2, 6)
        wanted = range(first, _LONGEST, outer)[again - 1 :: inner]
        step, start = outer * inner, (again - 1) * outer + first - 1
        steps = [times(outer, inner), add(again, -1), times(again - 1, outer), add(first, -1)]
        steps.append(add((again - 1) * outer, first - 1))
        brief = [f"({again}-1)*{outer}+{first}-1={start}", f"{outer}*{inner}={step}"]
        places = (
            f"at places {first}, {first + outer}, {first + 2 * outer} and so on, "
            f"and of these again places {again}, {again + inner} and so on"
        )
        steps = [add(first + outer, -first), add(again + inner, -again), *steps]

    def reference(a: list[int]) -> object:
        found = [a[place - 1] for place in wanted if place <= len(a)]
        return sum(found) if total else found

    total = rng.random() < 0.5
    picked = f"a[{start}::{step}]"
    return code_draft(
        f"Write f(a): {'the sum of ' if total else ''}the items of a {places}.",
        f"a: return {f'sum({picked})' if total else picked}",
        reference,
        (
            numbers(start + 2 * step + 2),
            numbers(start + step + 1, start=5),
            numbers(start + step, start=8),
            numbers(start + 1, start=2),
            numbers(start),
        ),
        steps,
        brief,
    )


def beyond_mean(rng: Random, level: int) -> Draft:
    """The items over or under a mean, or how many they are; at level 5 the mean is multiplied."""
    count = (2, 2, 3, 4, 3)[level - 1]
    top = (40, 60, 40, 40, 30)[level - 1]
    values = [between(rng, 2, top) for _ in range(count)]
    values[-1] += -sum(values) % count
    factor = between(rng, 2, 5) if level == 5 else 1
    mean = sum(values) // count
    bound = mean * factor
    steps, so_far = [], values[0]
    for value in values[1:]:
        steps.append(add(so_far, value))
        so_far += value
    steps.append(over(so_far, count))
    steps += [times(mean, factor)] if factor > 1 else []
    over_it, counted = rng.random() < 0.5, rng.random() < 0.5
    sign = ">" if over_it else "<"
    kept = f"[x for x in a if x{sign}{bound}]"
    listed = f"{', '.join(map(str, values[:-1]))} and {values[-1]}"
    the_mean = f"{f'{factor} times ' if factor > 1 else ''}the mean of {listed}"

    def reference(a: list[int]) -> object:
        scale = factor * sum(values)
        found = [x for x in a if (x * count > scale if over_it else x * count < scale)]
        return len(found) if counted else found

    return code_draft(
        f"Write f(a): {'how many items of a are' if counted else 'the items of a'} {'over' if over_it else 'under'} "
        f"{the_mean}.",
        f"a: return {f'len({kept})' if counted else kept}",
        reference,
        (
            [bound - 1, bound, bound + 1, bound + 2],
            [bound],
            [],
            [bound + 1, bound - 1, bound - 2, -bound, 0],
            [3 * bound, bound + 1, bound + 1, 1],
        ),
        steps,
        [f"({'+'.join(map(str, values))})/{count}{f'*{factor}' if factor > 1 else ''}={bound}"],
    )


def item_rule(rng: Random, level: int) -> Draft:
    """The same linear rule for every item, from an example of two items."""
    a = signed(rng, 2, (9, 9, 9, 12, 12)[level - 1], chance=0.0 if level < 4 else 0.5)
    b = signed(rng, 1, (20, 20, 20, 40, 60)[level - 1], chance=0.0 if level < 3 else 0.5)
    p = between(rng, 1, (5, 5, 9, 9, 12)[level - 1])
    q = p + (1 if level == 1 else between(rng, 2, (3, 5, 6, 9)[level - 2]))
    steps, brief = line_through((p, a * p + b), (q, a * q + b))
    return code_draft(
        f"f does the same linear thing to every item. f([{p},{q}])=[{a * p + b},{a * q + b}]. Write f(a).",
        f"a: return [{a}*x{term(b)} for x in a]",
        lambda items: [a * x + b for x in items],
        ([p, q], [], [0, 1], [q + 5, -3, 40], [100]),
        steps,
        brief,
    )


def to_the_end(rng: Random, level: int) -> Draft:
    """First items moved to the end several times over, as one move."""
    parts = (3, 3, 2, 2, 3)[level - 1]
    moves = [between(rng, 2, (9, 15, 15, 15, 9)[level - 1]) for _ in range(parts)]
    rounds = [1 if level < 3 or (place and level < 4) else between(rng, 2, 5) for place in range(parts)]
    steps = [times(move, often) for move, often in zip(moves, rounds, strict=True) if often > 1]
    amount, *rest = (move * often for move, often in zip(moves, rounds, strict=True))
    for more in rest:
        steps.append(add(amount, more))
        amount += more
    said = [
        f"the first {move}{f', {often} times over' if often > 1 else ''}"
        for move, often in zip(moves, rounds, strict=True)
    ]
    one_by_one = [move for move, often in zip(moves, rounds, strict=True) for _ in range(often)]
    written = [f"{move}*{often}" if often > 1 else str(move) for move, often in zip(moves, rounds, strict=True)]
    return code_draft(
        f"a is long. Write f(a): a with items moved to its end, {'; then '.join(said)}.",
        f"a: return a[{amount}:]+a[:{amount}]",
        lambda a: reduce(lambda left, move: left[move:] + left[:move], one_by_one, a),
        [numbers(amount + more, start=more) for more in (1, 2, 5, 11)],
        steps,
        [f"{'+'.join(written)}={amount}"],
    )


DRAWS = (every_kth, beyond_mean, item_rule, to_the_end)
