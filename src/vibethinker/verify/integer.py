r"""Integers from 0 to 999, as the AIME asks for them.

Read strictly: one to three digits, more only as leading zeros (``042`` is 42), ``.0`` after them or not, with whatever
typesets the whole (``$042$``, ``\text{42}``, ``\textbf{42.}``), and after the last ``=`` of one equation
(``m+n = 20+22 = 42``). A sign, any other decimal, a unit, a degree sign, a grouping, a fraction, a list or a second
equation is no such integer: a response that was asked for one and gives more than one has not answered.
"""

import re

from vibethinker.records import Verdict
from vibethinker.verify.extract import Mode, extract_answer
from vibethinker.verify.plain_text import bare, quoted

LARGEST = 999

_INTEGER = re.compile(r"0*([0-9]{1,3})(?:\.0+)?")
_PARENTHESES = re.compile(r"\([^()]*\)")
# What makes the left side more than one side of one equation.
_NOT_ONE_SIDE = re.compile(
    r"[,;<>!\u2260\u2264\u2265\u2248]|\b(?:and|or)\b|\\(?:neq?|leq?|geq?|lt|gt|approx|equiv|sim|not|q?quad)(?![A-Za-z])"
)


def read_integer(text: str) -> int | None:
    r"""Return the integer from 0 to 999 that an answer is, None where it is none.

    >>> read_integer("042"), read_integer(r"$m+n = 20 + 22 = \textbf{42}$"), read_integer("42.0")
    (42, 42, 42)
    >>> read_integer("-7") is read_integer("1000") is read_integer("42.5") is read_integer("x=42, y=3") is None
    True
    """
    left, equals, right = bare(text).rpartition("=")
    if equals and _NOT_ONE_SIDE.search(_PARENTHESES.sub("", left)):
        return None
    match = _INTEGER.fullmatch(bare(right))
    return int(match[1]) if match else None


class IntegerVerifier:
    r"""Compares integers from 0 to 999.

    >>> IntegerVerifier()("042", r"so $m+n=\boxed{42}$").status
    'match'
    """

    def __init__(self, mode: Mode = "boxed") -> None:
        """Take where the answer is looked for; see ``extract_answer``."""
        self._mode = mode

    def __call__(self, gold: str, response: str) -> Verdict:
        """Return the verdict; never raises on what a response holds."""
        expected = read_integer(gold)
        if expected is None:
            reason = f"the reference answer {quoted(gold)} is no integer from 0 to {LARGEST}"
            return Verdict(None, "gold_error", reason=reason)
        found = extract_answer(response, self._mode)
        if found.status != "found":
            return Verdict(False, found.status, reason=found.reason, path="extraction")
        answer = found.answer or ""
        number = read_integer(answer)
        if number is None:
            reason = f"the answer {quoted(answer)} is no integer from 0 to {LARGEST}"
            return Verdict(False, "unparseable", answer, reason, "integer")
        if number == expected:
            return Verdict(True, "match", answer, f"the answer is {expected}", "integer")
        return Verdict(False, "mismatch", answer, f"the answer {number} is not {expected}", "integer")
