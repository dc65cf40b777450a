"""Whether an answer means the same as the gold one; the conventions stand in docs/verify.md."""

from collections.abc import Callable

from vibethinker.verify.latex.equations import is_equation, proportional, same_inequality, turned
from vibethinker.verify.latex.exact import NotRational, rational
from vibethinker.verify.latex.meaning import (
    Assigned,
    integer_parameters,
    meaning,
    renamed,
    spelled_out,
)
from vibethinker.verify.latex.quantities import same_quantity
from vibethinker.verify.latex.regions import is_region, region, same_region
from vibethinker.verify.latex.tree import (
    Add,
    Apply,
    Braces,
    Congruence,
    Dots,
    Func,
    Listing,
    MalformedError,
    Matrix,
    Mul,
    Node,
    NumberSet,
    Ratio,
    Relation,
    Sequence,
    SetOperation,
    TooLargeError,
    UnsupportedError,
    Var,
    Words,
)
from vibethinker.verify.latex.values import (
    free_variables,
    same_number,
)

MAX_MEMBERS = 100
"""Members of a collection; comparing unordered ones takes their square."""


def same_answer(gold: Node, answer: Node) -> bool:
    """Tell whether two answers mean the same.

    Raises:
        MalformedError: If one holds an expression without a value.
        UnsupportedError: If this cannot be decided here.
        TooLargeError: If one is refused.
    """
    names, others = integer_parameters(gold), integer_parameters(answer)
    if names and len(names) == len(others):
        answer = renamed(answer, dict(zip(others, names, strict=True)))
    return _same(meaning(gold), meaning(answer))


def _same(gold: Node, answer: Node) -> bool:
    gold, answer = _lone(gold), _lone(answer)
    if isinstance(gold, Assigned) or isinstance(answer, Assigned):
        return _same_assigned(gold, answer)
    if isinstance(gold, (Words, Dots)) or isinstance(answer, (Words, Dots)):
        return gold == answer
    if isinstance(gold, (NumberSet, Var)) and isinstance(answer, (NumberSet, Var)) and type(gold) is not type(answer):
        return gold.name == answer.name  # R in another type
    if isinstance(gold, NumberSet) and isinstance(answer, NumberSet):
        return gold == answer
    if isinstance(gold, Congruence) or isinstance(answer, Congruence):
        return _same_congruence(gold, answer)
    if isinstance(gold, Sequence) and isinstance(answer, Sequence):
        return _brackets(gold) == _brackets(answer) and _all_same(gold.items, answer.items)
    if is_equation(answer) and not is_equation(gold) and (total := _named_sum(answer)) is not None:
        return not free_variables(gold) and _same(gold, total)
    if is_equation(gold) or is_equation(answer):
        return is_equation(gold) and is_equation(answer) and proportional(gold, answer)
    if is_region(gold) or is_region(answer):
        return _same_region(gold, answer)
    if _is_ratio(gold) or _is_ratio(answer):
        return _same_ratio(gold, answer)
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return len(gold.rows) == len(answer.rows) and all(
            _all_same(one, other) for one, other in zip(gold.rows, answer.rows, strict=True)
        )
    first, second = _members(gold), _members(answer)
    if first is not None or second is not None:
        return first is not None and second is not None and _same_members(first, second)
    return same_quantity(gold, answer)


def _lone(node: Node) -> Node:
    """Return the only member of a set or list, else the node."""
    while isinstance(node, (Braces, Listing)) and len(node.items) == 1 and len(spelled_out(node.items[0])) == 1:
        if isinstance(node.items[0], (Braces, NumberSet)):
            break
        node = node.items[0]
    return node


def _brackets(node: Sequence) -> tuple[str, str]:
    """Return the kind of brackets; three or more items in square ones are a list and no interval."""
    return ("(", ")") if len(node.items) != 2 else (node.opening, node.closing)


