"""Rational values, exactly, refused before they grow too large."""

from collections.abc import Mapping
from fractions import Fraction
from math import comb, factorial, gcd, isqrt, lcm
from typing import Any

from vibethinker.verify.latex.tree import (
    Add,
    Const,
    Degrees,
    Div,
    Func,
    InBase,
    MalformedError,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Ratio,
    Repeated,
    Root,
    TooLargeError,
    Var,
    walk,
)

MAX_BITS = 2**17
"""Size of a numerator or denominator; the study's bound, reached by 10,000! and 2^131072."""

MAX_TERMS = 1000
"""Terms of a sum or product; ours."""

MAX_TERMS_WITHIN = 10_000
"""Terms of sums within sums, all together; ours: about half a second."""


class NotRational(Exception):  # noqa: N818 - a finding, no failure
    """The value is irrational, or not shown to be rational by exact arithmetic."""


def rational(node: Node, values: Mapping[str, Fraction] | None = None) -> Fraction:
    """Return the exact value of an expression.

    Args:
        node: The expression.
        values: Values of its variables.

    Raises:
        NotRational: If it has other variables, or roots, constants and functions that are no rational numbers.
        MalformedError: If it has no value: a division by zero, the factorial of a negative number.
        TooLargeError: If a numerator or denominator would have more than ``MAX_BITS`` bits.
    """
    return _checked(_value(node, values or {}))


def _value(node: Node, values: Mapping[str, Fraction]) -> Fraction:
    match node:
        case Num():
            return node.value
        case Add():
            total = Fraction(0)
            for term in node.terms:
                total = _checked(total + _value(term, values))
            return total
        case Neg():
            return -_value(node.item, values)
        case Mul():
            product = Fraction(1)
            for factor in node.factors:
                product = _checked(product * _value(factor, values))
            return product
        case Div():
            return _quotient(_value(node.above, values), _value(node.below, values))
        case Pow():
            return _power(_value(node.base, values), _value(node.exponent, values))
        case Root():
            return _root(_value(node.item, values), _value(node.index, values))
        case Percent():
            return _value(node.item, values) / 100
        case Degrees():
            return _value(node.item, values)
        case InBase():
            return Fraction(int(node.digits, node.base)) if _valid(node) else _raise_digits(node)
        case Ratio() if len(node.items) == 2:
            return _quotient(_value(node.items[0], values), _value(node.items[1], values))
        case Func():
            return _function(node, values)
        case Repeated():
            return _repeated(node, values)
        case Var() if node.name in values:
            return values[node.name]
        case Const(name="i") if "i" in values:
            return values["i"]
        case _:
            raise NotRational


def _checked(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise TooLargeError(f"a number of more than {MAX_BITS} bits")
    return value


def _quotient(above: Fraction, below: Fraction) -> Fraction:
    if below == 0:
        raise MalformedError("a division by zero")
    return above / below


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _power(_root(base, Fraction(exponent.denominator)), Fraction(exponent.numerator))
    if base in {0, 1, -1}:
        if base == 0 and exponent <= 0:
            raise MalformedError(f"0 to the power {_shown(exponent)}")
        return base if base >= 0 or exponent % 2 else Fraction(1)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) * (bits - 1) > MAX_BITS:
        raise TooLargeError(f"a power of more than {MAX_BITS} bits")
    return base ** int(exponent)


def _root(value: Fraction, index: Fraction) -> Fraction:
    if index.denominator != 1 or index == 0 or abs(index) > 1000:
        raise NotRational
    order = int(abs(index))
    if value < 0 and order % 2 == 0:
        raise NotRational
    above, below = _whole_root(abs(value.numerator), order), _whole_root(value.denominator, order)
    if above is None or below is None:
        raise NotRational
    root = Fraction(above if value >= 0 else -above, below)
    return root if index > 0 else _quotient(Fraction(1), root)


