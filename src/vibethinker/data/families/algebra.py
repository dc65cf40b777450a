"""Algebra: linear equations, systems, polynomials, roots and sequences."""

from fractions import Fraction
from random import Random

from vibethinker.data.families.draft import Draft, Family, add, between, monomial, over, signed, term, times


def linear(rng: Random, level: int) -> Draft:
    """``ax+b=c``; from level 4 with x on both sides."""
    a = between(rng, 2, (5, 9, 9, 9, 12)[level - 1])
    x = between(rng, 1, (9, 12, 15, 20, 30)[level - 1])
    if level >= 3:
        x = signed(rng, 1, x, chance=0.3)
    b = signed(rng, 1, (9, 20, 40, 40, 60)[level - 1], chance=0.0 if level == 1 else 0.5)
    right = a * x + b
    steps = (add(right, -b), over(right - b, a))
    if level < 4:
        return Draft(f"Solve {a}x{term(b)}={right} for x.", x, steps, f"({right}{term(-b)})/{a}")
    c = between(rng, 1, 9)
    question = f"Solve {monomial(a + c, 1, first=True)}{term(b)}={monomial(c, 1, first=True)}{term(right)} for x."
    return Draft(question, x, (add(a + c, -c), *steps), f"({right}{term(-b)})/({a + c}-{c})")


def system(rng: Random, level: int) -> Draft:
    """Sum and difference of two numbers are known; find the larger or the smaller one."""
    x = between(rng, 2, (9, 15, 30, 50, 90)[level - 1])
    y = between(rng, 1, x - 1) if level < 4 else signed(rng, 1, x - 1)
    total, gap = x + y, x - y
    if rng.random() < 0.5:
        return Draft(
            f"x+y={total} and x-y={gap}. Find x.", x, (add(total, gap), over(2 * x, 2)), f"({total}{term(gap)})/2"
        )
    return Draft(
        f"x+y={total} and x-y={gap}. Find y.", y, (add(total, -gap), over(2 * y, 2)), f"({total}{term(-gap)})/2"
    )


def polynomial(rng: Random, level: int) -> Draft:
    """The value of a polynomial of degree 1 (level 1) or 2 at a point."""
    x = between(rng, 2, (9, 5, 7, 9, 11)[level - 1])
    b = signed(rng, 1, (9, 5, 7, 9, 12)[level - 1], chance=0.4)
    if level == 1:
        c = between(rng, 1, 9)
        b = abs(b) + 1
        return Draft(
            f"Let f(x)={monomial(b, 1, first=True)}{term(c)}. Find f({x}).",
            b * x + c,
            (times(b, x), add(b * x, c)),
            f"{b}*{x}{term(c)}",
        )
    a = between(rng, 2, (3, 4, 5, 7)[level - 2])
    c = signed(rng, 1, 20) if level >= 4 else 0
    square = a * x * x
    steps = [times(x, x), times(a, x * x), times(abs(b), x), add(square, b * x)]
    if c:
        steps.append(add(square + b * x, c))
    question = f"Let f(x)={monomial(a, 2, first=True)}{monomial(b, 1)}{term(c)}. Find f({x})."
    sign = "-" if b < 0 else "+"
    return Draft(question, square + b * x + c, tuple(steps), f"{a}*{x}^2{sign}{abs(b)}*{x}{term(c)}")


def roots(rng: Random, level: int) -> Draft:
    """Vieta: the sum of the squares of a quadratic's roots."""
    top = (4, 5, 7, 9, 12)[level - 1]
    p, q = signed(rng, 1, top, chance=0.3), signed(rng, 1, top, chance=0.3)
    total, product = p + q, p * q
    question = f"Find the sum of the squares of the roots of x^2{monomial(-total, 1)}{term(product)}=0."
    steps = (
        times(abs(total), abs(total)),
        times(2, product),
        add(total * total, -2 * product),
    )
    return Draft(question, p * p + q * q, steps, f"{abs(total)}^2-2*{product}")


def arithmetic_sequence(rng: Random, level: int) -> Draft:
    """The n-th term of an arithmetic sequence; from level 4 the sum of the first n terms."""
    first = signed(rng, 1, (9, 15, 25, 9, 15)[level - 1], chance=0.0 if level == 1 else 0.3)
    step = signed(rng, 2, (5, 9, 12, 6, 9)[level - 1], chance=0.0 if level < 3 else 0.3)
    n = between(rng, 3, (7, 9, 12, 6, 8)[level - 1])
    last = first + (n - 1) * step
    steps: tuple[str, ...] = (add(n, -1), times(n - 1, step), add(first, (n - 1) * step))
    opening = f"An arithmetic sequence starts at {first} and goes up by {step}. "
    if level < 4:
        return Draft(f"{opening}Find term {n}.", last, steps, f"{first}+{n - 1}*{step}")
    total = Fraction(n * (first + last), 2)
    steps = (*steps, add(first, last), times(n, first + last), over(n * (first + last), 2))
    return Draft(f"{opening}Find the sum of {n} terms.", total, steps, f"{n}*({first}{term(last)})/2")


def geometric_sequence(rng: Random, level: int) -> Draft:
    """A later term of a geometric sequence, by repeated multiplication."""
    ratio = signed(rng, 2, (2, 3, 3, 4, 5)[level - 1], chance=0.0 if level < 4 else 0.3)
    first = between(rng, 2, (12, 15, 12, 9, 9)[level - 1])
    n = between(rng, 3, (4, 4, 4, 4, 5)[level - 1])
    steps, value = [], first
    for _ in range(n - 1):
        steps.append(times(value, ratio))
        value *= ratio
    return Draft(
        f"A geometric sequence starts at {first} with ratio {ratio}. Find term {n}.",
        value,
        tuple(steps),
        f"{first}*{ratio if ratio > 0 else f'({ratio})'}^{n - 1}",
    )


FAMILIES = tuple(
    Family(draw.__name__, "algebra", draw)
    for draw in (linear, system, polynomial, roots, arithmetic_sequence, geometric_sequence)
)
