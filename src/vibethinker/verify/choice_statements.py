r"""The letter of an option that prose commits itself to; never one that prose merely has in it.

A letter counts only behind an anchor, and the strongest kind of anchor that a text has decides:

1. it is said to be the answer, or chosen ("the answer is (C)", "Answer: C", "I choose C"), or is all of the last line;
2. the text begins with it as a label ("C. Because ...");
3. it is called the right one ("C is correct"), and no other letter is;
4. a conclusion ends in it ("therefore it's C.");
5. the last line begins with it as a label, and is no item of a list of the options.

Of several statements of the first or fourth kind the last counts; so does a 3 or 4 after a "wait" or an "actually",
like a 1: responses correct themselves. A last statement that names several letters is no answer, and none before it
makes up for it. Conditions ("if the answer is B"), questions, negations and "might be" state nothing.
"""

import re
from collections.abc import Callable, Iterator

from vibethinker.verify.choice_letter import (
    SEVERAL,
    STOP,
    bare_letter,
    first_label,
    label,
    last_label,
    letter_at,
    plain,
    set_off_or_capital,
)

OptionOf = Callable[[str], str | None]
"""Gives the letter of the option whose text it is given; None where there is none."""

Found = tuple[int, str]
"""Where a statement begins, and its letter or ``SEVERAL``."""

_SENTENCE_END = re.compile(r"[.!?]\s|\n")
_GOOD = (
    r"(?:correct|right|best|true|final|accurate|appropriate|suitable|valid|remaining|likely|possible|plausible|single)"
)
_BE = r"(?:is|was|would be|should be|must be|will be|has to be|seems to be|appears to be|would then be|is then)"
_NOT = r"(?! (?:not|neither|none|never)\b)"
_WILL = (
    r"(?: (?:would|will|shall|must|should|can|therefore|thus|hence|so|now|then|finally|have to|am going to|going to))*"
)
_FOREIGN = (
    r"\b(?:antwort|lösung|respuesta|opción|réponse|reponse|risposta|resposta|jawaban|odpowiedź|antwoord|svar|cevap|yanıt"
    r"|jibu|idahun|đáp án|ответ|вариант)\b(?: [a-zà-ÿ]{3,12})?(?: ?[:=-]| (?:ist|est|es|è|é|er|är|adalah|là|jest)\b)"
    r"|(?:答案|答复|正确选项|选择|選擇|选项|回答|解答|答え|故选|选|選)(?:应该|應該|应|應)?(?:是|为|為|选|選|は)? ?:?"
    r"|答 ?:"
    r"|(?:정답|답변|답)(?:은| ?:)|(?:الإجابة|الجواب|إجابة|اجابة|جواب)(?: \w+)?(?: هي| هو)? ?:"
    r"|(?:उत्तर|উত্তর|জবাব|જવાબ|ಉತ್ತರ|பதில்|సమాధానం)(?: है| হল)? ?[:ঃ]?"
)
# All patterns read lower-case text.
_STATED = re.compile(
    r"\b(?:answers?|ans)\b[\"')]*(?: ?\([^()\n]{0,20}\))?(?: (?:choice|option|letter))?(?: (?:is|was))?"
    r" ?[:=\u2013\u2014-][\"']*"
    r"|\b(?:answer|option|choice|solution)(?: choice| option| letter)?(?: (?:to|for|of|here)\b[^.:;\n()]{0,60}?)?"
    rf" {_BE}{_NOT}:?"
    rf"|\b{_GOOD} (?:statement|alternative|response|letter|one|conclusion|description|explanation) {_BE}{_NOT}:?"
    r"|\b(?:selected|chosen|choice|option|selection)(?: (?:option|choice|answer|selected|chosen))? ?[:=]|<answer>"
    rf"|(?:\b(?:i|we)(?:['\u2019](?:ll|d|m))?{_WILL} |\A|(?<=[.:;,!\n]) ?)(?:(?:so|therefore|thus|hence|then),? )?"
    r"\b(?P<chosen>choose|chose|select|selected|pick|picked|opt for|go with|going with|went with|vote for|settle on)\b"
    rf":?|{_FOREIGN}"
)
_STATED_WORDS = (
    *("ans", "option", "choice", "solution", "select", "chose", "choos", "pick", "opt for", "go with", "going with"),
    *("went with", "vote for", "settle on", "statement", "alternative", "response", "letter", " one ", "conclusion"),
    *(
        "description",
        "explanation",
        "antw",
        "lösung",
        "respuesta",
        "opción",
        "réponse",
        "reponse",
        "risposta",
        "resposta",
    ),
    *(
        "jawaban",
        "odpowiedź",
        "svar",
        "cevap",
        "yanıt",
        "jibu",
        "idahun",
        "đáp án",
        "ответ",
        "вариант",
        "答",
        "选",
        "選",
        "답",
    ),
    *("إجابة", "اجابة", "جواب", "उत्तर", "উত্তর", "জবাব", "જવાબ", "ಉತ್ತರ", "பதில்", "సమాధానం"),
)
_HEADING = re.compile(r"(?:\A|\n)#* ?(?:the )?(?:final |correct |my )?(?:answer|choice|option|答案)\n")
_BEFORE_CLAIM = re.compile(
    r"(?:\A|(?<=[\n.,:;!\u2014-]) ?|\b(?:option|choice|answer|alternative|that|so|therefore|thus|hence|but|think"
    r"|believe|say|conclude|only|perhaps|probably|clearly|then|because|since|while|and|letter|reconsidering),? )"
    r"(?=[a-z(])"
)
_CLAIM = re.compile(
    rf"[.)]?(?: (?:option|choice))?,? {_BE} (?:clearly |indeed |definitely |actually |therefore |probably )?"
    r"(?:the )?(?:only |most |single )?(?:correct|right|best|answer|accurate|appropriate)\b"
    rf"(?={STOP}| (?:answer|option|choice|one|response|alternative|statement|because|since|as|and|but|here|by|given)\b)"
)
_CLAIM_WORDS = ("correct", "right", "best", "answer", "accurate", "appropriate")
_CONCLUDED = re.compile(
    r"(?:\b(?:so|therefore|thus|hence|actually|rather|conclusion|conclude|finally|leaving|leaves|it is|it['\u2019]s"
    r"|it must be|it has to be|that is|that['\u2019]s|i think|i believe|i['\u2019]d say|i would say|i guess"
    r"|my guess(?: is)?|verdict|(?:corresponds to|matches|agrees with)(?= (?:option|choice|answer)))"
    r"(?=[:, \n])[:,]?|[\u21d2\u2192])"
)
_CORRECTION_WORDS = ("wait", "actually", "correction", "reconsider", "on second thought", "let me correct")
_CORRECTED = re.compile(rf"\b(?:{'|'.join(_CORRECTION_WORDS)})[^\n]*\Z")
_DISCOUNTED = re.compile(
    r"(?:\b(?:if|whether|suppose|supposing|assume|assuming|assumes|unless|imagine|were|why)\b[^,.;:!?\n]{0,40}"
    r"|(?:\bnot|n['\u2019]t|\bnever|\bdoubt|\bnor|\bneither)\b[^,.;:!?\n]{0,30}"
    r"|\b(?:wrong|incorrect|false|one|another|other|first|second|previous|initial|tempting|popular|common|obvious|next)"
    r"(?: \w+)? )\Z"
)
_LOOK_BACK = 80

