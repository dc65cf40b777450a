"""Equations and inequalities as left minus right, up to a constant factor."""

from vibethinker.verify.latex.meaning import spelled_out
from vibethinker.verify.latex.tree import (
    Add,
    MalformedError,
    Neg,
    Node,
    Relation,
    TooLargeError,
    UnsupportedError,
)
from vibethinker.verify.latex.values import agree, free_variables, measured, points

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def turned(operators: tuple[str, ...]) -> tuple[str, ...]:
    """Return a chain's operators as they read from right to left."""
    return tuple(_TURNED.get(operator, operator) for operator in reversed(operators))


def same_inequality(gold: Relation, answer: Relation) -> bool:
    """Compare two single inequalities as left minus right."""
    if len(gold.operators) != 1 or len(answer.operators) != 1:
        return False
    operator, other = gold.operators[0], answer.operators[0]
    if operator == other:
        return proportional(gold, answer, sign=1) or (operator == "!=" and proportional(gold, answer))
    return _TURNED.get(operator) == other and proportional(gold, answer, sign=-1)


def is_equation(node: Node) -> bool:
    """Tell whether a node is one equation of two sides."""
    return isinstance(node, Relation) and node.operators == ("=",)


def proportional(gold: Node, answer: Node, *, sign: int = 0) -> bool:
    """Tell whether left minus right of one relation is a constant times that of the other, of the given sign."""
    if not (isinstance(gold, Relation) and isinstance(answer, Relation)):
        raise UnsupportedError("a relation beside something else")
    first, second = (Add((node.items[0], Neg(node.items[1]))) for node in (gold, answer))
    if sum(len(spelled_out(node)) for node in (first, second)) > 2:
        raise UnsupportedError("equations with plus-minus signs")
    if free_variables(first) != free_variables(second):
        return False
    before = None
    compared = 0
    for values, positive in points(first, second):
        if not positive:
            continue
        try:
            here = measured(first, values), measured(second, values)
        except (MalformedError, TooLargeError):
            continue
        if before is not None:
            left = before[0].combined(here[1], lambda one, other: one * other)
            right = here[0].combined(before[1], lambda one, other: one * other)
            if not agree(left, right) or not here[0].fine or not here[1].fine:
                return False
            ratio = here[0].fine / here[1].fine
            if sign and (hasattr(ratio, "_mpc_") or (ratio > 0) != (sign > 0)):
                return False
            compared += 1
        before = here
    if compared == 0:
        raise MalformedError("an equation without a value at most points")
    return True
