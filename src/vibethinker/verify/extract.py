r"""Where the final answer stands in a response: in its last ``\boxed{}``, or, in mode ``any``, in its prose.

Only what follows the last ``</think>`` is read, and of that the last ``MAX_TAIL_CHARACTERS``. In mode ``boxed`` the
answer is what the last ``\boxed{}`` or ``\fbox{}`` holds, and nothing else ever is: an unclosed or an empty box is not
made up for by an earlier box or by a number in the prose, since such a response broke off before its final answer.

Neighbouring boxes, with nothing between them but white space, math delimiters, commas, semicolons, "and" and "or",
are one answer, joined by ``", "``. Neighbours that all hold the same text are one box said twice: no list of solutions
repeats one, while responses do repeat themselves.
"""

import re
from typing import Literal, NamedTuple

from vibethinker.algos.ways import BOX
from vibethinker.verify.latex.statements import parse_answer
from vibethinker.verify.latex.tree import AnswerError
from vibethinker.verify.prose import find_answer, find_final_answer

THOUGHT_START, THOUGHT_END = "<think>", "</think>"

MAX_TAIL_CHARACTERS = 20_000
"""How much of a response's end is searched; it bounds the time that hostile text can take."""

MAX_ANSWER_CHARACTERS = 2_000
"""A longer answer is refused: it is a derivation, and comparing it would take long."""

Mode = Literal["boxed", "any"]
ExtractionStatus = Literal["found", "no_answer", "unparseable", "refused"]


class Extraction(NamedTuple):
    """What was found in a response.

    Attributes:
        answer: The final answer without outer white space, never empty; None unless the status is ``found``.
        status: ``no_answer`` where there is no box or an empty one, ``unparseable`` where a thought or the last box is
            not closed, ``refused`` where the answer is longer than ``MAX_ANSWER_CHARACTERS``.
        reason: One line for a person; empty where an answer was found.
    """

    answer: str | None
    status: ExtractionStatus
    reason: str = ""


_UNCLOSED_THOUGHT = Extraction(None, "unparseable", "the response broke off within its thought")
_UNCLOSED_BOX = Extraction(None, "unparseable", r"the last \boxed{} is not closed")
_NO_BOX = Extraction(None, "no_answer", r"the response has no \boxed{}")
_EMPTY_BOX = Extraction(None, "no_answer", r"the last \boxed{} is empty")
_NOTHING_STATED = Extraction(None, "no_answer", r"the response has no \boxed{}, no formula and no number")
_TOO_LONG = Extraction(None, "refused", f"the answer is longer than {MAX_ANSWER_CHARACTERS} characters")

_MAX_FORMULA_CHARACTERS = 300
# Words, and the marks that set a formula off from the prose around it.
_PROSE = re.compile(
    r"(?<![\\A-Za-z])(?!sqrt|sin|cos|tan|log|exp|inf)[A-Za-z]{3,}|[A-Za-z]{2,}\s+[a-z]{2,}|[$:!?]|\\[(\[]|\.\s|\n"
)

_COMMAND, _FRAMED = BOX[:-1], r"\fbox{"
_OPENING = re.compile(r"\\(?:boxed|fbox)\s*\{")
# A box without braces is read only where nobody can doubt where it ends: not \boxed 3.14, not \boxed -5.
_PLAIN_BOX = re.compile(r"\\boxed(?:\s*([0-9]+)|\s+([A-Za-z]))(?=\s|\$|\\[)\]]|[.,;:!?)](?![0-9])|\Z)")
# A backslash takes the next character with it: \{ and \} are signs, not groups.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_JOINT = re.compile(
    r"\}(?:[\s$*,;~&]|\\[()\[\],;:!>\\ ]|\\q?quad(?![A-Za-z])|\\[hm]space\{[^{}]*\}|(?:and|or)(?![A-Za-z])"
    r"|\\(?:text(?:bf|it|rm|sf|normal)?|mathrm|mathbf|mbox|hbox)\{[\s,;]*(?:and|or)?[\s,;]*\})*\Z"
)
_MAX_JOINT_CHARACTERS = 80
_BLANK = " \t\r\n{}~$"


