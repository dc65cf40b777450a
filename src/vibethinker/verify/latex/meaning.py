"""What is meant by an answer as written: names set apart, chains cut to their result, conditions dropped."""

from dataclasses import dataclass, fields, replace
from typing import Any

from vibethinker.verify.latex.tree import (
    Add,
    Apply,
    Braces,
    Div,
    Func,
    Listing,
    Matrix,
    Mul,
    Neg,
    Node,
    NumberSet,
    PlusMinus,
    Ratio,
    Relation,
    Repeated,
    Sequence,
    Var,
    Words,
    walk,
)
from vibethinker.verify.latex.values import free_variables

_EQUATING = frozenset(["=", "approx"])


@dataclass(frozen=True, slots=True)
class Assigned(Node):
    """A value with a name: x = 5, f(n) = 2n, |AB| = 1, x in {1, 2}."""

    name: Node
    value: Node


def meaning(node: Node) -> Node:
    """Return the node with every chain of equations read as a named value, a value or one equation of two sides."""
    match node:
        case Relation(operators=("in",)) if _is_name(node.items[0]) and not isinstance(node.items[1], NumberSet):
            return Assigned(node.items[0], meaning(node.items[1]))
        case Relation() if set(node.operators) <= _EQUATING:
            return _chain(node)
        case Listing():
            return _listing(node)
        case Mul() if _is_condition(node.factors[-1]) and len(node.factors) > 1:
            rest = node.factors[:-1]
            return meaning(rest[0] if len(rest) == 1 else Mul(rest))
        case Mul(factors=(Var() as name, Sequence() as place)) if name.name[0].isupper():
            return Assigned(name, meaning(place))
        case Mul() | Neg() | Div() if (scaled := _scaled(node)) is not None:
            return scaled
        case Add():
            return _added(Add((*map(meaning, node.terms[:-1]), meaning(node.terms[-1]))))
        case Braces() | Sequence():
            return replace(node, items=tuple(meaning(item) for item in node.items))
        case Func(name="det") if len(node.arguments) != 1:
            return node
        case _:
            return node


def _scaled(node: Mul | Neg | Div) -> Node | None:
    """Return a matrix or a vector times a number, entry by entry; None for anything else."""
    match node:
        case Neg(item=Matrix() | Sequence() as body):

            def scale(entry: Node) -> Node:
                return Neg(entry)
        case Div(above=Matrix() | Sequence() as body, below=below):

            def scale(entry: Node) -> Node:
                return Div(entry, below)
        case Mul(factors=(factor, Matrix() | Sequence() as body)):

            def scale(entry: Node) -> Node:
                return Mul((factor, entry))
        case _:
            return None
    if isinstance(body, Matrix):
        return Matrix(tuple(tuple(scale(entry) for entry in row) for row in body.rows))
    return replace(body, items=tuple(scale(item) for item in body.items))


def _added(node: Add) -> Node:
    """Return a sum of matrices or of vectors of one shape, entry by entry; other sums as they are."""
    first = node.terms[0]
    if isinstance(first, Matrix):
        matrices = [term for term in node.terms if isinstance(term, Matrix)]
        if len(matrices) == len(node.terms) and len({(len(one.rows), len(one.rows[0])) for one in matrices}) == 1:
            rows = zip(*(one.rows for one in matrices), strict=True)
            return Matrix(tuple(tuple(Add(entries) for entries in zip(*row, strict=True)) for row in rows))
    if isinstance(first, Sequence):
        vectors = [term for term in node.terms if isinstance(term, Sequence)]
        if len(vectors) == len(node.terms) and len({len(one.items) for one in vectors}) == 1:
            return replace(first, items=tuple(map(Add, zip(*(one.items for one in vectors), strict=True))))
    return node


