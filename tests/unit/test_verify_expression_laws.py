r"""Random expressions: equal however they are typeset or rearranged, different once a number or a sign is changed.

The oracle is the value at random points in plain complex arithmetic.
"""

import cmath
import math
import operator
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from vibethinker.verify.math_answer import judge_math

# ("int", 3), ("var", "x"), ("add", tree, tree), ("pow", tree, 2), ("sin", tree), ...
Tree = tuple[Any, ...]

VARIABLES = ("x", "y", "t")
FUNCTIONS = {"sin": cmath.sin, "cos": cmath.cos, "ln": cmath.log, "exp": cmath.exp, "sqrt": cmath.sqrt}
OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv}
POINTS = [
    dict(zip(VARIABLES, values, strict=True)) for values in ((1.37, 0.71, 2.23), (0.59, 1.83, 1.19), (2.71, 1.13, 0.47))
]
CLOSE, FAR = 1e-9, 1e-5
"""Relative differences below which two values are one, and above which they are two; nothing is asserted between."""

leaves = st.one_of(
    st.tuples(st.just("int"), st.integers(1, 12)),
    st.tuples(st.just("var"), st.sampled_from(VARIABLES)),
    st.tuples(st.just("const"), st.sampled_from(["pi", "e"])),
)


def branches(trees):
    return st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div", "add", "mul"]), trees, trees),
        st.tuples(st.just("pow"), trees, st.sampled_from([2, 3, -1, 10])),
        st.tuples(st.just("neg"), trees),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), trees),
    )


trees = st.recursive(leaves, branches, max_leaves=7)


def value(tree: Tree, point: dict[str, float]) -> complex:
    """Evaluate a tree; raises ArithmeticError or ValueError where it has no value."""
    kind, *parts = tree
    if kind == "int":
        return complex(parts[0])
    if kind == "var":
        return complex(point[parts[0]])
    if kind == "const":
        return complex(math.pi if parts[0] == "pi" else math.e)
    first = value(parts[0], point)
    if kind == "pow":
        return complex(first ** parts[1])
    if kind == "neg":
        return -first
    if kind in FUNCTIONS:
        return complex(FUNCTIONS[kind](first))
    return complex(OPERATIONS[kind](first, value(parts[1], point)))


def values(tree: Tree) -> list[complex]:
    """Return the values at the points; drops the example where one is missing, huge, tiny or near a branch cut."""
    found = []
    for point in POINTS:
        try:
            found.append(value(tree, point))
        except (ArithmeticError, ValueError):
            assume(False)
    assume(all(1e-6 < abs(number) < 1e9 for number in found) and all(map(steady, subtrees(tree))))
    return found


def steady(tree: Tree) -> bool:
    """Tell whether a part is far enough from where its function jumps, or loses all digits."""
    if tree[0] not in FUNCTIONS and tree[0] != "div":
        return True
    argument = tree[2] if tree[0] == "div" else tree[1]
    for point in POINTS:
        try:
            number = value(argument, point)
        except (ArithmeticError, ValueError):
            return False
        if abs(number) < 1e-4 or abs(number) > 1e4 or (number.real < 0 and tree[0] in {"ln", "sqrt"}):
            return False
    return True


def subtrees(tree: Tree) -> list[Tree]:
    return [tree, *(found for part in tree[1:] if isinstance(part, tuple) for found in subtrees(part))]


def distance(one: list[complex], two: list[complex]) -> float:
    return max(abs(a - b) / max(abs(a), abs(b)) for a, b in zip(one, two, strict=True))


