"""Numbers with units: units taken off, percent signs, decimals as shown, digits in a base."""

from dataclasses import dataclass

from vibethinker.verify.latex.exact import rational
from vibethinker.verify.latex.tree import (
    Add,
    Degrees,
    Div,
    InBase,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Unit,
    Var,
)
from vibethinker.verify.latex.values import as_decimal, free_variables, rounds_to, same_number


@dataclass(frozen=True)
class Quantity:
    """An expression and the units beside it.

    Attributes:
        value: The expression without units.
        powers: The power of every known unit; empty where there is none.
        has_text: Whether there was a unit or other text at all.
    """

    value: Node
    powers: tuple[tuple[str, int], ...]
    has_text: bool


def quantity(node: Node) -> Quantity:
    """Take the units off a product or quotient."""
    powers: dict[str, int] = {}
    value, found = _without_units(node, powers, 1)
    for scale in ("C", "F"):
        if powers.get("°") and powers.pop(scale, 0):
            powers[f"°{scale}"] = powers.pop("°")
    known = tuple(sorted((unit, power) for unit, power in powers.items() if power))
    return Quantity(node if value is None else value, known, found)


def _without_units(node: Node, powers: dict[str, int], sign: int) -> tuple[Node | None, bool]:
    """Return the node without units, None where nothing is left, and whether there were any."""
    match node:
        case Unit():
            for unit, power in node.powers:
                powers[unit] = powers.get(unit, 0) + sign * power
            return None, True
        case Pow(base=Unit() as unit, exponent=Num() as exponent) if exponent.value.denominator == 1:
            return _raise_unit(unit, powers, sign, int(exponent.value))
        case Pow(base=Unit() as unit, exponent=Neg(item=Num() as exponent)) if exponent.value.denominator == 1:
            return _raise_unit(unit, powers, sign, -int(exponent.value))
        case Degrees():
            powers["°"] = powers.get("°", 0) + sign
            return node.item, True
        case Neg():
            value, found = _without_units(node.item, powers, sign)
            return (None if value is None else Neg(value)), found
        case Mul():
            parts = [_without_units(factor, powers, sign) for factor in node.factors]
            left = [value for value, _ in parts if value is not None]
            found = any(has for _, has in parts)
            if not found:
                return node, False
            return (None if not left else left[0] if len(left) == 1 else Mul(tuple(left))), True
        case Div():
            above, found_above = _without_units(node.above, powers, sign)
            below, found_below = _without_units(node.below, powers, -sign)
            if not (found_above or found_below):
                return node, False
            if above is None:
                return (None, True) if below is None else (node, False)
            return (above if below is None else Div(above, below)), True
        case Add():
            # 2 m + 3 m has its unit in every term; only the last one of "2 + 3 m" has it.
            last, found = _without_units(node.terms[-1], powers, sign)
            if not found or last is None:
                return node, False
            others = [_without_units(term, {}, sign) for term in node.terms[:-1]]
            if any(value is None for value, _ in others):
                return node, False
            return Add((*(value for value, _ in others if value is not None), last)), True
        case _:
            return node, False


def _raise_unit(unit: Unit, powers: dict[str, int], sign: int, exponent: int) -> tuple[None, bool]:
    """Raise a unit; of a compound one, the m/s of m/s^2, the last part alone."""
    for place, (symbol, power) in enumerate(unit.powers, start=1):
        raised = power * exponent if place == len(unit.powers) else power
        powers[symbol] = powers.get(symbol, 0) + sign * raised
    return None, True


def same_quantity(gold: Node, answer: Node) -> bool:
    """Tell whether two expressions have the same value; a unit that one leaves out does not count, two different do.

    Raises:
        MalformedError, UnsupportedError, TooLargeError: As ``same_number``.
    """
    wanted, given = quantity(gold), quantity(answer)
    value = given.value
    if wanted.powers and not given.powers:
        value = _without_symbol(value, wanted.powers)
    elif given.powers and (_percent(wanted.value) is not None or wanted.powers not in {(), given.powers}):
        return False
    return _same_value(wanted.value, value)


def _without_symbol(node: Node, powers: tuple[tuple[str, int], ...]) -> Node:
    """Take a unit's symbol off that reads like a variable: the m of "5 m" beside a gold answer in metres."""
    if isinstance(node, Mul) and len(node.factors) == 2 and node.factors[1] == Var(powers[0][0]) and powers[0][1] == 1:
        return node.factors[0]
    return node


def _same_value(gold: Node, answer: Node) -> bool:
    gold_part, answer_part = _percent(gold), _percent(answer)
    if gold_part is not None and answer_part is not None:
        return _same_value(gold_part, answer_part)
    if gold_part is not None and _same_value(gold_part, answer):
        return True
    if isinstance(gold, InBase) or isinstance(answer, InBase):
        return _same_in_base(gold, answer)
    decimal = as_decimal(gold if gold_part is None else gold_part)
    if decimal is not None and not free_variables(answer):
        scale = 1 if gold_part is None else 100
        return rounds_to((decimal[0] / scale, decimal[1] / scale), answer)
    return same_number(gold, answer)


def _percent(node: Node) -> Node | None:
    """Return what stands before the percent sign of a whole expression."""
    if isinstance(node, Percent):
        return node.item
    if isinstance(node, Neg) and isinstance(node.item, Percent):
        return Neg(node.item.item)
    if isinstance(node, Mul) and isinstance(node.factors[-1], Percent):
        return Mul((*node.factors[:-1], node.factors[-1].item))
    return None


def _same_in_base(gold: Node, answer: Node) -> bool:
    """Compare numbers in a base; the answer may leave the base out, but not add one."""
    if isinstance(gold, InBase) and isinstance(answer, InBase):
        return gold.base == answer.base and rational(gold) == rational(answer)
    if isinstance(gold, InBase) and isinstance(answer, Num):
        rational(gold)
        return gold.digits.isdecimal() and answer.value == int(gold.digits)
    return False
