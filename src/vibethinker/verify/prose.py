r"""The final answer of a response that boxes none: for evaluating base models only, unfit for training.

In this order:

1. what the last statement such as "the final answer is ...", "Answer: ..." or "#### ..." gives: a formula or a number,
   else the rest of its sentence;
2. of the last sentence that has a formula or a number: what stands after "is", "are", "equals", ``=`` or a colon, else
   its last formula, else its last number.

A formula stands in ``$...$``, ``$$...$$``, ``\(...\)`` or ``\[...\]``, and is given back without them and whole: what
its ``=`` mean is the reader's business. A ``\$`` is a dollar sign, and so is a ``$`` that opens no formula.
Neighbouring formulas are joined by ``", "``. A number comes with its sign, grouping, denominator and per cent sign, but
without its currency. What follows a mark that ends the model's turn, such as ``<|im_end|>``, is not read.
"""

import re
from collections.abc import Iterator

# Formulas are masked by these two before sentences are looked for, so that no stop and no word inside one counts.
_FIRST, _REST = "\x00", "\x01"
_FORMULA = f"{_FIRST}{_REST}*"
_FORMULAS = re.compile(rf"{_FORMULA}(?:(?:[ \t*,;]|\b(?:and|or)\b)*{_FORMULA})*")
_NUMBER = (
    r"(?:(?<![\w.)\]])[-+\u2212])?(?<![\w.])(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][-+]?[0-9]+)?(?:/[0-9]+)?(?![0-9]|(?:st|nd|rd|th)\b)(?: ?\\?%)?"
)
_NUMBERS = re.compile(_NUMBER)
_CURRENCY = r"(?:\\?[$€£¥] ?)?"
_VALUE = (
    r"[ \t*_]*(?:(?:approximately|about|exactly|simply|only|just|therefore|thus|equal to|given by)\b[ \t*_:]*){0,3}"
    rf"(?:{_FORMULAS.pattern}|{_CURRENCY}(?P<number>{_NUMBER}(?:(?:,? and |,? or |, ){_NUMBER})+(?=\s*(?:[.;!?]|\Z))"
    rf"|{_NUMBER}))"
)
_COPULA = r"\b(?:is|are|was|be|becomes|equals)\b|['\u2019]s\b"
_SAID = re.compile(f"(?:{_COPULA}){_VALUE}")
_LINKED = re.compile(rf"(?:{_COPULA}|[=:\u2248]){_VALUE}")

_FINAL = r"\bfinal[ \t]+answers?[ \t*_\"]*(?:\bis\b(?![ \t]+not\b)|[:=])"
_FINALLY_STATED = re.compile(_FINAL, re.IGNORECASE)
_STATED = re.compile(
    rf"{_FINAL}|\banswers?[ \t*_\"]*(?:[:=]|(?:\b(?:to|for|of)\b[^.:;\n]{{0,60}} )?\bis\b(?![ \t]+not\b))"
    r"|^[ \t]*####(?!#)|\u7b54\u6848[ \t]*[\u662f\u4e3a:\uff1a]",
    re.IGNORECASE | re.MULTILINE,
)
_FILLER = re.compile(r"(?:[\s*_:\"]|\b(?:therefore|thus|simply|just|equal to|given by|that|is)\b)*", re.IGNORECASE)
_CURRENCY_SIGN = re.compile(_CURRENCY)
_SENTENCE_END = re.compile(r"[.!?\u3002](?=\s|[*_\"')]|\Z)|\n|<\|")
_CLAUSE = re.compile(r",?\s+(?:because|since|which|where|as|so|but|not|when|if|I|we)\b", re.IGNORECASE)
_WORD = re.compile(r"\b(?!(?:and|or)\b)[A-Za-z]{2,}")
_MAX_UNIT_WORDS = 3
"""More words after a number are no unit of it ("12 square centimetres") but go on telling."""

_TURN_MARK = re.compile(r"<\|(?:im_start|im_end|endoftext|end_of_text|eot_id|end|user|assistant)\|>|</s>")
_DELIMITER = re.compile(r"\\.|\$\$?", re.DOTALL)
_CLOSING = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}
_WORDING = re.compile(r"\\(?:text\w*|mathrm|mbox|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+")
_WORDS = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}[,.;:]?\s+[A-Za-z]{2,}")
_NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?|\([A-Za-z](?:, ?[A-Za-z])*\)")


def find_answer(text: str) -> str | None:
    r"""Return the final answer that prose gives, None where it has no statement, no formula and no number.

    Never raises; time is linear in the text.

    >>> find_answer(r"Adding up, we get $\frac{1}{2}$. The answer is therefore $x = \frac{1}{2}$, as claimed.")
    'x = \\frac{1}{2}'
    >>> find_answer("He pays $10 and then $1,000.50 more.")
    '1,000.50'
    """
    prose = _Prose(own_turn(text))
    return prose.last_statement(_STATED) or prose.last_value()


