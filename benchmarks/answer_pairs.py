"""Golds and responses as training sees them, for timing: ours to make, half of them wrong, every draw another."""

import math
from collections.abc import Callable, Iterator
from random import Random

Pair = tuple[str, str, bool]
"""A gold, a whole response, and whether it is right."""

_SENTENCES = [
    "Let me set up the conditions first and name what is asked for.",
    "By symmetry we may assume that $a \\le b \\le c$, so the first factor is at least $3$.",
    "Expanding gives $(x+{0})(x-{1}) = x^2 - {2}x - {3}$, and the middle term is what we need.",
    "There are $\\binom{{{0}}}{{2}}$ ways to choose the pair and ${1}!$ ways to arrange the rest.",
    "Modulo ${0}$ the left side is ${1}$, hence $n \\equiv {2} \\pmod{{{0}}}$.",
    "Wait, that counts some of them twice; I have to subtract $\\frac{{{0}}}{{{1}}}$ of the cases.",
    "The power of the point is $PA \\cdot PB = {0} \\cdot {1}$, which gives $PC = \\sqrt{{{2}}}$.",
    "Hmm, for $n = {0}$ this gives {1}, for $n = {2}$ it gives {3}; the pattern holds so far.",
    "So \\[ S = \\sum_{{k=1}}^{{{0}}} k({1}-k) = {2}, \\] as computed above.",
    "That is consistent with the first equation.",
]


def _prose(rng: Random, length: int) -> str:
    parts: list[str] = []
    written = 0
    while written < length:
        sentence = rng.choice(_SENTENCES).format(*(rng.randrange(2, 400) for _ in range(4)))
        parts.append(sentence)
        written += len(sentence) + 1
    return " ".join(parts)


def _closing(rng: Random, answer: str) -> str:
    form = rng.choice(["The answer is $\\boxed{%s}$.", "Therefore, \\[\\boxed{%s}\\]", "**Final answer:** \\boxed{%s}"])
    return form.replace("%s", answer)


def contest_pairs(rng: Random) -> Iterator[Pair]:
    """Yield integers from 0 to 999 behind 300 to 1,000 characters."""
    for gold, answer, right in _integers(rng):
        yield gold, f"{_prose(rng, rng.randrange(300, 1_000))}\n\n{_closing(rng, answer)}", right


def long_pairs(rng: Random) -> Iterator[Pair]:
    """Yield integers behind 20,000 characters of thought, with earlier boxes in it."""
    for gold, answer, right in _integers(rng):
        thought = f"{_prose(rng, 9_500)} So maybe \\boxed{{{rng.randrange(1_000)}}}? No. {_prose(rng, 9_500)}"
        yield gold, f"<think>\n{thought}\n</think>\n\n{_prose(rng, 800)}\n\n{_closing(rng, answer)}", right


def mixed_pairs(rng: Random) -> Iterator[Pair]:
    """Yield fractions, roots, tuples, intervals, sets and expressions behind 300 to 1,000 characters."""
    while True:
        gold, same, other = rng.choice(_FORMS)(rng)
        right = rng.random() < 0.5
        yield gold, f"{_prose(rng, rng.randrange(300, 1_000))}\n\n{_closing(rng, same if right else other)}", right


def _integers(rng: Random) -> Iterator[Pair]:
    while True:
        gold, right = rng.randrange(1_000), rng.random() < 0.5
        answer = gold if right else (gold + rng.randrange(1, 1_000)) % 1_000
        yield str(gold), str(answer), right


def _fraction(rng: Random) -> tuple[str, str, str]:
    above, below, times = rng.randrange(1, 90), rng.randrange(2, 90), rng.choice([1, 1, 2, 3])
    form = rng.choice([r"\dfrac{%d}{%d}", r"\frac{%d}{%d}", "%d/%d"])
    return rf"\frac{{{above}}}{{{below}}}", form % (times * above, times * below), form % (above, below + 1)


def _decimal(rng: Random) -> tuple[str, str, str]:
    hundredths = rng.randrange(101, 9_999, 2)
    shown = f"{hundredths / 100:.2f}"
    return rf"\frac{{{hundredths}}}{{100}}", shown, f"{(hundredths + 1) / 100:.2f}"


def _root(rng: Random) -> tuple[str, str, str]:
    out, inside = rng.randrange(2, 12), rng.choice([2, 3, 5, 6, 7, 10, 11, 13])
    same = rng.choice([rf"{out}\sqrt{{{inside}}}", rf"\sqrt{{{out * out * inside}}}"])
    return rf"{out}\sqrt{{{inside}}}", same, rf"{out}\sqrt{{{inside + 4}}}"


