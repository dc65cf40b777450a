"""Geometry: lengths, areas, volumes, angles and distances."""

from fractions import Fraction
from random import Random

from vibethinker.data.families.draft import Draft, Family, add, between, over, signed, term, times


def rectangle(rng: Random, level: int) -> Draft:
    """Perimeter, or the other side when the perimeter is known."""
    top = (9, 15, 30, 60, 120)[level - 1]
    a, b = between(rng, 2, top), between(rng, 2, top)
    if rng.random() < 0.5:
        return Draft(
            f"A rectangle has sides {a} and {b}. Find its perimeter.",
            2 * (a + b),
            (add(a, b), times(2, a + b)),
            f"2*({a}+{b})",
        )
    around = 2 * (a + b)
    return Draft(
        f"A rectangle has perimeter {around} and one side {a}. Find the other side.",
        b,
        (over(around, 2), add(a + b, -a)),
        f"{around}/2-{a}",
    )


def triangle_area(rng: Random, level: int) -> Draft:
    """Half of base times height; a trapezoid from level 4."""
    a = between(rng, 2, (9, 12, 20, 15, 25)[level - 1])
    h = between(rng, 2, (6, 8, 9, 9, 12)[level - 1])
    if level < 4:
        return Draft(
            f"A triangle has base {a} and height {h}. Find its area.",
            Fraction(a * h, 2),
            (times(a, h), over(a * h, 2)),
            f"{a}*{h}/2",
        )
    b = between(rng, 2, 25)
    return Draft(
        f"A trapezoid has parallel sides {a} and {b} and height {h}. Find its area.",
        Fraction((a + b) * h, 2),
        (add(a, b), times(a + b, h), over((a + b) * h, 2)),
        f"({a}+{b})*{h}/2",
    )


def third_angle(rng: Random, level: int) -> Draft:
    """The missing angle of a triangle (levels 1 to 3) or of a quadrilateral."""
    if level <= 3:
        grain = (10, 5, 1)[level - 1]
        a = grain * between(rng, 2, 110 // grain)
        b = grain * between(rng, 2, (170 - a) // grain)
        return Draft(
            f"Two angles of a triangle are {a} and {b} degrees. Find the third.",
            180 - a - b,
            (add(a, b), add(180, -a - b)),
            f"180-{a}-{b}",
        )
    grain = 5 if level == 4 else 1
    a, b, c = (grain * between(rng, 20 // grain, 115 // grain) for _ in range(3))
    return Draft(
        f"Three angles of a quadrilateral are {a}, {b} and {c} degrees. Find the fourth.",
        360 - a - b - c,
        (add(a, b), add(a + b, c), add(360, -a - b - c)),
        f"360-{a}-{b}-{c}",
    )


def hypotenuse_squared(rng: Random, level: int) -> Draft:
    """Pythagoras without the root, or the square of a leg."""
    top = (5, 7, 9, 11, 14)[level - 1]
    a, b = between(rng, 2, top), between(rng, 2, top)
    if level < 4 or rng.random() < 0.5:
        return Draft(
            f"A right triangle has legs {a} and {b}. Find the square of its hypotenuse.",
            a * a + b * b,
            (times(a, a), times(b, b), add(a * a, b * b)),
            f"{a}^2+{b}^2",
        )
    leg, longest = min(a, b), max(a, b) + 1
    return Draft(
        f"A right triangle has a leg {leg} and hypotenuse {longest}. Find the square of the other leg.",
        longest * longest - leg * leg,
        (times(longest, longest), times(leg, leg), add(longest * longest, -leg * leg)),
        f"{longest}^2-{leg}^2",
    )


def box(rng: Random, level: int) -> Draft:
    """The volume of a box; its surface from level 4."""
    top = (4, 6, 9, 5, 8)[level - 1]
    a, b, c = (between(rng, 2, top) for _ in range(3))
    if level < 4:
        return Draft(
            f"A box is {a} by {b} by {c}. Find its volume.",
            a * b * c,
            (times(a, b), times(a * b, c)),
            f"{a}*{b}*{c}",
        )
    ab, bc, ac = a * b, b * c, a * c
    return Draft(
        f"A box is {a} by {b} by {c}. Find its surface.",
        2 * (ab + bc + ac),
        (times(a, b), times(b, c), times(a, c), add(ab, bc), add(ab + bc, ac), times(2, ab + bc + ac)),
        f"2*({a}*{b}+{b}*{c}+{a}*{c})",
    )


def squared_distance(rng: Random, level: int) -> Draft:
    """The square of the distance between two points of the grid."""
    top = (5, 6, 8, 9, 10)[level - 1]
    chance = 0.0 if level < 3 else 0.4
    x1, y1, x2, y2 = (signed(rng, 1, top, chance=chance) for _ in range(4))
    dx, dy = x2 - x1, y2 - y1
    if abs(dx) > 20 or abs(dy) > 20:
        return squared_distance(rng, level)
    return Draft(
        f"Find the squared distance from ({x1},{y1}) to ({x2},{y2}).",
        dx * dx + dy * dy,
        (add(x2, -x1), add(y2, -y1), times(abs(dx), abs(dx)), times(abs(dy), abs(dy)), add(dx * dx, dy * dy)),
        f"({x2}{term(-x1)})^2+({y2}{term(-y1)})^2",
    )


FAMILIES = tuple(
    Family(draw.__name__, "geometry", draw)
    for draw in (rectangle, triangle_area, third_angle, hypotenuse_squared, box, squared_distance)
)