def _all_same(gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool:
    return len(gold) == len(answer) and all(_same(one, other) for one, other in zip(gold, answer, strict=True))


# Named values


def _same_assigned(gold: Node, answer: Node) -> bool:
    if isinstance(gold, Assigned) and isinstance(answer, Assigned):
        return _same_named(gold, answer)
    named, other = (gold, answer) if isinstance(gold, Assigned) else (answer, gold)
    if not isinstance(named, Assigned):
        raise UnsupportedError("two answers without a name")
    if isinstance(other, Congruence):
        return False
    combinations = _as_binomial(named)
    if combinations is not None and not isinstance(other, (Sequence, Matrix, Listing)):
        named = Assigned(named.name, combinations)
    if is_equation(other):
        equation = Relation((named.name, named.value), ("=",))
        return proportional(equation, other)
    if isinstance(other, Relation) and set(other.operators) != {"="}:
        found = region(other)
        if found is None or not isinstance(named.name, Var) or found.name not in {None, named.name.name}:
            return False
    return _same(named.value, other) if isinstance(gold, Assigned) else _same(other, named.value)


def _as_binomial(node: Assigned) -> Node | None:
    """Return what C(7, 3) is where it is a number of combinations and no point."""
    if node.name == Var("C") and isinstance(node.value, Sequence) and len(node.value.items) == 2:
        return Func("binom", node.value.items)
    return None


def _same_named(gold: Assigned, answer: Assigned) -> bool:
    name, other = gold.name, answer.name
    if isinstance(name, Apply) and isinstance(other, Apply) and name.name == other.name:
        variables = [
            [argument.name for argument in side.arguments if isinstance(argument, Var)] for side in (name, other)
        ]
        if len(variables[0]) == len(variables[1]) == len(name.arguments) == len(other.arguments):
            names = dict(zip(variables[1], variables[0], strict=True))
            if free_variables(answer.value) & (set(variables[0]) - set(variables[1])):
                return False  # f(y) = x^2 is no square
            return _same(gold.value, renamed(answer.value, names))
    if name == other or _is_function_and_value(name, other) or _are_same_places(name, other):
        return _same(gold.value, answer.value)
    if free_variables(gold.value) and free_variables(answer.value):
        return proportional(*(Relation((side.name, side.value), ("=",)) for side in (gold, answer)))
    return False


def _named_sum(node: Node) -> Node | None:
    """Return the value of a sum of unknowns, the 204 of "m+n=204" that contests ask for; None for other equations."""
    if not isinstance(node, Relation) or not isinstance(node.items[0], Add):
        return None
    terms = node.items[0].terms
    distinct = len({term.name for term in terms if isinstance(term, Var)}) == len(terms)
    return node.items[1] if distinct and not free_variables(node.items[1]) else None


def _is_function_and_value(name: Node, other: Node) -> bool:
    """Tell y(x) and y for the same thing."""
    if isinstance(name, Var) and isinstance(other, Apply):
        return name.name == other.name
    return isinstance(name, Apply) and isinstance(other, Var) and name.name == other.name


def _are_same_places(name: Node, other: Node) -> bool:
    """Tell (p, q) and (p, q) for the same names."""
    return isinstance(name, Sequence) and isinstance(other, Sequence) and _all_same(name.items, other.items)


# Collections


class _Members:
    """The members of a tuple, a list or a set."""

    def __init__(self, kind: str, items: list[Node], joiner: str = ",") -> None:
        if len(items) > MAX_MEMBERS:
            raise TooLargeError(f"an answer with more than {MAX_MEMBERS} members")
        self.kind = kind
        self.joiner = joiner
        self.items = items
        self.names = [item.name for item in items if isinstance(item, Assigned)]

    @property
    def values(self) -> list[Node]:
        """The members without their names."""
        return [item.value if isinstance(item, Assigned) else item for item in self.items]

    @property
    def is_record(self) -> bool:
        """Whether every member has a name of its own: x = 7, y = 6, but not x_1 = 2, x_2 = 3."""
        stems = {name.name.partition("_")[0] if isinstance(name, Var) else name for name in self.names}
        return self.is_named and len(stems) == len(self.items) > 1

    @property
    def is_named(self) -> bool:
        """Whether every member has a name."""
        return len(self.names) == len(self.items)

    @property
    def may_be_tuple(self) -> bool:
        """Whether the members may be places of one tuple: not of "3 or 4", nor of x = 3, x = 4."""
        return self.joiner != "or" and (not self.names or self.is_record)

    @property
    def has_dots(self) -> bool:
        """Whether an ellipsis is among them, so that the order says how it goes on."""
        return any(isinstance(item, Dots) for item in self.items)


def _members(node: Node) -> _Members | None:
    """Return the members of a collection; None for a single value."""
    match node:
        case Listing():
            return _Members("list", _flat(node.items), node.joiner)
        case Braces():
            return _Members("set", _flat(node.items))
        case Sequence():
            return _Members("tuple", list(node.items))
        case Matrix() if len(node.rows) == 1 or len(node.rows[0]) == 1:
            return _Members("tuple", [entry for row in node.rows for entry in row])
        case _ if len(values := spelled_out(node)) > 1:
            return _Members("list", values)
        case _:
            return None


def _flat(items: tuple[Node, ...]) -> list[Node]:
    """Spell out plus-minus signs and open up sets within a list."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, Listing):
            flat.extend(_flat(item.items))
        elif isinstance(item, Assigned):
            inner = item.value.items if isinstance(item.value, (Listing, Braces)) else (item.value,)
            flat.extend(Assigned(item.name, value) for part in inner for value in spelled_out(part))
        else:
            flat.extend(spelled_out(item))
    return flat


def _same_members(gold: _Members, answer: _Members) -> bool:
    kinds = {gold.kind, answer.kind}
    if "tuple" in kinds:
        if "set" in kinds or not (gold.may_be_tuple and answer.may_be_tuple):
            return False
        return _all_same(tuple(_ordered(gold, answer)), tuple(_ordered(answer, gold)))
    if gold.is_record and answer.is_record:
        return _same_unordered(gold.items, answer.items, _same)
    if gold.is_record or answer.is_record or gold.has_dots or answer.has_dots:
        return _all_same(tuple(gold.values), tuple(answer.values))
    if "set" in kinds or all(isinstance(value, Sequence) for value in (*gold.values, *answer.values)):
        # Whatever is named twice is in the set once; a list of pairs is a set of solutions too.
        return _covers(gold.values, answer.values) and _covers(answer.values, gold.values, turned=True)
    if gold.is_named and answer.is_named:
        return _same_unordered(gold.items, answer.items, _same)
    return _same_unordered(gold.values, answer.values, _same)


def _ordered(members: _Members, other: _Members) -> list[Node]:
    """Return the members in order: a record beside a tuple in the order of its names."""
    if members.is_record and other.kind == "tuple" and all(isinstance(name, Var) for name in members.names):
        return [item.value for item in sorted(members.items, key=_name_of) if isinstance(item, Assigned)]
    return members.values


def _name_of(node: Node) -> str:
    return node.name.name if isinstance(node, Assigned) and isinstance(node.name, Var) else ""


def _same_unordered(gold: list[Node], answer: list[Node], same: Callable[[Node, Node], bool]) -> bool:
    """Pair every gold member with an answer of its own."""
    if len(gold) != len(answer):
        return False
    left = list(answer)
    for wanted in gold:
        found = next((place for place, one in enumerate(left) if same(wanted, one)), None)
        if found is None:
            return False
        del left[found]
    return True


def _covers(gold: list[Node], answer: list[Node], *, turned: bool = False) -> bool:
    """Tell whether every gold member is among the answers."""
    return all(any(_same(two, one) if turned else _same(one, two) for two in answer) for one in gold)


# Ratios, congruences, regions, equations


def _is_ratio(node: Node) -> bool:
    return isinstance(node, Ratio) and len(node.items) > 2


def _same_ratio(gold: Node, answer: Node) -> bool:
    if not (isinstance(gold, Ratio) and isinstance(answer, Ratio) and len(gold.items) == len(answer.items)):
        return False
    if any(isinstance(item, Dots) for item in (*gold.items, *answer.items)):
        return _all_same(gold.items, answer.items)
    return all(
        same_number(Mul((gold.items[0], other)), Mul((one, answer.items[0])))
        for one, other in zip(gold.items[1:], answer.items[1:], strict=True)
    )


def _same_congruence(gold: Node, answer: Node) -> bool:
    """Compare residues modulo the gold's modulus; a bare residue will do for the answer."""
    if not isinstance(gold, Congruence):
        return isinstance(answer, Congruence) and answer.name is not None and _same(gold, answer.residue)
    if not isinstance(answer, Congruence):
        return _same(gold.residue, answer)
    if gold.name is not None and answer.name is not None and gold.name != answer.name:
        return False
    try:
        modulus, other = rational(gold.modulus), rational(answer.modulus)
        difference = rational(gold.residue) - rational(answer.residue)
    except NotRational:
        return _same(gold.modulus, answer.modulus) and _same(gold.residue, answer.residue)
    if modulus == 0:
        raise MalformedError("a congruence modulo 0")
    return modulus == other and (difference / modulus).denominator == 1


def _same_region(gold: Node, answer: Node) -> bool:
    first, second = region(gold), region(answer)
    if first is not None and second is not None:
        return same_region(first, second)
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _same_chain(gold, answer)
    if isinstance(gold, Listing) and isinstance(answer, Listing):
        return _same_members(_Members("list", _flat(gold.items)), _Members("list", _flat(answer.items)))
    if isinstance(gold, SetOperation) and isinstance(answer, SetOperation):
        return gold.kind == answer.kind and _same_unordered(list(gold.items), list(answer.items), _same)
    return False


def _same_chain(gold: Relation, answer: Relation) -> bool:
    """Compare chains of inequalities member by member, in either direction, or single ones as left minus right."""
    for operators, items in ((answer.operators, answer.items), (turned(answer.operators), answer.items[::-1])):
        if gold.operators == operators and _all_same(gold.items, items):
            return True
    return same_inequality(gold, answer)
