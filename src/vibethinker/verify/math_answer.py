r"""The fast judge of a final answer against the gold one: no symbolic algebra, no evaluation of text, bounded cost.

The answer is compared as digits where both are whole numbers, then as text, then as a tree (see ``latex/``). What
neither decides is left to the slow path: notation beyond the parser, such as an integral.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from vibethinker.records import Verdict
from vibethinker.verify.extract import extract_answer
from vibethinker.verify.latex.compare import same_answer
from vibethinker.verify.latex.spellings import FUNCTIONS
from vibethinker.verify.latex.statements import parse_answer
from vibethinker.verify.latex.tree import (
    AnswerError,
    InBase,
    Mul,
    Node,
    NumberSet,
    TooLargeError,
    UnsupportedError,
    Var,
    Words,
)

MAX_GOLD_CHARACTERS = 2000
"""Longer reference answers are refused: no answer in a box may be as long, either."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")
# A group with a zero in front is no member of a list.
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[1-9][0-9]{2})+(?![0-9,])")
# What a computation begins with that only its result is taken from.
_OPERATION = re.compile(r"\\(?:lim|i*int|oint|sum|prod)(?![A-Za-z])")
# Calculus, which math-verify may know how to do; whatever else is beyond the parser is beyond it too.
_CALCULUS = re.compile(r"\\(?:lim|i*int|oint|sum|prod)(?![A-Za-z])|frac\s*\{\s*d\s*\}")
_SPACE = re.compile(r"\s+")
# White space that does not keep two words or numbers apart.
_LOOSE_SPACE = re.compile(r"(?<![0-9A-Za-z]) | (?![0-9A-Za-z])")
_IGNORED = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])|\\[,!;: ]|~")
_SUBSCRIPT = re.compile(r"_(?:\{[0-9]+\}|[0-9]+)\Z")
_OUTER_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|mathbf|operatorname)\s*\{([^{}\\$]*)\}"
)
_BRACED_CHARACTER = re.compile(r"([_^])\{([0-9A-Za-z])\}")
_WORDS = re.compile(r"[A-Za-z][A-Za-z .,'’\-()]*")
_CLOCK = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?:\s*([ap])\.?\s*(m)\.?)?", re.IGNORECASE)
_WORD_RUN = re.compile(r"[A-Za-z]{2,}")
_MATHEMATICAL = frozenset([*FUNCTIONS, "pi", "infinity", "inf", "infty", "and", "or", "sqrt", "in"])
# Longer runs of letters are words and no product of variables.
_MAX_PRODUCT = 4
_SHORT_WORDS = frozenset(["no", "on", "so", "is", "to", "up", "by"])
_SAID = {
    "all real numbers": NumberSet("R"),
    "all reals": NumberSet("R"),
    "the empty set": NumberSet("empty"),
    "empty set": NumberSet("empty"),
    "no solution": NumberSet("empty"),
    "no solutions": NumberSet("empty"),
    "no real solution": NumberSet("empty"),
    "no real solutions": NumberSet("empty"),
}


def judge_math(gold: str, answer: str) -> Verdict | None:
    r"""Return the verdict on an answer taken out of a response; None where the slow path must decide.

    Never raises, whatever the texts hold.

    >>> judge_math(r"\frac{1}{2}", "0.5").status, judge_math("1/3", "0.333333").status
    ('match', 'mismatch')
    """
    gold, answer = bare_gold(gold), answer.strip()
    if _WHOLE.fullmatch(gold) and _WHOLE.fullmatch(answer):
        return _verdict(int(gold) == int(answer), gold, answer, "exact")
    reference = read_gold(gold)
    if reference.error:
        return Verdict(None, "gold_error", answer, f"the reference answer {_short(gold)}: {reference.error}")
    if plain(answer) in {reference.plain, reference.digits}:
        return _verdict(True, gold, answer, "text")
    try:
        return _compared(reference, gold, answer)
    except TooLargeError as error:
        return Verdict(False, "refused", answer, f"the answer {_short(answer)} is refused: {error}", "parsed")
    except UnsupportedError as error:
        if _for_the_slow_path(gold) or _for_the_slow_path(answer):
            return None
        if reference.beyond:
            return Verdict(None, "gold_error", answer, f"the reference answer {_short(gold)}: {reference.beyond}")
        return Verdict(False, "unparseable", answer, f"the answer {_short(answer)}: {error}", "parsed")
    except AnswerError as error:
        return Verdict(False, "unparseable", answer, f"the answer {_short(answer)}: {error}", "parsed")
    except RecursionError:
        return Verdict(False, "refused", answer, f"the answer {_short(answer)} is nested too deep", "parsed")


