r"""Answers compared as text: the same words, whatever typesetting and case they come in.

What does not count: Unicode compatibility forms (NFKC), case, how much white space, a final period, whatever encloses
the whole answer (``$...$``, ``\(...\)``, ``\text{...}`` and its like, braces, ``**``), the backslash of an escaped
``\%``, and parentheses around a single letter. Everything else counts: ``x = 5`` is not ``5``, ``1/2`` not ``0.5``.
"""

import re
import unicodedata

from vibethinker.records import Verdict
from vibethinker.verify.extract import Mode, closing_brace, extract_answer

_MAX_LAYERS = 8
_STYLED = re.compile(
    r"(?:\\(?:text(?:bf|it|rm|sf|tt|sl|sc|up|md|normal)?|math(?:bf|it|rm|sf|tt|bb|cal|normal)|boldsymbol|bm|mbox|hbox"
    r"|emph|underline|operatorname)\s*)?\{"
)
_ENCLOSED = (
    ("$$", "$$"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
    ("**", "**"),
    ("__", "__"),
    ("`", "`"),
    ("*", "*"),
)
_SPACING = re.compile(r"\\[,;:!> ]|\\q?quad(?![A-Za-z])|~")
_ESCAPED = re.compile(r"\\([%$#&_])")
_ENCLOSED_LETTER = re.compile(r"[(\[]\s*([^\W\d_])\s*[)\]]")


def bare(text: str) -> str:
    r"""Return an answer without outer white space, without what encloses the whole of it and without a final period.

    >>> bare(r" $\text{\textbf{Even}.}$ "), bare(r"\text{a} or \text{b}"), bare(r"\{1\}")
    ('Even', '\\text{a} or \\text{b}', '\\{1\\}')
    """
    text = text.strip()
    for _ in range(_MAX_LAYERS):
        before = text
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].rstrip()
        if text.endswith("}"):
            opening = _STYLED.match(text)
            if opening and closing_brace(text, opening.end()) == len(text) - 1:
                text = text[opening.end() : -1].strip()
        for left, right in _ENCLOSED:
            if text.startswith(left) and text.endswith(right) and len(text) > len(left + right):
                inside = text[len(left) : -len(right)]
                if left not in inside and right not in inside:
                    text = inside.strip()
        if text == before:
            break
    return text


def normalized(text: str) -> str:
    r"""Return what of an answer counts as text; answers are the same where this is.

    >>> normalized(r"$\text{(C)}$"), normalized("No  real\nsolution."), normalized(r"12\%")
    ('c', 'no real solution', '12%')
    """
    text = unicodedata.normalize("NFKC", bare(text))
    text = bare(" ".join(_ESCAPED.sub(r"\1", _SPACING.sub(" ", text)).split()))
    if letter := _ENCLOSED_LETTER.fullmatch(text):
        text = letter[1]
    return text.casefold()


def quoted(text: str, width: int = 60) -> str:
    """Quote text on one line for a person."""
    return repr(text if len(text) <= width else f"{text[:width]}...")


class TextVerifier:
    r"""Compares answers as text.

    >>> TextVerifier()("no solution", r"\boxed{\text{No solution}}").status
    'match'
    """

    def __init__(self, mode: Mode = "boxed") -> None:
        """Take where the answer is looked for; see ``extract_answer``."""
        self._mode = mode

    def __call__(self, gold: str, response: str) -> Verdict:
        """Return the verdict; never raises on what a response holds."""
        expected = normalized(gold)
        if not expected:
            return Verdict(None, "gold_error", reason="the reference answer is empty")
        found = extract_answer(response, self._mode)
        if found.status != "found":
            return Verdict(False, found.status, reason=found.reason, path="extraction")
        answer = found.answer or ""
        if normalized(answer) == expected:
            return Verdict(True, "match", answer, f"the answer is {quoted(gold)}", "text")
        return Verdict(False, "mismatch", answer, f"the answer {quoted(answer)} is not {quoted(gold)}", "text")
