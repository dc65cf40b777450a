"""Statistics: averages, order, spread, counting and probability."""

from fractions import Fraction
from math import comb
from random import Random

from vibethinker.data.families.draft import Draft, Family, add, between, over, signed, term, times


def mean(rng: Random, level: int) -> Draft:
    """The mean of three to five numbers; a fraction from level 3."""
    n = (3, 3, 4, 4, 5)[level - 1]
    top = (9, 15, 15, 30, 40)[level - 1]
    values = [between(rng, 1, top) for _ in range(n)]
    if level < 3:
        values[-1] += -sum(values) % n
    steps, total = running_sum(values)
    listed = ", ".join(map(str, values))
    return Draft(
        f"Find the mean of {listed}.",
        Fraction(total, n),
        (*steps, over(total, n)),
        f"({'+'.join(map(str, values))})/{n}",
    )


def running_sum(values: list[int]) -> tuple[list[str], int]:
    """The steps that add up a list from the left, and the total."""
    steps, total = [], values[0]
    for value in values[1:]:
        steps.append(add(total, value))
        total += value
    return steps, total


def median(rng: Random, level: int) -> Draft:
    """The middle of an odd number of values, or the mean of the two in the middle."""
    n = (3, 5, 5, 4, 6)[level - 1]
    values = rng.sample(range(1, (20, 30, 60, 30, 40)[level - 1] + 1), n)
    ordered = sorted(values)
    question = f"Find the median of {', '.join(map(str, values))}."
    line = ",".join(map(str, ordered))
    if n % 2:
        return Draft(question, ordered[n // 2], (line, f"middle={ordered[n // 2]}"), f"median({line})")
    low, high = ordered[n // 2 - 1], ordered[n // 2]
    return Draft(question, Fraction(low + high, 2), (line, add(low, high), over(low + high, 2)), f"({low}+{high})/2")


def spread(rng: Random, level: int) -> Draft:
    """The range: largest less smallest."""
    n = (3, 4, 5, 6, 6)[level - 1]
    top = (20, 50, 99, 99, 200)[level - 1]
    values = [signed(rng, 1, top, chance=0.0 if level < 4 else 0.3) for _ in range(n)]
    low, high = min(values), max(values)
    return Draft(
        f"Find the range of {', '.join(map(str, values))}.",
        high - low,
        (f"{high},{low}", add(high, -low)),
        f"{high}{term(-low)}",
    )


def pooled_mean(rng: Random, level: int) -> Draft:
    """The mean of two groups together."""
    top = (3, 4, 6, 7, 9)[level - 1]
    size = (9, 9, 12, 15, 25)[level - 1]
    n, m = between(rng, 2, top), between(rng, 2, top)
    a, b = between(rng, 2, size), between(rng, 2, size)
    total = n * a + m * b
    return Draft(
        f"{n} values have mean {a} and {m} values have mean {b}. Find the mean of all.",
        Fraction(total, n + m),
        (times(n, a), times(m, b), add(n * a, m * b), add(n, m), over(total, n + m)),
        f"({n}*{a}+{m}*{b})/({n}+{m})",
    )


def draws(rng: Random, level: int) -> Draft:
    """The chance of one colour in one draw (levels 1 and 2) or in two without putting back."""
    top = (6, 12, 5, 7, 9)[level - 1]
    red, blue = between(rng, 2, top), between(rng, 1, top)
    n = red + blue
    if level < 3:
        return Draft(
            f"A bag has {red} red and {blue} blue balls. One is drawn. Find the chance of red.",
            Fraction(red, n),
            (add(red, blue), over(red, n)),
            f"{red}/({red}+{blue})",
        )
    top, bottom = red * (red - 1), n * (n - 1)
    return Draft(
        f"A bag has {red} red and {blue} blue balls. Two are drawn. Find the chance of two red.",
        Fraction(top, bottom),
        (add(red, blue), add(red, -1), add(n, -1), times(red, red - 1), times(n, n - 1), over(top, bottom)),
        f"{red}*{red - 1}/({n}*{n - 1})",
    )


def choices(rng: Random, level: int) -> Draft:
    """How many ways to choose 2 (or, from level 4, 3) out of n, times a second choice at the higher levels."""
    n = between(rng, 4, (9, 12, 9, 7, 9)[level - 1])
    if level < 4:
        pairs = n * (n - 1)
        extra = between(rng, 2, 9) if level == 3 else 1
        steps = [add(n, -1), times(n, n - 1), over(pairs, 2)]
        question = f"In how many ways can 2 of {n} people be chosen"
        if extra == 1:
            return Draft(f"{question}?", comb(n, 2), tuple(steps), f"{n}*{n - 1}/2")
        steps.append(times(comb(n, 2), extra))
        return Draft(
            f"{question} and one of {extra} prizes?", comb(n, 2) * extra, tuple(steps), f"{n}*{n - 1}/2*{extra}"
        )
    extra = between(rng, 2, 9)
    steps = [times(n, n - 1), times(n * (n - 1), n - 2), over(n * (n - 1) * (n - 2), 6), times(comb(n, 3), extra)]
    return Draft(
        f"In how many ways can 3 of {n} people be chosen and one of {extra} prizes?",
        comb(n, 3) * extra,
        tuple(steps),
        f"{n}*{n - 1}*{n - 2}/6*{extra}",
    )


FAMILIES = tuple(
    Family(draw.__name__, "statistics", draw) for draw in (mean, median, spread, pooled_mean, draws, choices)
)