def _for_the_slow_path(text: str) -> bool:
    """Tell whether math-verify may judge a text; of matrices among other things it reads a part and is content."""
    return _CALCULUS.search(text) is not None and r"\begin" not in text


@dataclass(frozen=True)
class Gold:
    """A reference answer, read once.

    Attributes:
        plain: Its text without loose typesetting.
        digits: Of a number in a base, its digits alone; else the same as ``plain``.
        readings: Its trees: two where a comma may group digits or separate numbers.
        words: Its text where it is words, else "".
        beyond: Why it has no readings though it is no nonsense: nothing but the same text is known to be right.
        error: Why it cannot be used, else "".
    """

    plain: str
    digits: str = ""
    readings: tuple[Node, ...] = ()
    words: str = ""
    beyond: str = ""
    error: str = ""


def bare_gold(gold: str) -> str:
    r"""Return a reference answer without the box that some data sets leave around it.

    >>> bare_gold(r"$\boxed{\frac{1}{2}}$"), bare_gold(" 7 ")
    ('\\frac{1}{2}', '7')
    """
    if r"\boxed" in gold:
        found = extract_answer(gold)
        if found.answer is not None:
            return found.answer.strip()
    return gold.strip()


def read_gold(gold: str) -> Gold:
    """Read a reference answer; what is wrong with it stands in ``error``."""
    if len(gold) > MAX_GOLD_CHARACTERS:
        return Gold("", error=f"it is longer than {MAX_GOLD_CHARACTERS:,} characters")
    return _read_gold(gold)


@lru_cache(maxsize=4096)
def _read_gold(gold: str) -> Gold:
    text = plain(gold)
    if not text:
        return Gold(text, error="it is empty")
    words = words_of(gold)
    if words is not None:
        return Gold(text, text, _meant(words), words)
    try:
        readings = tuple(_readings(gold))
        for reading in readings:
            if not same_answer(reading, reading):
                return Gold(text, error="it does not equal itself")
    except (UnsupportedError, TooLargeError) as error:
        return Gold(text, text, beyond=str(error))
    except (AnswerError, RecursionError) as error:
        sentence = _sentence(gold)
        return Gold(text, text, words=sentence) if sentence else Gold(text, error=f"it cannot be read: {error}")
    in_base = isinstance(readings[0], InBase)
    return Gold(text, _SUBSCRIPT.sub("", text) if in_base else text, readings)


def _compared(reference: Gold, gold: str, answer: str) -> Verdict:
    words = words_of(answer)
    if words is not None and reference.words:
        same = words == reference.words or (words in _SAID and _SAID[words] == _SAID.get(reference.words))
        return _verdict(same, gold, answer, "text")
    if reference.words and not reference.readings:
        # A sentence has no value; letters that may be a product are still no sentence.
        return _verdict(_sentence(answer) == reference.words, gold, answer, "text")
    answers = _meant(words) if words is not None else tuple(_readings(answer))
    if words is not None and not answers:
        return _verdict(False, gold, answer, "text")
    if not reference.readings:
        raise UnsupportedError(reference.beyond)
    for one in reference.readings:
        for other in answers:
            try:
                if same_answer(one, other):
                    return _verdict(True, gold, answer, "parsed")
            except UnsupportedError:
                # The gold answer was comparable with itself, so that the answer is of another kind.
                continue
    return _verdict(False, gold, answer, "parsed")


