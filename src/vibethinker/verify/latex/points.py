"""Values of expressions at points, to high precision; refused before they grow too large.

The numbers are mpmath's. Every thread has a context of its own: mpmath's default one is shared and holds the precision.
"""

import hashlib
import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vibethinker.verify.latex.exact import check_terms
from vibethinker.verify.latex.tree import (
    Add,
    Apply,
    Const,
    Degrees,
    Div,
    Func,
    InBase,
    MalformedError,
    Matrix,
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
    UnsupportedError,
    Var,
)

MAX_EXPONENT = 2**17
"""Bits before or after the point of a value: the bound that exact numbers have, as a magnitude."""

MAX_ANGLE_BITS = 256
"""Size of an angle: reducing a larger one by pi would need ever more digits of pi."""

_LOCAL = threading.local()
# Where a value may lie on either side of a branch cut through rounding, its tiny imaginary part is dropped.
_ROUNDING_DIGITS = 15


class Point:
    """Values of variables, and the arithmetic with them at a number of digits."""

    def __init__(self, values: Mapping[str, Fraction], digits: int) -> None:
        """Choose the values of variables and the working precision."""
        self.mp = _context()
        self.digits = digits
        self.values = dict(values)

    def value(self, node: Node) -> Any:  # noqa: ANN401 - mpmath has no types
        """Return the value of an expression, real or complex.

        Raises:
            MalformedError: If it has none: a division by zero, a logarithm of zero.
            UnsupportedError: If it is no expression, or holds what is not evaluated.
            TooLargeError: If a value would have more than ``MAX_EXPONENT`` bits, or a sum too many terms.
        """
        self.mp.dps = self.digits
        try:
            return self._bounded(self._value(node))
        except (ZeroDivisionError, ValueError) as error:
            if isinstance(error, (MalformedError, UnsupportedError, TooLargeError)):
                raise
            raise MalformedError("an expression without a value") from None
        except OverflowError:
            raise TooLargeError("a value too large to be computed") from None

    def _value(self, node: Node) -> Any:  # noqa: ANN401
        mp = self.mp
        match node:
            case Num():
                return mp.mpf(node.value.numerator) / node.value.denominator
            case Const():
                return self._constant(node.name)
            case Var():
                return self._variable(node.name)
            case Add():
                return mp.fsum(self._bounded(self._value(term)) for term in node.terms)
            case Neg():
                return -self._value(node.item)
            case Mul():
                product = mp.mpf(1)
                for factor in node.factors:
                    product = self._bounded(product * self._value(factor))
                return product
            case Div():
                return self._divided(self._value(node.above), self._value(node.below))
            case Pow():
                return self._power(node)
            case Root():
                return self._root(self._value(node.item), self._value(node.index))
            case Percent():
                return self._value(node.item) / 100
            case Degrees():
                return self._value(node.item)
            case InBase():
                return mp.mpf(int(node.digits, node.base))
            case Ratio() if len(node.items) == 2:
                return self._divided(self._value(node.items[0]), self._value(node.items[1]))
            case Func():
                return self._function(node)
            case Apply():
                return self._unknown(node.name, [self._value(argument) for argument in node.arguments])
            case Repeated():
                return self._repeated(node)
            case _:
                raise UnsupportedError(f"{type(node).__name__.lower()} is no number")

    def _constant(self, name: str) -> Any:  # noqa: ANN401
        if name == "i" and "i" in self.values:
            return self._variable("i")
        if name == "infinity":
            raise UnsupportedError("infinity is no number")
        return {"pi": self.mp.pi, "e": self.mp.e, "i": self.mp.j}[name] * self.mp.mpf(1)

    def _variable(self, name: str) -> Any:  # noqa: ANN401
        value = self.values.get(name)
        if value is None:
            raise UnsupportedError(f"the variable {name[:20]} has no value")
        return self.mp.mpf(value.numerator) / value.denominator

    def _bounded(self, value: Any) -> Any:  # noqa: ANN401
        """Return the value; raise where it has none or its magnitude is out of bounds."""
        mp = self.mp
        if not mp.isfinite(value):
            raise MalformedError("an expression without a finite value")
        if value and abs(mp.mag(value)) > MAX_EXPONENT:
            raise TooLargeError(f"a value of more than {MAX_EXPONENT} bits")
        return value

    def _divided(self, above: Any, below: Any) -> Any:  # noqa: ANN401
        if self._is_nothing(below):
            raise MalformedError("a division by zero")
        return self._bounded(above / below)

    def _is_nothing(self, value: Any) -> bool:  # noqa: ANN401
        """Tell whether a value is zero up to rounding."""
        return not value or self.mp.mag(value) < -int(3.3 * (self.digits - _ROUNDING_DIGITS))

    def _power(self, node: Pow) -> Any:  # noqa: ANN401
        base = self._bounded(self._value(node.base))
        exponent = node.exponent
        if isinstance(exponent, Div) and isinstance(exponent.below, Num) and exponent.below.value.denominator == 1:
            # x^(2/3) is the square of the real cube root.
            order = int(exponent.below.value)
            if order % 2 and 1 < order < 1000 and _is_real(base) and base < 0:
                return self._raised(self._root(base, self.mp.mpf(order)), self._value(exponent.above))
        return self._raised(base, self._value(exponent))

    def _raised(self, base: Any, exponent: Any) -> Any:  # noqa: ANN401
        mp = self.mp
        exponent = self._bounded(exponent)
        if self._is_nothing(base):
            if _is_real(exponent) and exponent > 0:
                return mp.mpf(0)
            raise MalformedError("zero to a power that is not positive")
        bits = abs(mp.log(abs(base), 2)) * abs(exponent)
        if bits > MAX_EXPONENT or mp.mag(exponent or 1) > MAX_ANGLE_BITS:
            raise TooLargeError(f"a power of more than {MAX_EXPONENT} bits")
        if _is_real(exponent) and exponent == int(exponent):
            return base ** int(exponent)
        return mp.power(base, exponent)

    def _root(self, value: Any, index: Any) -> Any:  # noqa: ANN401
        mp = self.mp
        if not _is_real(index) or index != int(index) or not 1 <= index <= 1000:
            return self._raised(value, self._divided(mp.mpf(1), index))
        order = int(index)
        if order % 2 and _is_real(value) and value < 0:
            return -mp.root(-value, order)
        return mp.root(value, order)

    def _function(self, node: Func) -> Any:  # noqa: ANN401
        mp, name = self.mp, node.name
        if name == "det":
            return self._determinant(node.arguments[0])
        if name in _ANGLE_FUNCTIONS:
            return self._trigonometric(name, node.arguments[0])
        found = [self._bounded(self._value(argument)) for argument in node.arguments]
        first = found[0]
        if name in {"log", "ln", "lg"}:
            base = 10 if name == "lg" else found[1] if len(found) > 1 else None
            if self._is_nothing(first) or (base is not None and self._is_nothing(base - 1)):
                raise MalformedError("a logarithm without a value")
            return mp.ln(first) if base is None else mp.ln(first) / mp.ln(base)
        if name == "abs":
            return abs(first)
        if name in {"Re", "Im", "conj"}:
            return {"Re": mp.re, "Im": mp.im, "conj": mp.conj}[name](first)
        if name == "cis":
            return mp.cos(first) + mp.j * mp.sin(first)
        if name in _ARC_FUNCTIONS:
            return getattr(mp, _ARC_FUNCTIONS[name])(first)
        if not all(map(_is_real, found)):
            raise UnsupportedError(f"{name} of a complex number")
        if name in {"max", "min"}:
            return max(found) if name == "max" else min(found)
        if name in {"floor", "ceil"}:
            near = mp.nint(first)
            if self._is_nothing(first - near):
                return near
            return mp.floor(first) if name == "floor" else mp.ceil(first)
        if name == "sgn":
            return mp.sign(first)
        return self._of_whole_numbers(name, found)

    def _of_whole_numbers(self, name: str, found: list[Any]) -> Any:  # noqa: ANN401
        mp = self.mp
        if any(abs(value) > 10_000 for value in found):
            raise TooLargeError(f"{name} of a number above 10,000")
        if name == "factorial":
            return mp.gamma(found[0] + 1)
        if name == "binom":
            return mp.binomial(*found)
        if name == "doublefactorial":
            return mp.fac2(found[0])
        raise UnsupportedError(f"{name} of such numbers")

    def _trigonometric(self, name: str, argument: Node) -> Any:  # noqa: ANN401
        mp = self.mp
        angle = self._value(argument)
        if isinstance(argument, Degrees) or (isinstance(argument, Neg) and isinstance(argument.item, Degrees)):
            angle = angle * mp.pi / 180
        if angle and mp.mag(angle) > (MAX_ANGLE_BITS if name in _CIRCULAR else 16):
            raise TooLargeError(f"{name} of so large a number")
        inverse = _RECIPROCALS.get(name)
        if inverse is not None:
            return self._divided(mp.mpf(1), getattr(mp, inverse)(angle))
        if name in {"tan", "cot"}:
            above, below = (mp.sin, mp.cos) if name == "tan" else (mp.cos, mp.sin)
            return self._divided(above(angle), below(angle))
        return getattr(mp, name)(angle)

    def _determinant(self, node: Node) -> Any:  # noqa: ANN401
        if not isinstance(node, Matrix) or len(node.rows) != len(node.rows[0]) or len(node.rows) > 6:
            raise UnsupportedError("a determinant of this size")
        return self.mp.det(self.mp.matrix([[self._value(entry) for entry in row] for row in node.rows]))

    def _repeated(self, node: Repeated) -> Any:  # noqa: ANN401
        mp = self.mp
        low, high = self._value(node.low), self._value(node.high)
        if not (_is_real(low) and _is_real(high) and low == int(low) and high == int(high)):
            raise UnsupportedError("a sum between bounds that are not whole numbers")
        check_terms(node, high - low)
        total = mp.mpf(0 if node.kind == "sum" else 1)
        outer = self.values.get(node.index)
        try:
            for index in range(int(low), int(high) + 1):
                self.values[node.index] = Fraction(index)
                term = self._value(node.body)
                total = self._bounded(total + term if node.kind == "sum" else total * term)
        finally:
            if outer is None:
                self.values.pop(node.index, None)
            else:
                self.values[node.index] = outer
        return total

    def _unknown(self, name: str, arguments: list[Any]) -> Any:  # noqa: ANN401
        """Return a value for an unknown function that only depends on its name and its arguments' values."""
        shown = [self.mp.nstr(argument, 12) for argument in arguments]
        return self.mp.mpf(_between_one_and_two(f"{name}({shown})"))


def _between_one_and_two(text: str) -> float:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=6).digest()
    return 1 + int.from_bytes(digest) / 2**48


def _context() -> Any:  # noqa: ANN401
    """Return this thread's mpmath context; imported here because it costs more than everything else."""
    if not hasattr(_LOCAL, "context"):
        from mpmath.ctx_mp import MPContext

        _LOCAL.context = MPContext()
    return _LOCAL.context


def _is_real(value: Any) -> bool:  # noqa: ANN401
    return not hasattr(value, "_mpc_")


_CIRCULAR = frozenset("sin cos tan cot sec csc".split())
_RECIPROCALS = {"sec": "cos", "csc": "sin", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
_ANGLE_FUNCTIONS = frozenset("sin cos tan cot sec csc sinh cosh tanh coth sech csch".split())
_ARC_FUNCTIONS = {
    f"arc{name}": f"a{name}"
    for name in "sin cos tan cot sec csc sinh cosh tanh".split()
}  # fmt: skip
