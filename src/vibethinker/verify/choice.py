r"""Multiple choice: which option a response commits itself to. A letter is never made up.

The last box decides where it holds a letter (``\boxed{B}``, ``\boxed{\text{(B)}}``, ``\boxed{B: 12 cm}``) or the text
of an option; else the prose does, as ``choice_statements`` says. A response that ends on a letter that is no option, or
on several, has not answered, whatever it said before.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from string import ascii_letters, ascii_uppercase

from vibethinker.records import Verdict
from vibethinker.verify.choice_letter import MAX_CHARACTERS, SEVERAL, letter_at, plain
from vibethinker.verify.choice_statements import committed_letter
from vibethinker.verify.extract import THOUGHT_END, extract_answer
from vibethinker.verify.plain_text import bare, normalized, quoted

DEFAULT_LETTERS = "ABCDEFGHIJ"

_MAX_TEXT_CHARACTERS = 2_000
_MAX_TRIMMINGS = 20
"""How many characters around an option's text in prose may be none of it."""

_INTRODUCTION = re.compile(
    r"(?:(?:the )?(?:final |correct |best )?(?:answer|option|choice|letter)(?: (?:is|option|choice))?:? ?)?",
    re.IGNORECASE,
)
# What divides a letter in a box from the option's text; one in parentheses needs nothing but a space.
_DIVIDED = re.compile(r"\)|[.:](?= )| ?[\u2013\u2014]| -(?= )| (?=\(.*\)\Z)")
_DIVIDED_SET_OFF = re.compile(rf"{_DIVIDED.pattern}|[.:]?\\? (?=[^\s+*/=<>^-])")
_LABEL = re.compile(r"\(?([A-Za-z])[).:]\s*(?=\S)")


class ChoiceVerifier:
    r"""Compares the options that two answers mean.

    >>> judge = ChoiceVerifier(["Oslo", "Paris", "Rome"])
    >>> judge("B", "So the answer is (B).").status, judge("Paris", r"\boxed{\text{Paris}}").extracted
    ('match', 'B')
    >>> judge("B", "A train leaves, and I think so.").status, judge("B", "The answer is A or B.").status
    ('no_answer', 'unparseable')
    """

    def __init__(self, choices: Sequence[str] | Mapping[str, str] | str | None = None) -> None:
        """Take the options.

        Args:
            choices: Their texts in the order A, B, ...; or their texts by letter; or their letters, such as ``"ABCD"``;
                None for A to J.

        Raises:
            ValueError: If there are none, more than 26, or what should be a letter is none or comes twice.
        """
        by_letter = _by_letter(DEFAULT_LETTERS if choices is None else choices)
        self._letters = frozenset(by_letter)
        texts = [
            (letter, normalized(plain(form)))
            for letter, text in by_letter.items()
            if text
            for form in (text, f"{letter} {text}")
        ]
        # An option's text stands for it only where no other has the same.
        how_often = Counter(text for _, text in texts)
        self._by_text = {text: letter for letter, text in texts if how_often[text] == 1}
        self._longest = max(map(len, self._by_text), default=-_MAX_TRIMMINGS) + _MAX_TRIMMINGS

    def __call__(self, gold: str, response: str) -> Verdict:
        """Return the verdict; never raises on what a response holds.

        Args:
            gold: The letter or the text of the right option.
            response: The whole response, with its thought.
        """
        expected = self._option(gold)
        if expected is None or expected not in self._letters:
            options = "".join(sorted(self._letters))
            reason = f"the reference answer {quoted(gold)} is none of the options {options}"
            return Verdict(None, "gold_error", reason=reason)
        found = extract_answer(response)
        if found.status == "unparseable":
            return Verdict(False, "unparseable", reason=found.reason, path="choice")
        letter = self._option(found.answer) if found.answer is not None else None
        if letter is None:
            letter = self._option_in_prose(response)
        if letter is None:
            if found.answer is None:
                return Verdict(False, "no_answer", reason="the response settles on no option", path="choice")
            reason = f"the box holds {quoted(found.answer)}, which is no option, and the prose settles on none"
            return Verdict(False, "unparseable", reason=reason, path="choice")
        if letter not in self._letters:
            what = "several options" if letter == SEVERAL else f"{letter}, which is no option"
            return Verdict(False, "unparseable", reason=f"the response ends on {what}", path="choice")
        if letter == expected:
            return Verdict(True, "match", letter, f"the choice is {letter}", "choice")
        return Verdict(False, "mismatch", letter, f"the choice {letter} is not {expected}", "choice")

    def _option(self, answer: str) -> str | None:
        """Return the letter that an answer is or means, ``SEVERAL`` for several, None for none."""
        answer = answer.strip()
        if len(answer) != 1 or answer not in ascii_uppercase:
            answer = plain(bare(answer))
        if len(answer) == 1 and answer in ascii_uppercase:
            return answer
        if option := self._option_by_text(answer):
            return option
        introduction = _INTRODUCTION.match(answer)
        start = introduction.end() if introduction else 0
        reading = letter_at(answer, start)
        if reading is None:
            return None
        letter, end = reading
        rest = answer[end:]
        if letter == SEVERAL or rest in ("", ".", ")", ":", ","):
            return letter
        if divided := (_DIVIDED_SET_OFF if answer[start] == "(" else _DIVIDED).match(rest):
            other = letter_at(rest, divided.end(), closed=True)
            return letter if other is None or other[0] == letter else SEVERAL
        return None

    def _option_in_prose(self, response: str) -> str | None:
        prose = response.rpartition(THOUGHT_END)[2][-MAX_CHARACTERS:]
        if len(prose) <= _MAX_TEXT_CHARACTERS and (option := self._option_by_text(plain(prose))):
            return option
        return committed_letter(prose, self._option_by_text)

    def _option_by_text(self, text: str) -> str | None:
        """Return the letter of the option with a text; a text that is a letter does so only bare and small."""
        if len(text) > self._longest:
            return None
        key = normalized(text)
        if len(key) == 1 and key in ascii_letters and text.strip(" .") != key:
            return None
        return self._by_text.get(key)


def _by_letter(choices: Sequence[str] | Mapping[str, str] | str) -> dict[str, str]:
    """Return the options' texts by letter; "" where only the letter is known."""
    if isinstance(choices, str):
        options = [(letter, "") for letter in choices]
    elif isinstance(choices, Mapping):
        options = [(letter.strip(), text) for letter, text in choices.items()]
    elif len(choices) > len(ascii_uppercase):
        raise ValueError(f"{len(choices)} choices are more than there are letters: give at most {len(ascii_uppercase)}")
    else:
        options = list(zip(ascii_uppercase, choices, strict=False))
    by_letter = {letter.upper(): text for letter, text in options if len(letter) == 1 and letter in ascii_letters}
    if not options or len(by_letter) != len(options):
        given = quoted(repr(choices))
        raise ValueError(f"choices {given}: give the options' texts, their texts by letter, or letters such as 'ABCD'")
    labels = {letter: _LABEL.match(text) for letter, text in by_letter.items()}
    if all(own and own[1].upper() == letter for letter, own in labels.items()):
        return {letter: by_letter[letter][own.end() :] for letter, own in labels.items() if own}
    return by_letter
