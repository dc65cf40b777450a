"""Sets of real numbers as disjoint intervals, from interval notation, unions, inequalities and set differences."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from vibethinker.verify.latex.exact import NotRational, rational
from vibethinker.verify.latex.meaning import Assigned
from vibethinker.verify.latex.points import Point
from vibethinker.verify.latex.tree import (
    Add,
    Braces,
    Const,
    Func,
    Listing,
    MalformedError,
    Neg,
    Node,
    Num,
    NumberSet,
    Relation,
    Sequence,
    SetOperation,
    UnsupportedError,
    Var,
)
from vibethinker.verify.latex.values import free_variables, same_number

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_INFINITY = Const("infinity")


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``; an end belongs to it where it is closed."""

    low: Node
    low_closed: bool
    high: Node
    high_closed: bool


@dataclass(frozen=True)
class Region:
    """A set of real numbers, and the variable that lies in it, where one is named."""

    intervals: tuple[Interval, ...]
    name: str | None = None


_ALL = Interval(Neg(_INFINITY), False, _INFINITY, False)


def is_region(node: Node) -> bool:
    """Tell whether a node can only be meant as a set of real numbers, whatever it is compared with."""
    match node:
        case Relation():
            return any(operator == "in" or (operator in _TURNED and operator != "=") for operator in node.operators)
        case SetOperation() | NumberSet():
            return True
        case Sequence():
            return len(node.items) == 2 and (node.opening == "[" or node.closing == "]" or _is_unbounded(node))
        case Listing():
            return any(is_region(item) for item in node.items)
        case _:
            return False


def region(node: Node) -> Region | None:
    """Return the set that a node describes; None where it describes none in one variable with numbers as ends.

    Raises:
        MalformedError, UnsupportedError, TooLargeError: If an end has no value, or is refused.
    """
    match node:
        case Sequence() if len(node.items) == 2:
            interval = Interval(node.items[0], node.opening == "[", node.items[1], node.closing == "]")
            if not any(map(free_variables, node.items)) and _is_empty(interval):
                return None  # the point (3, -4) is no empty interval
            return _simplified([interval])
        case Braces():
            if any(free_variables(item) for item in node.items):
                return None
            return _simplified([Interval(item, True, item, True) for item in node.items])
        case NumberSet(name="R"):
            return Region((_ALL,))
        case NumberSet(name="empty"):
            return Region(())
        case Assigned(name=Var() as name, value=value) if not free_variables(value):
            return Region((Interval(value, True, value, True),), name.name)
        case Relation():
            return _chain(node)
        case SetOperation():
            return _operation(node)
        case Listing():
            return _listing(node)
        case Add(terms=(NumberSet() as first, Neg(item=Braces() as second))):
            return _operation(SetOperation("setminus", (first, second)))
        case _:
            return None


def same_region(first: Region, second: Region) -> bool:
    """Tell whether two sets are the same."""
    if first.name and second.name and first.name != second.name:
        return False
    if len(first.intervals) != len(second.intervals):
        return False
    return all(
        one.low_closed == other.low_closed
        and one.high_closed == other.high_closed
        and same_number(one.low, other.low)
        and same_number(one.high, other.high)
        for one, other in zip(first.intervals, second.intervals, strict=True)
    )


def _listing(node: Listing) -> Region | None:
    """Read several conditions: joined by "and" their intersection, by "or" their union, by commas what is not empty."""
    found = [region(item) for item in node.items]
    parts = [part for part in found if part is not None]
    if len(parts) != len(found) or len({part.name for part in parts}) != 1:
        return None
    name = parts[0].name
    if node.joiner != "or":
        common = parts[0].intervals
        for part in parts[1:]:
            common = _intersection(common, part.intervals)
        if common or node.joiner == "and":
            return Region(common, name)
    return Region(_united([interval for part in parts for interval in part.intervals]), name)


def _operation(node: SetOperation) -> Region | None:
    parts = [region(item) for item in node.items]
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    intervals = known[0].intervals
    for part in known[1:]:
        if node.kind == "cup":
            intervals = _united([*intervals, *part.intervals])
        elif node.kind == "cap":
            intervals = _intersection(intervals, part.intervals)
        else:
            intervals = _intersection(intervals, _complement(part.intervals))
    return Region(intervals)


def _chain(node: Relation) -> Region | None:
    """Read a chain of inequalities in one variable."""
    if node.operators == ("in",) and isinstance(node.items[0], Var):
        found = region(node.items[1])
        return None if found is None else Region(found.intervals, node.items[0].name)
    names = set().union(*map(free_variables, node.items))
    if len(names) != 1 or not all(operator in _TURNED for operator in node.operators):
        return None
    name = names.pop()
    intervals: tuple[Interval, ...] = (_ALL,)
    for left, operator, right in zip(node.items, node.operators, node.items[1:], strict=False):
        part = _solved(name, left, operator, right)
        if part is None:
            return None
        intervals = _intersection(intervals, part)
    return Region(intervals, name)


