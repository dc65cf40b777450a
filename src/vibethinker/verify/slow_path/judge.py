"""Whether an answer is the gold: both are read strictly, evaluated, and put before math-verify, and all must agree.

math-verify alone takes 1/2^99 for 1/2^98 and 1e-7 for 2e-7 (it rounds), ``a+3z=0`` for 0 (it drops left sides), any two
equations without real solutions for one another, and tuples for sets. So it is asked about pairs of single values,
relations or sets only, free of floating-point numbers, and only after the two have agreed to ``DIGITS`` significant
digits at several points (formulas), in proportion (equations) or by set difference (sets). A mismatch is mostly found
there, in milliseconds, where math-verify would simplify first.

Imported only by the zygote.
"""

# ruff: noqa: ANN401 - sympy's objects share no class that has their methods

from itertools import pairwise
from typing import Any

import sympy
from math_verify.grader import verify
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import And

from vibethinker.verify.slow_path.protocol import SlowJudgement
from vibethinker.verify.slow_path.reader import INTERVALS, Group, Leaf, Node, UnreadableError, read

DIGITS = 30
"""Significant digits to which two values must agree; they are computed to ``WORKING_DIGITS``."""

WORKING_DIGITS = 45

MIN_POINTS = 2
"""Points at which two formulas in variables must be defined, and agree, to be called equal."""

_OPERATIONS = (sympy.Sum, sympy.Product, sympy.Limit, sympy.Integral)

_TINY = sympy.Rational(1, 10**DIGITS)


def judge(gold: str, answer: str) -> SlowJudgement:
    """Compare a final answer with the reference answer, both as LaTeX without a box. Never raises.

    >>> judge("1/2", r"\\frac{2}{4}").correct, judge("204_5", "204").status
    (True, 'gold_unparseable')
    """
    # sympy draws points at random; the verdict on a pair must not depend on the pairs before it.
    sympy.core.random.seed(0)
    try:
        try:
            expected = read(gold)
        except UnreadableError as error:
            return SlowJudgement(None, "gold_unparseable", str(error))
        try:
            given = read(answer)
        except UnreadableError as error:
            return SlowJudgement(False, "answer_unparseable", str(error))
        return SlowJudgement(_same(expected, given), "judged")
    except MemoryError:
        return SlowJudgement(False, "timeout", "out of memory")
    except PermissionError as error:  # the zygote refuses to run what sympy would have written out of the formula
        return SlowJudgement(False, "answer_unparseable", f"not to be compared without running text: {error}")
    except Exception as error:  # sympy raises nearly everything; what it cannot compare is not equal
        return SlowJudgement(False, "judged", f"not comparable: {type(error).__name__}")


def _same(gold: Node, answer: Node) -> bool:
    if isinstance(gold, Leaf) and isinstance(answer, Leaf):
        return _same_leaves(gold, answer)
    if isinstance(gold, Group) and isinstance(answer, Group):
        kinds = {gold.kind, answer.kind}
        if (len(kinds) == 1 and gold.kind in INTERVALS) or kinds in ({"list", "()"}, {"or", "()"}):
            return _same_in_order(gold.members, answer.members)
        if kinds == {"list", "or"} and any(_is_inequality(member) for member in gold.members):
            return False  # x < 1, x > 2 means both; x < 1 or x > 2 does not
        if kinds <= {"list", "or", "set"}:
            return _same_in_any_order(gold.members, answer.members)
    for group, other in ((gold, answer), (answer, gold)):
        if isinstance(group, Group) and isinstance(other, Leaf):
            if group.kind == "set" and len(group.members) == 1 and isinstance(other.value, sympy.Expr):
                return _same(
                    gold.members[0] if gold is group else gold, answer.members[0] if answer is group else answer
                )
            if group.kind == "()" and isinstance(other.value, sympy.MatrixBase) and 1 in other.value.shape:
                entries = tuple(Leaf(entry) for entry in other.value.flat())
                return (
                    _same_in_order(entries, group.members) if other is gold else _same_in_order(group.members, entries)
                )
    return _same_sets(_as_set(gold), _as_set(answer))