@dataclass(frozen=True)
class Style:
    """A way of typesetting."""

    fraction: str
    times: str
    brackets: tuple[str, str]
    root: str
    power: str
    function: str
    space: str

    def group(self, tree: Tree, binding: int) -> str:
        """Write a part in brackets where it binds less than what is around it."""
        text, own = self.write(tree)
        return text if own >= binding else f"{self.brackets[0]}{text}{self.brackets[1]}"

    def write(self, tree: Tree) -> tuple[str, int]:
        """Return the LaTeX of a tree, and how it binds: 0 a sum, 1 a product, 2 a power, 3 an atom."""
        kind, *parts = tree
        if kind in {"int", "var"}:
            return str(parts[0]), 3
        if kind == "const":
            return {"pi": r"\pi ", "e": "e"}[parts[0]], 3
        if kind in {"add", "sub"}:
            sign = "+" if kind == "add" else "-"
            return f"{self.group(parts[0], 0)}{self.space}{sign}{self.space}{self.group(parts[1], 1)}", 0
        if kind == "neg":
            return f"-{self.group(parts[0], 2)}", 0
        if kind == "mul":
            return self.product(parts[0], parts[1]), 1
        if kind == "div" and self.fraction != "/":
            return rf"\{self.fraction}{{{self.write(parts[0])[0]}}}{{{self.write(parts[1])[0]}}}", 2
        if kind == "div":
            return f"{self.group(parts[0], 3)}/{self.group(parts[1], 3)}", 1
        if kind == "pow":
            exponent = str(parts[1])
            braced = self.power == "braced" or len(exponent) > 1
            return f"{self.group(parts[0], 3)}^{{{exponent}}}" if braced else f"{self.group(parts[0], 3)}^{exponent}", 2
        return self.call(kind, parts[0])

    def product(self, left: Tree, right: Tree) -> str:
        one, two = self.group(left, 1), self.group(right, 2)
        # Side by side where nobody can misread it: not 2 3, 2\frac12 (a mixed number), 2e-3 (a power of ten), x(y+1).
        sums = {"add", "sub"}
        beside = (left[0] == "int" and right[0] in {"var", "sqrt"} | sums) or (left[0] in sums and right[0] in sums)
        return f"{one}{two}" if beside and not self.times else f"{one} {self.times or '*'} {two}"

    def call(self, name: str, argument: Tree) -> tuple[str, int]:
        inside = self.write(argument)[0]
        bracketed = f"{self.brackets[0]}{inside}{self.brackets[1]}"
        if name == "sqrt":
            forms = {"sign": rf"\sqrt{{{inside}}}", "index": rf"\sqrt[2]{{{inside}}}", "half": rf"{bracketed}^{{1/2}}"}
            return forms[self.root], 2
        if name == "exp":
            return (f"e^{{{inside}}}", 2) if self.function == "power" else (rf"\exp{bracketed}", 2)
        return (rf"\operatorname{{{name}}}{bracketed}" if self.function == "operator" else rf"\{name}{bracketed}"), 2


style_choices = st.builds(
    Style,
    fraction=st.sampled_from(["frac", "dfrac", "tfrac", "cfrac", "/"]),
    times=st.sampled_from([r"\cdot", r"\times", "*", ""]),
    brackets=st.sampled_from(
        [("(", ")"), (r"\left(", r"\right)"), (r"\bigl(", r"\bigr)"), (r"\left[", r"\right]"), ("{(", ")}")]
    ),
    root=st.sampled_from(["sign", "index", "half"]),
    power=st.sampled_from(["braced", "bare"]),
    function=st.sampled_from(["plain", "operator", "power"]),
    space=st.sampled_from(["", " ", r"\,", r"\;", "~"]),
)


def same(gold: str, answer: str) -> bool:
    verdict = judge_math(gold, answer)
    return verdict is not None and verdict.correct is True


def other(gold: str, answer: str) -> bool:
    """Tell whether the gold answer is accepted as one, and the answer is not it."""
    verdict = judge_math(gold, answer)
    return same(gold, gold) and (verdict is None or verdict.correct is False)


