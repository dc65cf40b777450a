"""Calculus: derivatives, integrals, extrema, limits and motion, on polynomials."""

from fractions import Fraction
from random import Random

from vibethinker.data.families.draft import Draft, Family, add, between, monomial, over, signed, term, times


def derivative(rng: Random, level: int) -> Draft:
    """The slope of a quadratic at a point; of a cubic from level 4."""
    x = between(rng, 1, (5, 7, 9, 4, 6)[level - 1])
    b = signed(rng, 1, (9, 12, 25, 9, 15)[level - 1], chance=0.0 if level == 1 else 0.4)
    if level < 4:
        a = between(rng, 1, (4, 6, 8)[level - 1])
        return Draft(
            f"Let f(x)={monomial(a, 2, first=True)}{monomial(b, 1)}. Find f'({x}).",
            2 * a * x + b,
            (times(2, a), times(2 * a, x), add(2 * a * x, b)),
            f"2*{a}*{x}{term(b)}",
        )
    a = between(rng, 1, (2, 4)[level - 4])
    return Draft(
        f"Let f(x)={monomial(a, 3, first=True)}{monomial(b, 1)}. Find f'({x}).",
        3 * a * x * x + b,
        (times(3, a), times(x, x), times(3 * a, x * x), add(3 * a * x * x, b)),
        f"3*{a}*{x}^2{term(b)}",
    )


def second_derivative(rng: Random, level: int) -> Draft:
    """f'' of a cubic at a point."""
    a = between(rng, 1, (2, 2, 3, 4, 5)[level - 1])
    b = signed(rng, 1, (4, 9, 12, 15, 25)[level - 1], chance=0.0 if level == 1 else 0.4)
    x = between(rng, 1, (4, 5, 6, 8, 9)[level - 1])
    return Draft(
        f"Let f(x)={monomial(a, 3, first=True)}{monomial(b, 2)}. Find f''({x}).",
        6 * a * x + 2 * b,
        (times(6, a), times(6 * a, x), times(2, b), add(6 * a * x, 2 * b)),
        f"6*{a}*{x}{'-' if b < 0 else '+'}2*{abs(b)}",
    )


def integral(rng: Random, level: int) -> Draft:
    """A definite integral of a linear function from 0."""
    a = between(rng, 1, (3, 4, 4, 7, 9)[level - 1]) * (2 if level < 4 else 1)
    b = signed(rng, 1, (5, 7, 9, 9, 12)[level - 1], chance=0.0 if level < 3 else 0.4)
    t = between(rng, 1, (4, 5, 6, 6, 8)[level - 1])
    square = a * t * t
    half = Fraction(square, 2)
    return Draft(
        f"Integrate {monomial(a, 1, first=True)}{term(b)} from x=0 to x={t}.",
        half + b * t,
        (times(t, t), times(a, t * t), over(square, 2), times(b, t), add(half, b * t)),
        f"{a}*{t}^2/2{'-' if b < 0 else '+'}{abs(b)}*{t}",
    )


def extremum(rng: Random, level: int) -> Draft:
    """Where a quadratic is smallest."""
    a = between(rng, 1, (2, 4, 6, 9, 12)[level - 1])
    if level < 4:
        x = between(rng, 1, (6, 9, 12)[level - 1])
        b = 2 * a * x
    else:
        b = between(rng, 3, (40, 90)[level - 4])
    c = signed(rng, 1, 9)
    return Draft(
        f"At which x is {monomial(a, 2, first=True)}{monomial(-b, 1)}{term(c)} smallest?",
        Fraction(b, 2 * a),
        (times(2, a), over(b, 2 * a)),
        f"{b}/(2*{a})",
    )


def limit(rng: Random, level: int) -> Draft:
    """A limit of the form 0/0 that cancels."""
    top = (6, 8, 9, 12, 15)[level - 1]
    a = between(rng, 1, (5, 9, 9, 12, 12)[level - 1])
    b = signed(rng, 1, top, chance=0.0 if level < 3 else 0.4)
    middle = monomial(b - a, 1)
    return Draft(
        f"Find the limit of (x^2{middle}{term(-a * b)})/(x-{a}) at x={a}.",
        a + b,
        (over(a * b, a), add(a, b)),
        f"{a}+{a * b}/{a}" if b > 0 else f"{a}-{-a * b}/{a}",
    )


def motion(rng: Random, level: int) -> Draft:
    """Speed (levels 1 to 3) or distance travelled of a uniformly accelerated body."""
    v = between(rng, 1, (9, 20, 40, 9, 12)[level - 1])
    a = between(rng, 2, (5, 9, 9, 6, 9)[level - 1])
    t = between(rng, 2, (6, 7, 9, 6, 8)[level - 1])
    if level < 4:
        return Draft(
            f"A body moves at speed {v} and accelerates by {a}. Find its speed after {t} seconds.",
            v + a * t,
            (times(a, t), add(v, a * t)),
            f"{v}+{a}*{t}",
        )
    half = Fraction(a * t * t, 2)
    return Draft(
        f"A body moves at speed {v} and accelerates by {a}. How far does it get in {t} seconds?",
        v * t + half,
        (times(v, t), times(t, t), times(a, t * t), over(a * t * t, 2), add(half, v * t)),
        f"{v}*{t}+{a}*{t}^2/2",
    )


FAMILIES = tuple(
    Family(draw.__name__, "calculus", draw)
    for draw in (derivative, second_derivative, integral, extremum, limit, motion)
)