# What may stand between an anchor and its letter.
_FILLER = re.compile(
    r"[ \n]?(?:(?:clearly|definitely|probably|most likely|likely|obviously|certainly|surely|for sure|indeed|therefore"
    r"|thus|hence|then|simply|just|actually|in fact|of course|now|still|really|undoubtedly|without (?:a )?doubt"
    r"|given by|either|both|as follows|that|it is|it['\u2019]s|option|choice|letter|answer|number|labell?ed"
    r"|an?(?= (?:option|choice|answer|letter)\b)"
    r"|the(?: (?:correct|best|right|final))?(?= (?:option|choice|answer|letter)\b)"
    r"|la|le|el|die|opción|letra|lettre|réponse|respuesta)\b[ ,:]*\n?){0,5}"
)
_ASIDE = re.compile(r"(?:[^\s.;:!?()]{1,20} ){0,5}[^\s.;:!?()]{1,20}, ?(?=\()")
_DENIAL = re.compile(r"\b(?:not|never|neither|nor)\b|n['\u2019]t\b")
_MAX_TEXT_CHARACTERS = 300


def committed_letter(text: str, option_of: OptionOf = lambda _: None) -> str | None:
    """Return the letter that a text commits itself to, ``SEVERAL``, or None; never raises, whatever the text.

    Args:
        text: The response after its thought.
        option_of: Knows the options by their text, so that "the answer is Paris" is read too.

    >>> committed_letter("It's not A because it is even, therefore I think it's B.")
    'B'
    >>> committed_letter("A train leaves station B. I think so."), committed_letter("The answer is A or B.")
    (None, 'several')
    """
    text = plain(text)
    if not text:
        return None
    lines = text.split("\n")
    first, last = bare_letter(lines[0]), bare_letter(lines[-1])
    if last and (len(lines) == 1 or (last.isupper() and bare_letter(lines[-2]) in (None, last))):
        return last.upper()
    prose = _Prose(text)
    stated = prose.last_statement(option_of)
    if corrected := prose.last_correction(-1 if stated is None else stated[0]):
        return corrected
    if stated is not None:
        return stated[1]
    if first and not bare_letter(lines[1]):
        return first.upper()
    if first := first_label(lines):
        return first
    claimed = {letter for _, letter in prose.claims()}
    if claimed:
        return claimed.pop() if len(claimed) == 1 else SEVERAL
    return next((letter for _, letter in prose.conclusions()), None) or last_label(lines)