def rearranged(tree: Tree, rng: random.Random) -> Tree:
    """Return a tree of the same value, by laws of arithmetic."""
    parts = [rearranged(part, rng) if isinstance(part, tuple) else part for part in tree[1:]]
    tree = (tree[0], *parts)
    kind = tree[0]
    if rng.random() < 0.4:
        return tree
    if kind in {"add", "mul"}:
        if kind == "mul" and parts[1][0] in {"add", "sub"}:
            inner = parts[1]
            return (inner[0], ("mul", parts[0], inner[1]), ("mul", parts[0], inner[2]))
        return (kind, parts[1], parts[0])
    if kind == "sub":
        return rng.choice([("neg", ("sub", parts[1], parts[0])), ("add", ("neg", parts[1]), parts[0])])
    if kind == "div":
        return rng.choice([("mul", parts[0], ("pow", parts[1], -1)), ("div", ("neg", parts[0]), ("neg", parts[1]))])
    if kind == "pow" and parts[1] == 2:
        return ("mul", parts[0], parts[0])
    if kind == "int":
        return rng.choice([("sub", ("int", tree[1] + 3), ("int", 3)), ("div", ("int", 2 * tree[1]), ("int", 2))])
    if kind == "cos":
        return ("cos", ("neg", parts[0]))
    if kind == "sin":
        return ("neg", ("sin", ("neg", parts[0])))
    return tree


def spoiled(tree: Tree, rng: random.Random) -> Tree:
    """Return a tree with one number, variable, sign, exponent or function changed, or two parts swapped."""
    places = [i for i in range(1, len(tree)) if isinstance(tree[i], tuple)]
    if places and rng.random() < 0.7:
        place = rng.choice(places)
        return (*tree[:place], spoiled(tree[place], rng), *tree[place + 1 :])
    kind, *parts = tree
    if kind == "int":
        return ("int", parts[0] + rng.choice([1, 2, 10, 9 * parts[0], parts[0]]))
    if kind == "var":
        return ("var", rng.choice([name for name in VARIABLES if name != parts[0]]))
    if kind == "const":
        return ("const", "e" if parts[0] == "pi" else "pi")
    if kind == "pow":
        return ("pow", parts[0], rng.choice([exponent for exponent in (2, 3, -1, -2) if exponent != parts[1]]))
    wrong: list[Tree] = [parts[0]]
    if kind == "neg":
        return wrong[0]
    wrong += [("neg", tree)]
    if kind in FUNCTIONS:
        wrong += [(name, parts[0]) for name in sorted(FUNCTIONS) if name != kind]
    else:
        wrong += [(kind, parts[1], parts[0]), ({"add": "sub", "sub": "add"}.get(kind, "add"), *parts)]
    return rng.choice(wrong)


seeds = st.integers(0, 2**32).map(random.Random)


@given(trees, style_choices, style_choices)
def test_typesetting_changes_no_expression(tree, one, another):
    values(tree)
    assert same(one.write(tree)[0], another.write(tree)[0])


@given(trees, style_choices, style_choices, seeds)
def test_rearranging_changes_no_expression(tree, one, another, rng):
    moved = rearranged(tree, rng)
    assume(distance(values(tree), values(moved)) < CLOSE)
    assert same(one.write(tree)[0], another.write(moved)[0])


@given(trees, style_choices, style_choices, seeds)
def test_a_changed_expression_is_another(tree, one, another, rng):
    wrong = spoiled(tree, rng)
    assume(distance(values(tree), values(wrong)) > FAR)
    assert other(one.write(tree)[0], another.write(wrong)[0])


@given(trees, style_choices, style_choices, seeds)
def test_changing_and_rearranging_gives_another(tree, one, another, rng):
    wrong = rearranged(spoiled(tree, rng), rng)
    assume(distance(values(tree), values(wrong)) > FAR)
    assert other(one.write(tree)[0], another.write(wrong)[0])


@given(st.lists(trees, min_size=2, max_size=3), style_choices, style_choices, seeds)
def test_expressions_keep_their_places_in_a_tuple(entries, one, another, rng):
    for tree in entries:
        values(tree)
    gold = f"({', '.join(one.write(tree)[0] for tree in entries)})"
    assert same(gold, f"({', '.join(another.write(tree)[0] for tree in entries)})")
    place = rng.randrange(len(entries))
    wrong = [spoiled(tree, rng) if i == place else tree for i, tree in enumerate(entries)]
    assume(distance(values(entries[place]), values(wrong[place])) > FAR)
    assert other(gold, f"({', '.join(another.write(tree)[0] for tree in wrong)})")
