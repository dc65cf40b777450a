"""Recursive descent over tokens: sums, products, quotients, powers, and what is written beside one another."""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TypeGuard

from vibethinker.verify.latex.lexer import Token
from vibethinker.verify.latex.tree import (
    Add,
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
    PlusMinus,
    Pow,
    TooLargeError,
    Unit,
    UnsupportedError,
    Var,
    Words,
)

MAX_DEPTH = 60
"""Brackets within brackets; more are refused."""

_SIGN_STARTS = frozenset(["(", "[", "{", "|", "lfloor", "lceil"])


class Operators(ABC):
    """Reads sums, products and powers from a list of tokens; what stands between the operators is a subclass's."""

    def __init__(self, tokens: list[Token]) -> None:
        """Start at the first token."""
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        # Whether a | would close rather than open: inside |...| and after the element of a set-builder.
        self.bar_closes = False
        # Whether a [ would close: inside ]a, b[.
        self.square_closes = False

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def is_sign(self, *values: str) -> bool:
        """Tell whether the next token is one of these signs."""
        token = self.tokens[self.at]
        return token.kind == "sign" and token.value in values

    def take_sign(self, *values: str) -> bool:
        """Step over the next token if it is one of these signs."""
        if self.is_sign(*values):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        """Step over this sign.

        Raises:
            MalformedError: If something else stands there.
        """
        if not self.take_sign(value):
            raise MalformedError(f"{value!r} is missing before {self.token.value[:20]!r}")

    @abstractmethod
    def atom(self) -> Node:
        """Read the smallest whole thing: a number, a variable, a command with its arguments, a bracket."""

    @abstractmethod
    def based(self, digits: str) -> Node:
        """Read the base in the subscript of a number."""

    def expression(self) -> Node:
        """Read a sum."""
        terms = [self.signed_term()]
        while self.is_sign("+", "-", "pm", "mp"):
            terms.append(self.signed_term())
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def signed_term(self) -> Node:
        """Read a term with the signs before it."""
        negative, either = False, ""
        while self.is_sign("+", "-", "pm", "mp"):
            sign = self.token.value
            self.at += 1
            if sign == "-":
                negative = not negative
            elif sign != "+":
                if either:
                    raise MalformedError("two plus-minus signs in a row")
                either = sign
        item = self.term()
        if either:
            return PlusMinus(item, flipped=(either == "mp") != negative)
        return Neg(item) if negative else item

    def term(self) -> Node:
        """Read products and quotients from left to right."""
        factors = [self.power()]
        while True:
            if self.take_sign("*"):
                factors.append(self.signed_power())
                if isinstance(factors[-1], Words) or factors[-1] == Unit(getattr(factors[-1], "text", ""), ()):
                    raise MalformedError("a product with words")
            elif self.take_sign("/"):
                factors = [Div(product(factors), self.signed_power())]
            elif self.starts_factor():
                self.implicit_factor(factors)
            else:
                return product(factors)

    def signed_power(self) -> Node:
        """Read a factor that may have a sign, as after an explicit operator."""
        if self.take_sign("-"):
            return Neg(self.power())
        self.take_sign("+")
        return self.power()

    def implicit_factor(self, factors: list[Node]) -> None:
        """Read a factor written beside the ones before it: a mixed number's fraction, a unit, minutes of arc."""
        last, token = factors[-1], self.token
        if token.kind == "num" and isinstance(last, Degrees) and self.tokens[self.at + 1].value == "'":
            factors[-1] = Degrees(Add((last.item, self.arc_minutes())))
        elif isinstance(last, Num) and self.starts_mixed_fraction(last):
            fraction = self.atom()
            if isinstance(fraction, Num):  # 2 1/2, its slash still to come
                self.expect("/")
                fraction = Div(fraction, self.atom())
            factors[-1] = self.postfixed(Add((last, fraction)))
        elif token.kind == "num" and isinstance(last, (Num, InBase)):
            raise MalformedError(f"two numbers side by side: {token.value[:20]!r} after another")
        else:
            item = self.power()
            factors.append(Unit(item.text, ()) if isinstance(item, Words) else item)

    def starts_mixed_fraction(self, whole: Num) -> bool:
        r"""Tell whether a proper fraction of two whole numbers comes next: 2\frac12, 2 1/2."""
        if whole.value.denominator != 1 or whole.places is not None:
            return False
        if self.token.kind == "num":
            slash, below = self.tokens[self.at + 1], self.tokens[self.at + 2]
            return self.token.spaced and slash.value == "/" and below.kind == "num"
        return self.token.value == "frac" and self.proper_fraction_follows()

    def proper_fraction_follows(self) -> bool:
        """Tell whether the fraction that comes next is one of plain whole numbers, below 1."""
        kept = self.at, self.depth, list(self.tokens)
        try:
            fraction = self.atom()
        except (MalformedError, UnsupportedError):
            return False
        finally:
            self.at, self.depth, self.tokens = kept
        if not isinstance(fraction, Div):
            return False
        above, below = fraction.above, fraction.below
        return _is_whole(above) and _is_whole(below) and 0 < above.value < below.value

    def arc_minutes(self) -> Node:
        """Read minutes and seconds of arc after degrees, in degrees."""
        total = Fraction(0)
        for mark, share in (("'", 60), ("''", 3600)):
            number = self.token.number
            marks = [token.value for token in self.tokens[self.at + 1 : self.at + 1 + len(mark)]]
            if number is not None and marks == ["'"] * len(mark):
                total += number.value / share
                self.at += 1 + len(mark)
        return Num(total)

    def starts_factor(self) -> bool:
        """Tell whether the next token begins a factor without an operator before it."""
        token = self.token
        if token.kind == "sign":
            return token.value in _SIGN_STARTS and not (token.value == "|" and self.bar_closes)
        if token.kind == "cmd":
            return token.value in {"frac", "sqrt", "binom", "sum", "prod", "begin"}
        return token.kind in {"num", "var", "const", "func", "text"}

    def power(self) -> Node:
        """Read an atom with what is set behind and above it."""
        return self.postfixed(self.atom())

    def postfixed(self, base: Node) -> Node:
        """Read what is set behind and above an atom that has been read."""
        while self.token.kind == "sign":
            sign = self.token.value
            if sign == "!":
                self.at += 1
                double = self.take_sign("!")
                base = Func("doublefactorial" if double else "factorial", (base,))
            elif sign == "%":
                self.at += 1
                base = Percent(base)
            elif sign == "deg":
                self.at += 1
                base = Degrees(base)
            elif sign == "^":
                self.at += 1
                base = self.raised(base)
            elif sign == "_" and isinstance(base, Num):
                base = self.based(str(base.value))
            else:
                break
        return base

    def raised(self, base: Node) -> Node:
        """Read an exponent, or what is only set like one."""
        group = self.is_sign("{")
        at = self.at + group
        token = self.tokens[at]
        closed = not group or self.tokens[at + 1].value == "}"
        if closed and token.kind == "sign" and token.value in {"deg", "'"}:
            self.at = at + 1 + group
            return Degrees(base) if token.value == "deg" else _primed(base, 1)
        if closed and token.value in {"th", "st", "nd", "rd"}:
            self.at = at + 1 + group
            return base
        if closed and token.value == "T" and isinstance(base, Matrix):
            self.at = at + 1 + group
            return Matrix(tuple(zip(*base.rows, strict=True)))
        if group:
            return Pow(base, self.group())
        if self.take_sign("-"):
            return Pow(base, Neg(self.exponent_atom()))
        return Pow(base, self.exponent_atom())

    def exponent_atom(self) -> Node:
        """Read an exponent without braces: one atom, to which a further exponent belongs."""
        atom = self.atom()
        return Pow(atom, self.exponent_atom()) if self.take_sign("^") else atom

    def group(self) -> Node:
        """Read ``{...}`` with one expression in it."""
        self.expect("{")
        self.enter()
        closes, self.bar_closes = self.bar_closes, False
        item = self.expression()
        self.bar_closes = closes
        self.expect("}")
        self.depth -= 1
        return item

    def enter(self) -> None:
        """Go one bracket deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLargeError(f"an answer with more than {MAX_DEPTH} brackets within brackets")


def product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def _primed(base: Node, primes: int) -> Node:
    if isinstance(base, Var):
        return Var(base.name + "'" * primes)
    raise MalformedError("a prime behind something that is no variable")


def _is_whole(node: Node) -> TypeGuard[Num]:
    return isinstance(node, Num) and node.value.denominator == 1 and node.places is None