def extract_answer(text: str, mode: Mode = "boxed") -> Extraction:
    r"""Find the final answer of a response; never raises on what it holds, in time linear in its length.

    Args:
        text: The whole response, with its thought.
        mode: ``boxed`` reads boxes only. ``any`` is for evaluating base models, which do not box their answers, and is
            unfit for training: a model that is paid for it learns to state numbers. It takes the last box, unless a
            "final answer" is stated after it, else what ``prose.find_answer`` finds.

    Raises:
        ValueError: If there is no such mode.

    >>> extract_answer(r"so \boxed{1}, or rather, since $x > 0$, \boxed{\frac{1}{2}}").answer
    '\\frac{1}{2}'
    >>> extract_answer(r"$\boxed{-3}$ and $\boxed{3}$").answer
    '-3, 3'
    >>> extract_answer(r"\boxed{1} or \boxed{2").status
    'unparseable'
    >>> extract_answer("It costs 12 dollars.").status, extract_answer("It costs 12 dollars.", "any").answer
    ('no_answer', '12')
    """
    if mode not in ("boxed", "any"):
        raise ValueError(f"no mode {mode!r}: use 'boxed' or 'any'")
    begin = text.rfind(THOUGHT_END)
    begin = 0 if begin < 0 else begin + len(THOUGHT_END)
    if text.find(THOUGHT_START, begin) >= 0:
        return _UNCLOSED_THOUGHT
    begin = max(begin, len(text) - MAX_TAIL_CHARACTERS)
    start = _last_box(text, begin, len(text))
    if mode == "boxed":
        return _NO_BOX if start < 0 else _boxed(text, begin, start)
    if start < 0:
        whole = text[begin:].strip()
        return _stated(whole if _is_formula(whole) else find_answer(text[begin:]))
    stated = find_final_answer(text[start:])
    return _boxed(text, begin, start) if stated is None else _stated(stated)


def closing_brace(text: str, start: int) -> int:
    r"""Return where the group closes whose inside begins at ``start``; -1 where it does not.

    Braces nest; ``\{`` and ``\}`` are signs.
    """
    close = text.find("}", start)
    if close < 0 or (text.find("{", start, close) < 0 and text.find("\\", start, close) < 0):
        return close
    depth = 1
    for match in _BRACE.finditer(text, start):
        brace = match.group()
        if brace == "{":
            depth += 1
        elif brace == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def _last_box(text: str, begin: int, end: int) -> int:
    """Return where the last box in a stretch begins, of nested ones the innermost last; -1 where there is none."""
    start = text.rfind(_COMMAND, begin, end)
    return max(start, text.rfind(_FRAMED, max(begin, start), end))


def _boxed(text: str, begin: int, start: int) -> Extraction:
    """Read the box at ``start``, and its neighbours before it."""
    opening = _OPENING.match(text, start)
    if opening is None:
        plain = _PLAIN_BOX.match(text, start)
        return _UNCLOSED_BOX if plain is None else Extraction(plain[1] or plain[2], "found")
    inside = opening.end()
    close = closing_brace(text, inside)
    if close < 0:
        return _UNCLOSED_BOX
    answer = text[inside:close].strip()
    if not answer.strip(_BLANK):
        return _EMPTY_BOX
    if text.find("}", max(begin, start - _MAX_JOINT_CHARACTERS), start) >= 0:
        answer = _with_neighbours(text, begin, start, answer)
    return _TOO_LONG if len(answer) > MAX_ANSWER_CHARACTERS else Extraction(answer, "found")


def _with_neighbours(text: str, begin: int, start: int, answer: str) -> str:
    """Join an answer to those in the boxes right before it, up to what is too long anyway."""
    answers = [answer]
    characters = len(answer)
    while characters <= MAX_ANSWER_CHARACTERS:
        joint = _JOINT.search(text, max(begin, start - _MAX_JOINT_CHARACTERS), start)
        if joint is None:
            break
        start = _last_box(text, begin, joint.start())
        opening = _OPENING.match(text, start) if start >= 0 else None
        if opening is None or closing_brace(text, opening.end()) != joint.start():
            break
        neighbour = text[opening.end() : joint.start()].strip()
        if not neighbour.strip(_BLANK):
            break
        answers.append(neighbour)
        characters += len(neighbour) + len(", ")
    return answer if len(set(answers)) == 1 else ", ".join(reversed(answers))


def _is_formula(text: str) -> bool:
    """Tell whether a text as a whole is one answer in mathematical notation, without prose."""
    if len(text) > _MAX_FORMULA_CHARACTERS or _PROSE.search(text):
        return False
    try:
        parse_answer(text)
    except AnswerError:
        return False
    return True


def _stated(answer: str | None) -> Extraction:
    if not answer:
        return _NOTHING_STATED
    return _TOO_LONG if len(answer) > MAX_ANSWER_CHARACTERS else Extraction(answer, "found")
