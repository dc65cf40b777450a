"""Two forms of a STEM question: with an exact answer, or with four options.

Source: VibeThinker-3B, section 2.2.1: a STEM response is rewarded for a matching answer and a matching option. Which
form a question takes, and what its options are, is ours.

Options are what typical mistakes lead to, and near misses where those do not suffice. Nothing but the calculation
gives the right one away: its place among the letters and among the sizes is drawn evenly, and either all options are
whole numbers or all are fractions.
"""

from collections.abc import Iterable
from fractions import Fraction
from random import Random

from vibethinker.data.families.draft import Draft, Number, text

LETTERS = "ABCD"

Mistakes = Iterable[Number]

_NEAR = (1, 2, 3, 4, 5, 10, 20)
"""How far off near misses are; at least as many lie above any answer as there are wrong options."""


def posed(question: str, value: Number, steps: Iterable[str], expression: str, mistakes: Mistakes) -> Draft:
    """Pose a question in one of its two forms.

    Form and options are drawn from the question's own text: the same numbers never come back in another form or order,
    and so never stand in two sets that share no question.

    Args:
        question: What is asked, without options.
        value: The right value, above 0.
        steps: The careful way; the last step ends in ``=value``.
        expression: The whole calculation as one expression.
        mistakes: Values that typical mistakes lead to; those that are no positive number or are right after all are
            passed over.
    """
    rng = Random(question)  # noqa: S311 - not for cryptography
    if rng.random() < 0.5:
        return Draft(question, value, tuple(steps), expression)
    options = options_of(value, mistakes, rng)
    listed = " ".join(f"({letter}) {text(option)}" for letter, option in zip(LETTERS, options, strict=True))
    letter = LETTERS[options.index(Fraction(value))]
    return Draft(f"{question} {listed}", letter, tuple(steps), f"{expression}={text(value)}")


def options_of(value: Number, mistakes: Mistakes, rng: Random) -> list[Fraction]:
    """Return four distinct positive options in random order, one of which is the value.

    How many of them are larger than the value is drawn first, 0 to 3, as far as smaller positive ones can be had;
    then mistakes are taken before near misses.

    Raises:
        ValueError: If the value is not above 0.
    """
    right = Fraction(value)
    if right <= 0:
        raise ValueError(f"need a value above 0, got {text(value)}: options are positive numbers")
    typical = _alike(map(Fraction, mistakes), right)
    near = _alike((right + sign * size for size in _NEAR for sign in (1, -1)), right)
    for values in (typical, near):
        rng.shuffle(values)
    ordered = list(dict.fromkeys(typical + near))
    larger, smaller = [v for v in ordered if v > right], [v for v in ordered if v < right]
    wanted = len(LETTERS) - 1
    above = max(rng.randint(0, wanted), wanted - len(smaller))
    options = [right, *larger[:above], *smaller[: wanted - above]]
    rng.shuffle(options)
    return options


def _alike(values: Iterable[Fraction], right: Fraction) -> list[Fraction]:
    """Return the distinct positive values that are whole if and only if the right one is, which may be among them."""
    whole = right.denominator == 1
    return [v for v in dict.fromkeys(values) if v > 0 and (v.denominator == 1) == whole]
