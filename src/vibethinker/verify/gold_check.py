r"""Whether a reference answer can be graded by: it matches itself, and misses copies of itself that say something else.

A reference that does not match itself marks every response wrong or none; one that matches its altered copies too
rewards anything. Either teaches nonsense, so such problems are left out before anybody is graded by them.
"""

import re
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from vibethinker.interfaces import Verifier
from vibethinker.verify.extract import MAX_ANSWER_CHARACTERS

# A command such as \frac is one sign here, whose letters are not the answer's.
_SIGN = re.compile(r"\\[A-Za-z]+|[0-9]|[^\W\d_]")
_SHOWN_CHARACTERS = 60


@runtime_checkable
class ChecksGolds(Verifier, Protocol):
    """A verifier whose reference answers cannot stand in a box, and which checks them itself."""

    def check(self, gold: str) -> str | None:
        """Say in one line why a reference answer cannot be graded by; None where it can."""
        ...


def check_gold(gold: str, verifier: Verifier) -> str | None:
    r"""Say in one line why a reference answer cannot be graded by; None where it can.

    It stands in ``\boxed{}`` for the check. Copies are altered in the last digit, the first, the last letter and the
    sign, in that order; the first that misses is enough, since some changes keep a value: -0 is 0. The tests of a
    program are checked by their form.

    Args:
        gold: The reference answer.
        verifier: What will grade by it.

    >>> from vibethinker.verify import get_verifier
    >>> check_gold("3/4", get_verifier("math")) is None
    True
    >>> check_gold("1/0", get_verifier("math")).startswith("does not match itself: ")
    True
    """
    if isinstance(verifier, ChecksGolds):
        reason = verifier.check(gold)
        return None if reason is None else f"cannot be used: {reason}"
    if len(gold) > MAX_ANSWER_CHARACTERS:
        return f"is longer than {MAX_ANSWER_CHARACTERS:,} characters, which no answer may be"
    verdict = verifier(gold, _boxed(gold))
    if verdict.correct is not True:
        return f"does not match itself: {' '.join(verdict.reason.split()) or verdict.status}"
    copies = list(altered_copies(gold))
    if copies and verifier(gold, _boxed(copies[0])).correct is None:
        return "is beyond comparison with any answer but the same text"
    if any(verifier(gold, _boxed(copy)).correct is not True for copy in copies):
        return None
    return f"matches altered copies of itself too: {', '.join(map(_short, copies))}"


def altered_copies(gold: str) -> Iterator[str]:
    r"""Return different copies of an answer: another last digit, first digit, last letter, and another sign.

    >>> list(altered_copies(r"\frac{12}{x}"))
    ['\\frac{13}{x}', '\\frac{22}{x}', '\\frac{12}{y}', '-\\frac{12}{x}']
    >>> list(altered_copies("-9")), list(altered_copies("Even"))
    (['-0', '9'], ['Eveo', '-Even'])
    """
    signs = [match for match in _SIGN.finditer(gold) if not match.group().startswith("\\")]
    digits = [match for match in signs if match.group() in "0123456789"]
    letters = [match for match in signs if match.group() not in "0123456789"]
    copies = [
        gold[: match.start()] + _next(match.group()) + gold[match.end() :]
        for match in [*digits[-1:], *digits[:1], *letters[-1:]]
    ]
    copies.append(gold.lstrip().removeprefix("-") if gold.lstrip().startswith("-") else f"-{gold}")
    yield from dict.fromkeys(copies)


def _next(sign: str) -> str:
    """Return the digit or letter after this one, the first after the last."""
    if sign in "0123456789":
        return str((int(sign) + 1) % 10)
    if sign in "zZ":
        return "a" if sign == "z" else "A"
    # Other scripts' letters need not have a neighbour.
    return chr(ord(sign) + 1) if sign.isascii() else "x"


def _boxed(answer: str) -> str:
    return f"\\boxed{{{answer}}}"


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