def _readings(text: str) -> list[Node]:
    """Return the ways of reading an answer: 1,234 is one number, or else two."""
    if clock := _CLOCK.fullmatch(_OUTER_TEXT.sub(r"\1", _IGNORED.sub(" ", text)).strip(" $")):
        hour, half, _ = clock.groups()
        if half or hour.split(":")[1][0] == "0":
            return [Words(hour + (half or "").lower())]
    try:
        readings = [parse_answer(text)]
    except UnsupportedError:
        # Of a chain, such as a limit and its value, the last member counts.
        before, _, last = text.rpartition("=")
        if not _OPERATION.search(before) or last.count("{") != last.count("}"):
            raise
        readings = [parse_answer(last)]
    if _GROUPED.search(text):
        with suppress(AnswerError):
            other = parse_answer(text, grouping=False)
            readings += [other] if other != readings[0] else []
    return readings


def plain(text: str) -> str:
    """Return the text without the typesetting around it and the white space that separates nothing."""
    text = text.strip().strip("$").strip()
    if text.startswith((r"\(", r"\[")) and text.endswith((r"\)", r"\]")):
        text = text[2:-2]
    text = _SPACE.sub(" ", _IGNORED.sub(" ", text)).strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1]
    text = _OUTER_TEXT.sub(r"\1", text.replace("dfrac", "frac").replace("tfrac", "frac"))
    text = _BRACED_CHARACTER.sub(r"\1\2", text)
    return _LOOSE_SPACE.sub("", text).strip()


def words_of(text: str) -> str | None:
    """Return an answer in words, normalised; None where it may be mathematics.

    >>> words_of(r"\\text{Even}"), words_of("xy"), words_of("no solution.")
    ('even', None, 'no solution')
    """
    text = _IGNORED.sub(" ", text).strip().strip("$").strip().strip("*").strip()
    if match := _OUTER_TEXT.fullmatch(text.rstrip(". ")):
        text = match[1]
    elif "\\" in text:
        text = _OUTER_TEXT.sub(r"\1", text)
    text = text.strip().strip("\"'“”").rstrip(".!").strip()
    if not _WORDS.fullmatch(text):
        return None
    runs = _WORD_RUN.findall(text.lower())
    if not any(run not in _MATHEMATICAL and (len(run) > 2 or run in _SHORT_WORDS) for run in runs):
        return None
    return _normal_words(text)


def _sentence(text: str) -> str:
    """Return prose that holds more than letters, normalised; "" for what is no prose."""
    text = _OUTER_TEXT.sub(r"\1", text)
    if any(sign in text for sign in "\\{}^_") or not re.search(r"[A-Za-z]{3,}", text):
        return ""
    return _normal_words(text)


def _normal_words(text: str) -> str:
    return _SPACE.sub(" ", text.replace("’", "'")).strip(" .()").casefold()


def _meant(words: str) -> tuple[Node, ...]:
    """Return what words mean beside mathematics: a sign that they say, or a product, as xyz is."""
    if words in _SAID:
        return (_SAID[words],)
    if len(words) <= _MAX_PRODUCT and words.isalpha():
        return (Mul(tuple(map(Var, words))),)
    return ()


def _verdict(correct: bool, gold: str, answer: str, path: str) -> Verdict:
    if correct:
        return Verdict(True, "match", answer, f"the answer {_short(answer)} is {_short(gold)}", path)
    return Verdict(False, "mismatch", answer, f"the answer {_short(answer)} is not {_short(gold)}", path)


def _short(text: str, width: int = 60) -> str:
    """Quote text on one line for a person."""
    return repr(text if len(text) <= width else f"{text[:width]}...")
