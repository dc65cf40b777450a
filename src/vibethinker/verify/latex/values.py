"""Equality of two expressions: exactly where both are rational, else at points to high precision."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from vibethinker.verify.latex.exact import NotRational, rational
from vibethinker.verify.latex.points import Point
from vibethinker.verify.latex.tree import (
    Const,
    Func,
    MalformedError,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Repeated,
    TooLargeError,
    Var,
    walk,
)

COARSE_DIGITS, FINE_DIGITS = 60, 160
"""Working digits: the first show by how much rounding falsifies the second. Ours."""

_MIN_DIGITS = 3
# Two values are the same where they agree to 130 of the fine digits, or differ by less than rounding explains: the
# noise of the coarse digits, less the digits by which the fine ones are better, with ten digits left as a margin.
_AGREEING_DIGITS = 130
_FINER = 10.0 ** (10 - (FINE_DIGITS - COARSE_DIGITS))
_MIN_POINTS = 2
# Points for expressions with steps and kinks; ours: 1 to 40 holds six squares and six powers of two.
_MANY_POINTS = 40
# Beyond it a rational number is refused beside an irrational one: its digits alone would take seconds.
_MAX_DIGITS = 3000
_MAX_CONSTANT = 10**9
_STEPPED = frozenset(["floor", "ceil", "gcd", "lcm"])
_KINKED = frozenset(["abs", "max", "min", "sgn"])
_WHOLE_NUMBER_FUNCTIONS = frozenset("factorial doublefactorial binom gcd lcm".split())
# Letters that stand for whole numbers where a floor or ceiling is taken of them.
_WHOLE_NUMBER_NAMES = frozenset("ijklmnpqrstKLMN")


def same_number(gold: Node, answer: Node) -> bool:
    """Tell whether two expressions have the same value, as functions of the variables in them.

    Variables run over positive numbers, and over negative ones where both expressions are real there: sqrt(1/n) is
    1/sqrt(n), but sqrt(x^2) is not x.

    Raises:
        MalformedError: If one has no value.
        UnsupportedError: If one is no expression.
        TooLargeError: If one is refused.
    """
    infinite = _infinity(gold), _infinity(answer)
    if infinite != (0, 0):
        return infinite[0] == infinite[1]
    names = sorted(free_variables(gold) | free_variables(answer))
    if not names:
        return _same_at(gold, answer, {})
    agreed = 0
    for values, positive in points(gold, answer):
        try:
            if not _same_at(gold, answer, values, only_real=not positive):
                return False
        except (MalformedError, TooLargeError):
            if positive and agreed == 0:
                # Where the first point is no accident, no point has a value.
                _same_at(gold, answer, {name: value + Fraction(1, 7) for name, value in values.items()})
            continue
        agreed += 1
    if agreed < _MIN_POINTS:
        raise MalformedError("an expression without a value at most points")
    return True


def as_decimal(node: Node) -> tuple[Fraction, Fraction] | None:
    """Return value and half a unit in the last place of a decimal of three or more digits; None for other nodes.

    A power of ten may follow it: 6.02 * 10^23.
    """
    if isinstance(node, Neg):
        found = as_decimal(node.item)
        return None if found is None else (-found[0], found[1])
    if isinstance(node, Mul) and len(node.factors) == 2 and isinstance(node.factors[1], Pow):
        power = node.factors[1]
        found = as_decimal(node.factors[0])
        if found is None or not (isinstance(power.base, Num) and power.base.value == 10):
            return None
        scale = rational(power)
        return found[0] * scale, found[1] * scale
    if isinstance(node, Num) and node.places is not None and node.digits >= _MIN_DIGITS:
        return node.value, Fraction(10) ** -node.places / 2
    return None


def rounds_to(decimal: tuple[Fraction, Fraction], answer: Node) -> bool:
    """Tell whether an answer's value, rounded half away from zero, is a decimal as shown.

    Raises:
        MalformedError, UnsupportedError, TooLargeError: As ``same_number``.
    """
    shown, half = decimal
    try:
        value = rational(answer)
    except NotRational:
        found = Point({}, FINE_DIGITS).value(answer)
        if hasattr(found, "_mpc_"):
            return False
        sign, mantissa, exponent, _ = found._mpf_
        value = Fraction(int(mantissa)) * Fraction(2) ** exponent * (-1 if sign else 1)
    difference = value - shown
    return -half <= difference < half if shown >= 0 else -half < difference <= half


def free_variables(node: Node) -> set[str]:
    """Return the names of the variables in a tree, those of sums left out."""
    if isinstance(node, Var):
        return {node.name}
    bound = {part.index for part in walk(node) if isinstance(part, Repeated)}
    return {part.name for part in walk(node) if isinstance(part, Var)} - bound


def needs_whole_numbers(node: Node) -> bool:
    """Tell whether variables must be whole numbers for a tree to have the value that is meant."""
    for part in walk(node):
        if isinstance(part, Repeated) or (isinstance(part, Func) and part.name in _WHOLE_NUMBER_FUNCTIONS):
            return True
        if isinstance(part, Func) and part.name in {"floor", "ceil"} and free_variables(part) <= _WHOLE_NUMBER_NAMES:
            return True
        if isinstance(part, Pow) and free_variables(part.exponent) and _is_negative_number(part.base):
            return True
    return False


def points(*nodes: Node) -> Iterator[tuple[dict[str, Fraction], bool]]:
    """Yield values for the variables in trees, and whether all are positive; the same ones for the same trees.

    Where a tree has steps or kinks (floor, gcd, absolute values), there are many points, around its constants too:
    between them two different expressions may agree.
    """
    names = sorted(set().union(*map(free_variables, nodes)))
    parts = [part for node in nodes for part in walk(node)]
    random = Random("\n".join(names))  # noqa: S311 - no secret
    functions = {part.name for part in parts if isinstance(part, Func)}
    constants = _constants(parts) if functions & (_STEPPED | _KINKED) else []
    if any(map(needs_whole_numbers, nodes)):
        yield from ((values, True) for values in _whole_points(names, random, functions, constants))
        return
    # Small ones first: towers of functions grow out of bounds soon.
    yield {name: Fraction(random.randint(200, 990), 997) for name in names}, True
    for highest in (3, 3, 12, 150, 4000):
        yield {name: Fraction(random.randint(1000, 997 * highest + 1000), 997) for name in names}, True
    for _ in range(2):
        yield {name: Fraction(random.randint(-5000, -500), 997) for name in names}, False
    if functions & _KINKED:
        reach = int(997 * (max(constants, default=Fraction(0)) + 2))
        for _ in range(_MANY_POINTS):
            yield {name: Fraction(random.randint(-reach, reach), 997) for name in names}, False


def _constants(parts: list[Node]) -> list[Fraction]:
    """Return the sizes of the rational numbers among parts of trees, powers and the like computed."""
    found = set()
    for part in parts:
        with suppress(NotRational, MalformedError, TooLargeError):
            found.add(abs(rational(part)))
    return sorted(value for value in found if value < _MAX_CONSTANT)


def _whole_points(
    names: list[str], random: Random, functions: set[str], constants: list[Fraction]
) -> Iterator[dict[str, Fraction]]:
    for low, high in ((2, 10), (2, 10), (2, 10), (11, 99), (1000, 5000)):
        chosen = random.sample(range(low, high + len(names)), len(names))
        yield dict(zip(names, map(Fraction, chosen), strict=True))
    if not functions & (_STEPPED | _KINKED):
        return
    if len(names) > 1:
        for _ in range(2 * _MANY_POINTS):
            yield {name: Fraction(random.randint(1, 12)) for name in names}
        return
    near = {value * times + offset for value in constants for times in (1, 2) for offset in (-1, 0, 1)}
    wanted = {*range(1, _MANY_POINTS + 1), *(value for value in near if value > 0 and value.denominator == 1)}
    for value in sorted(wanted):
        yield {names[0]: Fraction(value)}


def _same_at(gold: Node, answer: Node, values: Mapping[str, Fraction], *, only_real: bool = False) -> bool:
    try:
        return rational(gold, values) == rational(answer, values)
    except NotRational:
        pass
    more = _digits(gold, values) + _digits(answer, values)
    if more > _MAX_DIGITS:
        raise TooLargeError("a number too long to be told from an irrational one")
    first, second = measured(gold, values, more=more), measured(answer, values, more=more)
    if only_real and (hasattr(first.fine, "_mpc_") or hasattr(second.fine, "_mpc_")):
        return True
    return agree(first, second)


@dataclass(frozen=True)
class Measured:
    """A value to the fine digits, and by how much the coarse digits were off."""

    fine: Any
    noise: Any
    more: int = 0

    def combined(self, other: "Measured", operation: Callable[[Any, Any], Any]) -> "Measured":
        """Return the product or the like of two values, its noise from theirs."""
        noise = self.noise * abs(other.fine) + other.noise * abs(self.fine)
        return Measured(operation(self.fine, other.fine), noise)


def _digits(node: Node, values: Mapping[str, Fraction]) -> int:
    """Return the digits of a rational number beyond those that are always computed; 0 for an irrational one."""
    try:
        value = rational(node, values)
    except NotRational:
        return 0
    bits = value.numerator.bit_length() + value.denominator.bit_length()
    return max(0, int(bits / 3.3) - COARSE_DIGITS)


def measured(node: Node, values: Mapping[str, Fraction], *, more: int = 0) -> Measured:
    """Return an expression's value at a point with a measure of its rounding, computed to ``more`` digits than usual.

    Raises:
        MalformedError, UnsupportedError, TooLargeError: As ``Point.value``.
    """
    coarse = Point(values, COARSE_DIGITS + more).value(node)
    fine = Point(values, FINE_DIGITS + more).value(node)
    return Measured(fine, abs(coarse - fine), more)


def agree(first: Measured, second: Measured) -> bool:
    """Tell whether two values are the same up to rounding."""
    difference = abs(first.fine - second.fine)
    largest = max(abs(first.fine), abs(second.fine))
    rounding = (first.noise + second.noise) * _FINER
    small = first.fine.context.mpf(10) ** -(_AGREEING_DIGITS + min(first.more, second.more))
    return bool(difference <= largest * small or difference <= rounding)


def _infinity(node: Node) -> int:
    """Return 1 or -1 for an infinite value as written, else 0."""
    if isinstance(node, Neg):
        return -_infinity(node.item)
    return int(isinstance(node, Const) and node.name == "infinity")


def _is_negative_number(node: Node) -> bool:
    try:
        return rational(node) < 0
    except (NotRational, MalformedError, TooLargeError):
        return False