class _Prose:
    """Plain text and what it states, always from the end backward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lower = text.lower()
        ends = [match.end() for match in _SENTENCE_END.finditer(text)]
        self.sentences = [*zip([0, *ends], [*ends, len(text)], strict=True)][::-1]

    def last_statement(self, option_of: OptionOf) -> Found | None:
        """Return the last letter that is said to be the answer or chosen."""
        headed = self._last_headed()
        for start, end in self._with_any(_STATED_WORDS):
            if headed and headed[0] >= end:
                return headed
            for match in [*_STATED.finditer(self.lower, start, end)][::-1]:
                if letter := self._stated(match, option_of):
                    return match.start(), letter
        return headed

    def last_correction(self, after: int) -> str | None:
        """Return the last letter called right or concluded after a place and after a word that takes something back."""
        if not any(self.lower.find(word, max(0, after)) >= 0 for word in _CORRECTION_WORDS):
            return None
        found = [
            (at, letter)
            for at, letter in [*self.claims(), *self.conclusions()]
            if at > after and _CORRECTED.search(self.lower, max(0, at - _LOOK_BACK), at)
        ]
        return max(found)[1] if found else None

    def claims(self) -> Iterator[Found]:
        """Yield the letters that are called the right one."""
        for start, end in self._with_any(_CLAIM_WORDS):
            for match in _BEFORE_CLAIM.finditer(self.lower, start, end):
                reading = set_off_or_capital(self.text, match.end())
                claim = _CLAIM.match(self.lower, reading[1]) if reading else None
                if reading and claim and not self._is_discounted(match.end()) and self.lower[claim.end() :][:1] != "?":
                    yield match.start(), reading[0]

    def conclusions(self) -> Iterator[Found]:
        """Yield the letters that conclusions end in."""
        for start, end in self.sentences:
            for match in [*_CONCLUDED.finditer(self.lower, start, end)][::-1]:
                at = self._skip(match.end())
                if self.text[at : at + 1].islower() or self._is_discounted(match.start()):
                    continue
                if reading := letter_at(self.text, at, closed=True):
                    yield match.start(), reading[0]

    def _with_any(self, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Yield the sentences that have any of the words: looking for them is far cheaper than matching."""
        words = tuple(word for word in words if word in self.lower)
        for start, end in self.sentences:
            sentence = self.lower[start:end]
            if any(word in sentence for word in words):
                yield start, end

    def _stated(self, match: re.Match[str], option_of: OptionOf) -> str | None:
        """Return the letter that an anchor leads to."""
        if self._is_discounted(match.start()):
            return None
        rest = self.text[match.end() : match.end() + _MAX_TEXT_CHARACTERS].strip().split("\n", 1)[0]
        if letter := option_of(rest) or option_of(rest.split(". ", 1)[0]):
            return letter
        broken_off = match.group()[-1].isalpha()
        chosen = match["chosen"] is not None
        reading = letter_at(self.text, self._skip(match.end()), broken_off=broken_off, closed=chosen)
        return reading[0] if reading else None

    def _last_headed(self) -> Found | None:
        """Return the last letter under a heading such as "Final Answer"."""
        for match in [*_HEADING.finditer(self.lower)][::-1]:
            line = self.text[match.end() :].split("\n", 1)[0]
            if letter := bare_letter(line) or label(line):
                return match.end(), letter.upper()
        return None

    def _is_discounted(self, at: int) -> bool:
        """Tell whether what begins at a place is no statement: conditional, negated, or about another answer."""
        return _DISCOUNTED.search(self.lower, max(0, at - _LOOK_BACK), at) is not None

    def _skip(self, at: int) -> int:
        """Return where a letter may stand after an anchor: behind words that add nothing, or an aside before "(B)"."""
        if filler := _FILLER.match(self.lower, at):
            at = filler.end()
        aside = _ASIDE.match(self.lower, at)
        return aside.end() if aside and not _DENIAL.search(aside.group()) else at