def _same_in_order(gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool:
    return len(gold) == len(answer) and all(_same(*pair) for pair in zip(gold, answer, strict=True))


def _same_in_any_order(gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool:
    """Pair every member with another; equality being transitive, the first that fits will do."""
    left = list(answer)
    if len(gold) != len(left):
        return False
    for member in gold:
        fitting = next((other for other in left if _same(member, other)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True


def _same_leaves(gold: Leaf, answer: Leaf) -> bool:
    expected, given = gold.value, answer.value
    if _is_equation(expected) != _is_equation(given):  # x = 5 is met by 5, and 5 by x = 5
        expected, given = _right_side(expected), _right_side(given)
        gold, answer = (
            leaf if value is leaf.value else Leaf(value) for leaf, value in ((gold, expected), (answer, given))
        )
    if _is_number(expected) and _is_number(given):
        if gold.decimals is not None:
            return _rounds_to(given, expected, gold.decimals)
        if gold.percent and not answer.percent and _same_values(100 * expected, given):
            return True
    if isinstance(expected, sympy.Expr) and isinstance(given, sympy.Expr) and not _has_matrix(expected, given):
        return _same_values(expected, given)
    if _has_matrix(expected, given):
        return _same_matrices(expected, given)
    if _is_equation(expected) and _is_equation(given):
        return _same_equations(_first_and_last(expected), _first_and_last(given))
    as_sets = _as_set(Leaf(expected)), _as_set(Leaf(given))
    if None not in as_sets:
        return _same_sets(*as_sets)
    if isinstance(expected, Relational) and isinstance(given, Relational):
        return _same_relations(expected, given)
    return bool(expected == given)


# Values.


def _is_number(value: Any) -> bool:
    return isinstance(value, sympy.Expr) and not value.free_symbols and not value.has(AppliedUndef)


def _same_values(a: Any, b: Any) -> bool:
    """Say whether two formulas are equal as functions of their variables."""
    if a == b:
        return True
    a, b = _carried_out(a), _carried_out(b)
    return bool(a == b) or (_agree_at_points(a, b) and _math_verify_agrees(a, b))


def _carried_out(formula: Any) -> Any:
    """Return the formula with its sums, integrals and limits carried out where sympy can: numerically takes longer."""
    if not formula.has(*_OPERATIONS):
        return formula
    done = formula.doit()
    return formula if done.has(*_OPERATIONS) else done


def _agree_at_points(a: Any, b: Any) -> bool:
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    agreed = 0
    for point in _points(symbols):
        x, y = _evaluate(a, point), _evaluate(b, point)
        if x is None and y is None:
            continue
        if x is None or y is None:
            return False
        size = max(sympy.Abs(value).evalf(DIGITS) for value in (x, y))
        if size < _TINY:  # two small numbers, or noise around 0, of which no digit means anything
            if sympy.simplify((a - b).subs(point)).is_zero is not True:
                return False
        elif sympy.Abs(x - y).evalf(DIGITS) > size * _TINY:
            return False
        agreed += 1
    return agreed >= (MIN_POINTS if symbols else 1)


def _points(symbols: list[Any]) -> list[dict[Any, Any]]:
    """Two points between the integers, one with signs mixed, and two of integers: sums are defined only there."""
    if not symbols:
        return [{}]
    return [
        {symbol: sympy.Rational(7 * index + 5, 11) for index, symbol in enumerate(symbols)},
        {symbol: sympy.Rational((-1) ** (index + 1) * (5 * index + 8), 13) for index, symbol in enumerate(symbols)},
        {symbol: sympy.Integer(index + 2) for index, symbol in enumerate(symbols)},
        {symbol: sympy.Integer(2 * index + 5) for index, symbol in enumerate(symbols)},
    ]


def _evaluate(formula: Any, point: dict[Any, Any]) -> Any:
    """Return the formula's value at a point, to ``WORKING_DIGITS``; None where it has none."""
    try:
        value = formula.subs(point)
        if point:
            value = _carried_out(value)
        value = value.evalf(WORKING_DIGITS)
        real, imaginary = value.as_real_imag()
        return value if real.is_Number and imaginary.is_Number and value.is_finite else None
    except (ArithmeticError, AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None


def _rounds_to(value: Any, shown: Any, decimals: int) -> bool:
    number = _evaluate(_carried_out(value), {})
    return number is not None and bool(number.is_real) and bool(abs(number - shown) * 2 * 10**decimals <= 1 + _TINY)


def _math_verify_agrees(gold: Any, answer: Any) -> bool:
    """Ask math-verify, at a precision at which it does not round away what ``_agree_at_points`` saw."""
    digits = {"float_rounding": WORKING_DIGITS, "numeric_precision": WORKING_DIGITS}
    return bool(verify(gold, answer, **digits, strict=True, timeout_seconds=None, raise_on_error=True))


# Matrices.


def _has_matrix(*values: Any) -> bool:
    return any(isinstance(value, (sympy.MatrixBase, sympy.MatrixExpr)) for value in values)


def _same_matrices(gold: Any, answer: Any) -> bool:
    if not isinstance(gold, (sympy.MatrixBase, sympy.MatrixExpr)) or not _has_matrix(answer):
        return False
    a, b = sympy.Matrix(gold.doit()), sympy.Matrix(answer.doit())
    return a.shape == b.shape and all(_same_values(x, y) for x, y in zip(a.flat(), b.flat(), strict=True))


# Relations.


def _is_equation(value: Any) -> bool:
    """Say whether it is an equation between values, or a chain of such."""
    relations = value.args if isinstance(value, And) else [value]
    return all(isinstance(relation, sympy.Eq) and isinstance(relation.rhs, sympy.Expr) for relation in relations)


def _first_and_last(equation: Any) -> tuple[Any, Any]:
    """Return the outer sides of an equation or a chain ``x = 5+6 = 11``.

    Raises:
        ValueError: If the chain contradicts itself.
    """
    if not isinstance(equation, And):
        return equation.lhs, equation.rhs
    relations = equation._unsorted_args
    if not all(_agree_at_points(left.rhs, right.rhs) for left, right in pairwise(relations)):
        raise ValueError("a chain of equations that contradicts itself")
    return relations[0].lhs, relations[-1].rhs


def _right_side(value: Any) -> Any:
    """Return what a named answer says (5 of x = 5); other equations and values as they are."""
    if not _is_equation(value):
        return value
    name, said = _first_and_last(value)
    return said if _is_name(name) else value


def _is_name(value: Any) -> bool:
    """Say whether a left side names something: x, f(x), AB, |AB|; but no sum, nor xy or |x|: those are conditions."""
    if isinstance(value, (sympy.Mul, sympy.Abs)):
        points = value.args[0] if isinstance(value, sympy.Abs) else value
        factors = points.args or (points,)
        return all(isinstance(factor, sympy.Symbol) and factor.name.isupper() for factor in factors)
    return isinstance(value, (sympy.Symbol, AppliedUndef))


def _same_equations(gold: tuple[Any, Any], answer: tuple[Any, Any]) -> bool:
    if gold[0] == answer[0]:
        return _same_values(gold[1], answer[1])
    return _proportional(gold[0] - gold[1], answer[0] - answer[1])


def _same_relations(gold: Relational, answer: Relational) -> bool:
    """Compare inequalities: one is the other times a constant, positive where the sides stand alike."""
    if gold.rel_op in (">", ">="):
        gold = gold.reversed
    if answer.rel_op in (">", ">="):
        answer = answer.reversed
    if gold.rel_op != answer.rel_op:
        return False
    signed = gold.rel_op != "!="
    return _proportional(gold.lhs - gold.rhs, answer.lhs - answer.rhs, positive=signed)


def _proportional(a: Any, b: Any, *, positive: bool = False) -> bool:
    """Say whether a = c b for a constant c other than 0."""
    names = sorted(a.atoms(AppliedUndef) | b.atoms(AppliedUndef), key=str)
    for index, name in enumerate(names):
        a, b = (side.subs(name, sympy.Symbol(f"function {index}", real=True)) for side in (a, b))
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    if not symbols:
        return False
    point = _points(symbols)[0]
    x, y = _evaluate(a, point), _evaluate(b, point)
    if x is None or y is None or x == 0 or y == 0:
        return False
    factor = sympy.simplify((a / b).subs(point))
    if not factor.is_real or (positive and not factor.is_positive):
        return False
    return _same_values(a, sympy.expand(factor * b))


# Sets.


def _is_inequality(node: Node) -> bool:
    return isinstance(node, Leaf) and (isinstance(node.value, Relational) and not isinstance(node.value, sympy.Eq))


def _as_set(node: Node) -> Any:
    """Return the set of numbers that a node stands for; None where it stands for none."""
    if isinstance(node, Group):
        return _group_as_set(node)
    value = node.value
    if isinstance(value, sympy.Eq) and isinstance(value.lhs, sympy.Symbol) and isinstance(value.rhs, sympy.Set):
        return value.rhs.doit()
    if isinstance(value, sympy.Set):
        return value.doit()
    relations = value.args if isinstance(value, And) else (value,)
    if all(isinstance(relation, Relational) and not isinstance(relation, sympy.Eq) for relation in relations):
        return sympy.And(*relations).as_set() if len(value.free_symbols) == 1 else None
    return None


def _group_as_set(group: Group) -> Any:
    if group.kind == "or":
        sets = [_as_set(member) for member in group.members]
        return None if None in sets else sympy.Union(*sets)
    if not all(isinstance(member, Leaf) and isinstance(member.value, sympy.Expr) for member in group.members):
        return None
    values = [member.value for member in group.members if isinstance(member, Leaf)]
    if group.kind == "set":
        return sympy.FiniteSet(*values)
    if group.kind in INTERVALS and len(values) == 2 and (values[0] < values[1]) == True:  # noqa: E712 - else symbolic
        return sympy.Interval(*values, left_open=group.kind[0] == "(", right_open=group.kind[1] == ")")
    return None


def _same_sets(gold: Any, answer: Any) -> bool:
    if gold is None or answer is None:
        return False
    if gold == answer:
        return True
    empty = sympy.S.EmptySet
    return (gold - answer) == empty == (answer - gold) and _math_verify_agrees(gold, answer)