def find_final_answer(text: str) -> str | None:
    """Return what the last "final answer is ..." gives, None where that has no formula and no number.

    >>> find_final_answer("Final Answer: The final answer is $7$. I hope it is correct.")
    '7'
    >>> find_final_answer("The final answer is above.") is None
    True
    """
    if _FINALLY_STATED.search(text) is None:
        return None
    answer = _Prose(own_turn(text)).last_statement(_FINALLY_STATED)
    return answer if answer and _NUMBERS.search(answer) else None


def own_turn(text: str) -> str:
    """Return a text up to the mark at which the next speaker's turn begins, where a model has gone on past its own.

    >>> own_turn("It is 5.<|im_end|>What is 6 + 6?")
    'It is 5.'
    """
    for mark in _TURN_MARK.finditer(text):
        if turn := text[: mark.start()].strip():
            return turn
    return text


class _Prose:
    """A text, its formulas by where they begin, and the text with the formulas masked, character for character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.formulas: dict[int, str] = {}
        pieces = []
        end = 0
        for start, stop, formula in _formulas(text):
            self.formulas[start] = formula
            pieces += [text[end:start], _FIRST, _REST * (stop - start - 1)]
            end = stop
        self.masked = "".join([*pieces, text[end:]])

    def last_statement(self, pattern: re.Pattern[str]) -> str | None:
        """Return what follows the last match of a pattern in its sentence; None where nothing does."""
        start = -1
        for match in pattern.finditer(self.masked):
            start = match.end()
        if start < 0:
            return None
        if filler := _FILLER.match(self.masked, start):
            start = filler.end()
        sentence_end = _SENTENCE_END.search(self.masked, start)
        end = sentence_end.start() if sentence_end else len(self.masked)
        opening = self._joined(_FORMULAS.match(self.masked, start, end))
        if opening and not _NAME.fullmatch(opening):
            return opening
        currency = _CURRENCY_SIGN.match(self.masked, start, end)
        if _NUMBERS.match(self.masked, currency.end() if currency else start, end):
            return _rest(self.text[currency.end() if currency else start : end])
        return self._value(start, end, _SAID) or opening or self._formula(start, end) or _rest(self.text[start:end])

    def last_value(self) -> str | None:
        """Return the value that the last sentence with one gives."""
        end = len(self.masked)
        starts = [0, *(match.end() for match in _SENTENCE_END.finditer(self.masked))]
        for start in reversed(starts):
            if value := self._value(start, end, _LINKED) or self._formula(start, end):
                return value
            numbers = _NUMBERS.findall(self.masked, start, end)
            if numbers:
                return str(numbers[-1])
            if value := self._formula(start, end, names=True):
                return value
            end = start
        return None

    def _value(self, start: int, end: int, pattern: re.Pattern[str]) -> str | None:
        """Return the last formula or number that a linking pattern leads to."""
        value = None
        for match in pattern.finditer(self.masked, start, end):
            value = match["number"] or self._joined(match)
        return value

    def _formula(self, start: int, end: int, *, names: bool = False) -> str | None:
        """Return the last formula, mere names such as ``n`` left out unless wanted."""
        value = None
        for match in _FORMULAS.finditer(self.masked, start, end):
            formula = self._joined(match)
            if formula and (names or not _NAME.fullmatch(formula)):
                value = formula
        return value

    def _joined(self, match: re.Match[str] | None) -> str | None:
        """Return the formulas that a match covers, joined; None where it covers none."""
        if match is None:
            return None
        return ", ".join(self.formulas[at] for at in range(*match.span()) if at in self.formulas) or None


def _rest(sentence: str) -> str | None:
    """Return a sentence up to its first subordinate clause; of a number that more follows, the number alone."""
    if clause := _CLAUSE.search(sentence):
        sentence = sentence[: clause.start()]
    sentence = sentence.strip(" \t\r*_`\"',;")
    number = _NUMBERS.match(sentence)
    if number and len(_WORD.findall(sentence, number.end())) > _MAX_UNIT_WORDS:
        return number.group()
    return sentence or None


def _formulas(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each formula begins and ends, delimiters included, and what it says."""
    opener, start = "", 0
    for match in _DELIMITER.finditer(text):
        token = match.group()
        if opener and token == _CLOSING[opener]:
            inside = text[start + len(opener) : match.start()]
            if _is_formula(inside, opener, text[match.end() : match.end() + 1]):
                yield start, match.end(), inside.strip()
                opener = ""
                continue
        # A dollar sign that turned out to open no formula gives way to whatever may open one.
        if token in _CLOSING and (opener in ("", "$") or token in (r"\(", r"\[")):
            opener, start = token, match.start()


def _is_formula(inside: str, opener: str, after: str) -> bool:
    """Tell a formula from what happens to stand between two sums of money."""
    if not inside.strip():
        return False
    if opener != "$":
        return True
    if "\n\n" in inside or after.isdigit() or (inside[-1].isspace() and not inside[0].isspace()):
        return False
    return _WORDS.search(_WORDING.sub(" ", inside)) is None
