"""The typed tree of an answer: what the parser builds and the comparison reads.

Expressions stand for numbers, possibly of variables; everything else (tuples, sets, intervals, matrices, relations,
text) is structure around expressions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


class AnswerError(ValueError):
    """An answer that the fast path does not decide on; the message is one line for a person."""


class MalformedError(AnswerError):
    """No answer in mathematical notation: broken LaTeX, or a value that does not exist, such as 1/0."""


class UnsupportedError(AnswerError):
    """Notation beyond the fast path, such as an integral."""


class TooLargeError(AnswerError):
    """Refused before it is computed."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an answer."""


@dataclass(frozen=True, slots=True)
class Num(Node):
    """A number as written.

    Attributes:
        value: The number.
        places: Digits after the decimal point as written; None for a whole number, a repeating decimal and the like.
        digits: Significant digits as written, leading zeros left out.
    """

    value: Fraction
    places: int | None = None
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Const(Node):
    """``pi``, ``e``, ``i`` or ``infinity``."""

    name: str


@dataclass(frozen=True, slots=True)
class Var(Node):
    """A variable, with its subscript and primes in its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Unit(Node):
    """A unit or other text beside a number; ``power`` of each known unit, empty where none is known."""

    text: str
    powers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Add(Node):
    """A sum; a difference is a sum with a ``Neg``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Neg(Node):
    """The opposite."""

    item: Node


@dataclass(frozen=True, slots=True)
class PlusMinus(Node):
    """``±item`` or ``∓item``: two values."""

    item: Node
    flipped: bool


@dataclass(frozen=True, slots=True)
class Mul(Node):
    """A product."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Div(Node):
    """A quotient."""

    above: Node
    below: Node


@dataclass(frozen=True, slots=True)
class Pow(Node):
    """A power."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Root(Node):
    """The ``index``-th root; of a negative number the real one where ``index`` is odd."""

    index: Node
    item: Node


@dataclass(frozen=True, slots=True)
class Func(Node):
    """A known function, ``sin`` or ``log`` with its base as second argument."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """An unknown function of arguments: f(x), or a sequence's member a_{n+1}."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeated(Node):
    """A finite sum or product over ``index`` from ``low`` to ``high``."""

    kind: str
    index: str
    low: Node
    high: Node
    body: Node


@dataclass(frozen=True, slots=True)
class Percent(Node):
    """A hundredth of ``item``."""

    item: Node


@dataclass(frozen=True, slots=True)
class Degrees(Node):
    """``item`` degrees: a unit beside a number, pi/180 inside a function."""

    item: Node


@dataclass(frozen=True, slots=True)
class InBase(Node):
    """Digits with a base: 204_5."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Ratio(Node):
    """a:b or a:b:c."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """Items in brackets: a tuple, an interval, a vector; ``(`` and ``)`` or ``[`` and ``]`` in any mixture."""

    opening: str
    closing: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Listing(Node):
    """Items side by side without brackets; ``joiner`` is ``,``, ``and`` or ``or``."""

    items: tuple[Node, ...]
    joiner: str = ","


@dataclass(frozen=True, slots=True)
class Braces(Node):
    """A set of items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NumberSet(Node):
    """A named set of numbers: R, Z, N, Q, C, or ``empty``."""

    name: str


@dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """``cup``, ``cap`` or ``setminus`` of sets."""

    kind: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """Rows of entries."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation(Node):
    """A chain such as ``a = b < c``; one operator between every two items: = != < <= > >= in approx."""

    items: tuple[Node, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Congruence(Node):
    """``name`` congruent to ``residue`` modulo ``modulus``; ``name`` is None where only the residue stands."""

    name: Node | None
    residue: Node
    modulus: Node


@dataclass(frozen=True, slots=True)
class Words(Node):
    """A text answer, normalised."""

    text: str


@dataclass(frozen=True, slots=True)
class Dots(Node):
    """An ellipsis among items."""


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if type(current) not in _LEAVES:
            slots: tuple[str, ...] = current.__slots__
            for name in slots:
                _add_nodes(getattr(current, name), pending)


_LEAVES = frozenset([Num, Const, Var, Unit, InBase, NumberSet, Words, Dots])


def _add_nodes(value: object, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, tuple):
        for member in value:
            _add_nodes(member, found)
