"""What a problem family hands over: a question, its exact answer or its tests, and how it is worked out.

A family draws problems of five levels. A level sets the size of the numbers and the number of steps, so that level 1
is mental arithmetic and level 5 is long and easily gone wrong. Steps are single operations on two numbers, written
without spaces: a model of a million parameters then has one thing to get right per line.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

LEVELS = (1, 2, 3, 4, 5)

FUNCTION = "f"
"""What every program of a code problem defines."""

Number = int | Fraction


@dataclass(frozen=True)
class Draft:
    """One problem as a family draws it.

    Attributes:
        question: The text put to the model.
        answer: The exact answer; of a choice the letter of the right option; of a code problem its tests, as
            ``tests_of`` writes them.
        steps: The careful way, one operation a line, each of the form ``expression=value``.
        expression: The whole calculation as one expression; with ``=answer`` behind it, the brief way. Of a choice the
            whole line, ``expression=value``; of a code problem too, one ``expression=value`` for every constant.
        program: The program that solves a code problem; None for the others.
    """

    question: str
    answer: Number | str
    steps: tuple[str, ...]
    expression: str
    program: str | None = None

    @property
    def kind(self) -> str:
        """The verifier that judges responses: ``code``, ``choice`` or ``math``."""
        if self.program is not None:
            return "code"
        return "choice" if isinstance(self.answer, str) else "math"

    @property
    def answer_text(self) -> str:
        """The answer as a problem's record holds it."""
        return self.answer if isinstance(self.answer, str) else text(self.answer)


@dataclass(frozen=True)
class Family:
    """A kind of problem: its name, its domain, and how one of a given level (1 to 5) is drawn."""

    name: str
    domain: str
    draw: Callable[[Random, int], Draft]


def code_draft(
    question: str,
    body: str,
    reference: Callable[..., object],
    calls: Iterable[object],
    steps: Iterable[str],
    brief: Iterable[str],
) -> Draft:
    r"""Put a code problem together; its program is ``def f(...)`` with the body, a line or several.

    Args:
        question: The text put to the model.
        body: The parameter's name and the program's lines: ``x: return 3*x+1``; further lines after ``\n``.
        reference: What the program is to compute.
        calls: The arguments of the tests, one for each; repeated ones are left out.
        steps: The careful way.
        brief: The equations of the brief way.
    """
    parameter, _, lines = body.partition(": ")
    program = "\n    ".join((f"def {FUNCTION}({parameter}):", *lines.split("\n")))
    return Draft(question, tests_of(reference, calls), tuple(steps), ", ".join(brief), program)


def tests_of(reference: Callable[..., object], calls: Iterable[object]) -> str:
    """Write call tests as compact JSON; what each call is expected to return is computed by the reference.

    Calls equal to an earlier one are left out.

    >>> tests_of(lambda x: 3 * x + 1, (5, 2, 5))
    '{"function":"f","calls":[{"arguments":[5],"expected":16},{"arguments":[2],"expected":7}]}'
    """
    distinct: list[object] = []
    for argument in calls:
        if argument not in distinct:
            distinct.append(argument)
    tests = [{"arguments": [argument], "expected": reference(argument)} for argument in distinct]
    return json.dumps({"function": FUNCTION, "calls": tests}, separators=(",", ":"))


def text(value: Number) -> str:
    """Write an exact number the way answers are written: ``-7`` or ``45/2``.

    >>> text(Fraction(-90, 4)), text(Fraction(6, 3))
    ('-45/2', '2')
    """
    value = Fraction(value)
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def term(value: int, *, first: bool = False) -> str:
    """Write a signed constant inside an expression: ``+5``, ``-3``, or ``5`` at the front; nothing for 0.

    >>> term(5), term(-3), term(5, first=True), term(0)
    ('+5', '-3', '5', '')
    """
    if value == 0:
        return ""
    return f"{value}" if first or value < 0 else f"+{value}"


def monomial(coefficient: int, power: int, *, variable: str = "x", first: bool = False) -> str:
    """Write ``coefficient * variable**power`` as a textbook does.

    >>> monomial(3, 2, first=True), monomial(-1, 1), monomial(1, 3), monomial(4, 0)
    ('3x^2', '-x', '+x^3', '+4')
    """
    if coefficient == 0:
        return ""
    if power == 0:
        return term(coefficient, first=first)
    sign = "-" if coefficient < 0 else "" if first else "+"
    size = "" if abs(coefficient) == 1 else str(abs(coefficient))
    return f"{sign}{size}{variable}" + (f"^{power}" if power > 1 else "")


def add(a: Number, b: Number) -> str:
    """Write a sum of two numbers as a step; a negative second number becomes a difference.

    >>> add(13, 8), add(5, -9)
    ('13+8=21', '5-9=-4')
    """
    return f"{text(a)}{term_of(b)}={text(a + b)}"


def term_of(value: Number) -> str:
    """Write a number with its sign, for the second place of a sum."""
    return text(value) if value < 0 else f"+{text(value)}"


def times(a: int, b: int) -> str:
    """Write a product as a step.

    >>> times(12, -7)
    '12*-7=-84'
    """
    return f"{a}*{b}={a * b}"


def over(a: int, b: int) -> str:
    """Write a quotient as a step, in lowest terms. ``b`` must not be 0.

    >>> over(35, 7), over(44, 8)
    ('35/7=5', '44/8=11/2')
    """
    return f"{a}/{b}={text(Fraction(a, b))}"


def between(rng: Random, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return rng.randint(low, high)


def signed(rng: Random, low: int, high: int, *, chance: float = 0.5) -> int:
    """Draw a whole number of size low to high that is negative with the given chance."""
    size = rng.randint(low, high)
    return -size if rng.random() < chance else size