def integer_parameters(node: Node) -> list[str]:
    """Return the variables that a condition such as "k in Z" beside the answer speaks of."""
    conditions = (part for part in walk(node) if isinstance(part, Relation) and _is_condition(part))
    return [name.name for name in (condition.items[0] for condition in conditions) if isinstance(name, Var)]


def _chain(node: Relation) -> Node:
    """Read a = b = c, and a = b, about c: the last exact member counts, under the first one's name."""
    cut = node.operators.index("approx") + 1 if "approx" in node.operators else len(node.items)
    exact = node.items[:cut]
    if len(exact) == 1 and _is_name(exact[0]):
        return Assigned(exact[0], meaning(node.items[1]))
    first, last = exact[0], exact[-1]
    if len(exact) == 1:
        return meaning(first)
    if _is_name(first):
        return Assigned(first, meaning(last))
    if len(exact) == 2 and _is_name(last) and not free_variables(first):
        return Assigned(last, meaning(first))
    if not any(map(free_variables, exact)):
        return meaning(last)
    return Relation((first, last), ("=",))


def _listing(node: Listing) -> Node:
    """Drop conditions such as "k in Z" beside other items."""
    items = tuple(item for item in node.items if not _is_condition(item))
    if not items:
        return node
    if len(items) == 1:
        return meaning(items[0])
    return Listing(tuple(meaning(item) for item in items), node.joiner)


def _is_condition(node: Node) -> bool:
    return isinstance(node, Relation) and node.operators == ("in",) and isinstance(node.items[1], NumberSet)


def _is_name(node: Node) -> bool:
    """Tell whether a node names a quantity, so that what it is equated with is its value."""
    match node:
        case Var() | Apply() | Words() | Repeated():
            return True
        case Mul():
            return _is_product_of_points(node) or _is_event(node)
        case Div():
            return (_is_name(node.above) and _is_name(node.below)) or _is_derivative(node)
        case Ratio() | Sequence():
            return all(map(_is_name, node.items))
        case Func():
            return node.name not in {"max", "min"} and all(map(_is_name, node.arguments[:1]))
        case _:
            return False


def _is_product_of_points(node: Mul) -> bool:
    """Tell lengths and angles, AB or m angle A, from products of unknowns."""
    names = [factor.name for factor in node.factors if isinstance(factor, Var)]
    return len(names) == len(node.factors) and any(name[0].isupper() or name.startswith("angle") for name in names)


def _is_event(node: Mul) -> bool:
    """Tell P(X = 2) and the like from products."""
    first, *rest = node.factors
    return first in {Var("P"), Var("E")} and len(rest) == 1 and isinstance(rest[0], (Relation, Listing))


def _is_derivative(node: Div) -> bool:
    return all(
        isinstance(side, Mul) and side.factors[0] == Var("d") and len(side.factors) == 2
        for side in (node.above, node.below)
    )


def spelled_out(node: Node) -> list[Node]:
    """Return the values that an expression with plus-minus signs stands for; itself where it has none.

    All signs of one expression go together: ± takes + where ∓ takes -.
    """
    if not any(isinstance(part, PlusMinus) for part in walk(node)):
        return [node]
    return [_signed(node, positive) for positive in (True, False)]


def _signed(node: Node, positive: bool) -> Node:
    if isinstance(node, PlusMinus):
        item = _signed(node.item, positive)
        return item if positive != node.flipped else Neg(item)
    changes: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changes[field.name] = _signed(value, positive)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(_signed(member, positive) for member in value)
        elif isinstance(node, Matrix):
            changes[field.name] = tuple(tuple(_signed(entry, positive) for entry in row) for row in node.rows)
    return replace(node, **changes) if changes else node


def renamed(node: Node, names: dict[str, str]) -> Node:
    """Return the node with variables renamed."""
    if isinstance(node, Var):
        return Var(names.get(node.name, node.name))
    changes: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            changes[field.name] = renamed(value, names)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[field.name] = tuple(renamed(member, names) for member in value)
    return replace(node, **changes) if changes else node