def _solved(name: str, left: Node, operator: str, right: Node) -> tuple[Interval, ...] | None:
    """Solve one relation for the variable, where it is linear in it or in its absolute value."""
    if free_variables(left) and free_variables(right):
        return _linear(name, Add((left, Neg(right))), operator)
    if free_variables(right):
        left, operator, right = right, _TURNED[operator], left
    if isinstance(left, Var):
        return _beyond(operator, right)
    if isinstance(left, Func) and left.name == "abs":
        outside = operator in {">", ">=", "!="}
        above = _solved(name, left.arguments[0], operator, right)
        below = _solved(name, left.arguments[0], _TURNED[operator], Neg(right))
        if above is None or below is None:
            return None
        return _united([*above, *below]) if outside or operator == "=" else _intersection(above, below)
    return _linear(name, Add((left, Neg(right))), operator)


def _linear(name: str, difference: Node, operator: str) -> tuple[Interval, ...] | None:
    """Solve ``difference operator 0`` where the difference is a*x+b with rational a and b."""
    try:
        at_0, at_1, at_3 = (rational(difference, {name: Fraction(value)}) for value in (0, 1, 3))
    except (NotRational, MalformedError):
        return None
    slope = at_1 - at_0
    if slope == 0 or at_3 != at_0 + 3 * slope:
        return None
    return _beyond(operator if slope > 0 else _TURNED[operator], Num(-at_0 / slope))


def _beyond(operator: str, bound: Node) -> tuple[Interval, ...]:
    below = Interval(Neg(_INFINITY), False, bound, operator == "<=")
    above = Interval(bound, operator == ">=", _INFINITY, False)
    if operator in {"<", "<="}:
        return (below,)
    if operator in {">", ">="}:
        return (above,)
    return (below, above) if operator == "!=" else (Interval(bound, True, bound, True),)


def _is_unbounded(node: Sequence) -> bool:
    return any(
        isinstance(item.item if isinstance(item, Neg) else item, Const) and _infinite(item) for item in node.items
    )


def _infinite(node: Node) -> int:
    if isinstance(node, Neg):
        return -_infinite(node.item)
    return int(node == _INFINITY)


def _order(first: Node, second: Node) -> int:
    """Compare two ends: -1, 0 or 1."""
    if _infinite(first) or _infinite(second):
        return (_infinite(first) > _infinite(second)) - (_infinite(first) < _infinite(second))
    if free_variables(first) or free_variables(second):
        raise UnsupportedError("intervals whose ends are no numbers")
    try:
        one: Any = rational(first)
        other: Any = rational(second)
    except NotRational:
        one, other = (Point({}, 40).value(end) for end in (first, second))
        if hasattr(one, "_mpc_") or hasattr(other, "_mpc_"):
            raise MalformedError("an interval with a complex end") from None
        if same_number(first, second):
            return 0
    return int(one > other) - int(one < other)


def _simplified(intervals: list[Interval]) -> Region | None:
    if any(free_variables(end) for interval in intervals for end in (interval.low, interval.high)):
        return Region(tuple(intervals)) if len(intervals) == 1 else None
    return Region(_united(intervals))


def _is_empty(interval: Interval) -> bool:
    order = _order(interval.low, interval.high)
    return order > 0 or (order == 0 and not (interval.low_closed and interval.high_closed))


def _starts_before(first: Interval, second: Interval) -> int:
    return _order(first.low, second.low) or int(second.low_closed) - int(first.low_closed)


def _united(intervals: list[Interval]) -> tuple[Interval, ...]:
    """Return the union as disjoint intervals in order, neighbours joined."""
    merged: list[Interval] = []
    for interval in sorted((one for one in intervals if not _is_empty(one)), key=cmp_to_key(_starts_before)):
        last = merged[-1] if merged else None
        gap = _order(interval.low, last.high) if last else 1
        if last is None or gap > 0 or (gap == 0 and not (interval.low_closed or last.high_closed)):
            merged.append(interval)
            continue
        further = _order(interval.high, last.high)
        if further > 0:
            merged[-1] = Interval(last.low, last.low_closed, interval.high, interval.high_closed)
        elif further == 0:
            closed = last.high_closed or interval.high_closed
            merged[-1] = Interval(last.low, last.low_closed, last.high, closed)
    return tuple(merged)


def _intersection(first: tuple[Interval, ...], second: tuple[Interval, ...]) -> tuple[Interval, ...]:
    parts = []
    for one in first:
        for other in second:
            low, high = _order(one.low, other.low), _order(one.high, other.high)
            part = Interval(
                one.low if low >= 0 else other.low,
                (one.low_closed or low < 0) and (other.low_closed or low > 0),
                one.high if high <= 0 else other.high,
                (one.high_closed or high > 0) and (other.high_closed or high < 0),
            )
            if not _is_empty(part):
                parts.append(part)
    return _united(parts)


def _complement(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    rest: tuple[Interval, ...] = (_ALL,)
    for interval in intervals:
        outside = [
            Interval(Neg(_INFINITY), False, interval.low, not interval.low_closed),
            Interval(interval.high, not interval.high_closed, _INFINITY, False),
        ]
        rest = _intersection(
            rest, tuple(part for part in outside if not (_infinite(part.high) < 0 or _infinite(part.low) > 0))
        )
    return rest