def _surd(rng: Random) -> tuple[str, str, str]:
    a, b, c = rng.randrange(1, 20), rng.choice([2, 3, 5, 7]), rng.randrange(2, 9)
    gold = rf"\frac{{{a}+\sqrt{{{b}}}}}{{{c}}}"
    return gold, rf"\frac{{\sqrt{{{b}}}+{a}}}{{{c}}}", rf"\frac{{{a}-\sqrt{{{b}}}}}{{{c}}}"


def _with_pi(rng: Random) -> tuple[str, str, str]:
    above, below = rng.randrange(1, 30), rng.randrange(2, 12)
    return (
        rf"\frac{{{above}\pi}}{{{below}}}",
        rf"\frac{{{above}}}{{{below}}}\pi",
        rf"\frac{{{above}\pi}}{{{below + 1}}}",
    )


def _point(rng: Random) -> tuple[str, str, str]:
    x, y, z = (rng.randrange(-20, 20) for _ in range(3))
    return f"({x},{y},{z})", rf"\left({x}, {y}, {z}\right)", f"({x},{y},{z + 1})"


def _interval(rng: Random) -> tuple[str, str, str]:
    low, width = rng.randrange(-9, 9), rng.randrange(1, 9)
    gold = rf"(-\infty,{low})\cup[{low + width},\infty)"
    return gold, rf"(-\infty, {low}) \cup [{low + width}, \infty)", rf"(-\infty,{low}]\cup[{low + width},\infty)"


def _roots_listed(rng: Random) -> tuple[str, str, str]:
    first, second, third = rng.sample(range(-30, 30), 3)
    return f"{first},{second},{third}", f"{third}, {first}, {second}", f"{third}, {first}, {second + 31}"


def _polynomial(rng: Random) -> tuple[str, str, str]:
    a, b = rng.randrange(1, 15), rng.randrange(1, 15)
    gold = f"x^2+{a + b}x+{a * b}"
    return gold, rng.choice([f"(x+{a})(x+{b})", f"{a * b}+{a + b}x+x^2"]), f"x^2+{a + b}x+{a * b + 1}"


def _expression(rng: Random) -> tuple[str, str, str]:
    a, b = rng.randrange(2, 9), rng.randrange(2, 9)
    return rf"\frac{{{a}n}}{{n+{b}}}", rf"\frac{{{a * 2}n}}{{2n+{2 * b}}}", rf"\frac{{{a}n}}{{n+{b + 1}}}"


def _equation(rng: Random) -> tuple[str, str, str]:
    a, b = rng.randrange(2, 9), rng.randrange(1, 20)
    return f"y={a}x+{b}", f"y = {b} + {a}x", f"y={a}x-{b}"


def _power(rng: Random) -> tuple[str, str, str]:
    base, exponent = rng.randrange(2, 7), rng.randrange(3, 9)
    return f"{base}^{{{exponent}}}", str(base**exponent), str(base**exponent - 1)


def _large(rng: Random) -> tuple[str, str, str]:
    number = rng.randrange(10_000, 9_999_999)
    return str(number), f"{number:,}".replace(",", rng.choice([",", "{,}"])), f"{number + 9}"


def _binomial(rng: Random) -> tuple[str, str, str]:
    n, k = rng.randrange(6, 14), rng.randrange(2, 5)
    return rf"\binom{{{n}}}{{{k}}}", str(math.comb(n, k)), str(math.comb(n, k) + 1)


def _money(rng: Random) -> tuple[str, str, str]:
    price = rng.randrange(2, 900)
    return str(price), rf"\${price}", rf"\${price + 1}"


def _angle(rng: Random) -> tuple[str, str, str]:
    degrees = rng.randrange(1, 180)
    return rf"{degrees}^\circ", rng.choice([str(degrees), rf"{degrees}^{{\circ}}"]), rf"{degrees + 1}^\circ"


def _matrix(rng: Random) -> tuple[str, str, str]:
    a, b, c, d = (rng.randrange(-9, 10) for _ in range(4))
    gold = rf"\begin{{pmatrix}}{a}&{b}\\{c}&{d}\end{{pmatrix}}"
    return (
        gold,
        rf"\begin{{pmatrix}} {a} & {b} \\ {c} & {d} \end{{pmatrix}}",
        gold.replace(f"{d}\\end", f"{d + 1}\\end"),
    )


def _choice(rng: Random) -> tuple[str, str, str]:
    letter = rng.choice("ABCDE")
    return rf"\text{{({letter})}}", letter, "F"


_FORMS: list[Callable[[Random], tuple[str, str, str]]] = [
    *(_fraction, _fraction, _decimal, _root, _root, _surd, _with_pi, _point, _interval, _roots_listed, _polynomial),
    *(_expression, _equation, _power, _large, _binomial, _money, _angle, _matrix, _choice),
]

SPEED_SETS: dict[str, Callable[[Random], Iterator[Pair]]] = {
    "AIME-like": contest_pairs,
    "mixed answers": mixed_pairs,
    "20,000 characters": long_pairs,
}