def _whole_root(value: int, order: int) -> int | None:
    """Return the whole root, if there is one."""
    if value < 2 or order == 1:
        return value
    if order == 2:
        root = isqrt(value)
    elif value.bit_length() <= order:
        return None
    else:
        # Newton's method from above, in whole numbers.
        root = 1 << -(-value.bit_length() // order)
        while True:
            closer = ((order - 1) * root + value // root ** (order - 1)) // order
            if closer >= root:
                break
            root = closer
    return root if root**order == value else None


def _function(node: Func, values: Mapping[str, Fraction]) -> Fraction:
    if node.name in {"det", "log", "sin", "cos", "tan"}:
        raise NotRational
    found = [_value(argument, values) for argument in node.arguments]
    if node.name == "abs":
        return abs(found[0])
    if node.name == "sgn":
        return Fraction((found[0] > 0) - (found[0] < 0))
    if node.name == "floor":
        return Fraction(found[0].__floor__())
    if node.name == "ceil":
        return Fraction(found[0].__ceil__())
    if node.name == "max":
        return max(found)
    if node.name == "min":
        return min(found)
    if node.name in {"factorial", "doublefactorial", "binom", "gcd", "lcm"}:
        if any(value.denominator != 1 for value in found):
            raise NotRational
        return _of_whole_numbers(node.name, [int(value) for value in found])
    raise NotRational


def _of_whole_numbers(name: str, numbers: list[int]) -> Fraction:
    first = numbers[0]
    if name == "gcd":
        return Fraction(gcd(*numbers))
    if name == "lcm":
        return _checked(Fraction(lcm(*numbers)))
    if name == "binom":
        above, below = numbers
        if above < 0 or below < 0:
            raise MalformedError("a binomial coefficient of negative numbers")
        # binom(n, k) <= n^min(k, n-k)
        if min(below, max(above - below, 0)) * above.bit_length() > MAX_BITS:
            raise TooLargeError(f"a binomial coefficient that may have more than {MAX_BITS} bits")
        return Fraction(comb(above, below))
    if first < 0:
        raise MalformedError("the factorial of a negative number")
    if first > 10_000:
        raise TooLargeError(f"a factorial of more than {MAX_BITS} bits")
    if name == "factorial":
        return Fraction(factorial(first))
    product = 1
    for factor in range(first, 1, -2):
        product *= factor
    return Fraction(product)


def check_terms(node: Repeated, last: Any) -> None:  # noqa: ANN401 - a number of either room
    """Refuse a sum or product with ``last`` + 1 terms that is too long by itself or with those inside it.

    Raises:
        TooLargeError: If there are more than ``MAX_TERMS`` terms, or may be more than ``MAX_TERMS_WITHIN`` in all.
    """
    levels = sum(isinstance(part, Repeated) for part in walk(node))
    most = min(MAX_TERMS, int(MAX_TERMS_WITHIN ** (1 / levels)))
    if last >= most:
        raise TooLargeError(f"a sum or product of more than {most} terms")


def _repeated(node: Repeated, values: Mapping[str, Fraction]) -> Fraction:
    low, high = _value(node.low, values), _value(node.high, values)
    if low.denominator != 1 or high.denominator != 1:
        raise NotRational
    check_terms(node, high - low)
    total = Fraction(0 if node.kind == "sum" else 1)
    for index in range(int(low), int(high) + 1):
        term = _value(node.body, {**values, node.index: Fraction(index)})
        total = _checked(total + term if node.kind == "sum" else total * term)
    return total


def _valid(node: InBase) -> bool:
    return all(character.isalnum() and int(character, 36) < node.base for character in node.digits)


def _raise_digits(node: InBase) -> Fraction:
    raise MalformedError(f"{node.digits[:20]} has a digit that base {node.base} does not")


def _shown(value: Fraction) -> str:
    return str(value) if value.numerator.bit_length() < 100 else "so large"
