r"""Letters that stand for an option, told from articles, pronouns, names and expressions.

All of it reads plain text, as ``plain`` makes it. What follows a letter tells what it is: "A because ..." and "A." are
letters, "A train" is none; "I." is one, "I think" is none; ``B = 5``, "C-section" and "E. coli" are none.
"""

import re
import unicodedata

from vibethinker.verify.prose import own_turn

MAX_CHARACTERS = 20_000
"""How much of a text's end is read; it bounds the time that hostile text can take."""

SEVERAL = "several"
"""Stands for the letter where several are named."""

# Markup: a letter that is set off by it becomes (B), and the rest of it goes.
_OPEN = r"(?:\*{1,2}+|_{1,2}+|\$|\\\(|\\(?:text|math)[a-z]*\{|[\[({<\"'`\u201c\u2018\u3010\u300c])"
_CLOSE = r"(?:\*{1,2}+|_{1,2}+|\$|\\\)|[\])}>\"'`\u201d\u2019\u3011\u300d])"
_SET_OFF = re.compile(
    rf"(?<![A-Za-z0-9_\\]){_OPEN}(?: ?{_OPEN}){{0,5}}+ ?([A-Za-z]) ?[.:)]?{_CLOSE}(?: ?{_CLOSE}){{0,5}}+"
)
_MARKUP = re.compile(r"\\(?:text|math)[a-z]*\{|\\boxed\{|\\[()\[\]]|__|[*$`{}]")

# Letters that other scripts number their options by; NFKC takes care of full-width ones.
_SCRIPTS = {"أ": "A", "ا": "A", "ب": "B", "ج": "C", "د": "D", "অ": "A", "ব": "B", "ড": "C", "ঢ": "D"}
_OTHER = "".join(_SCRIPTS)
_OPERATOR = r" ?(?:[=^+>\u00b7\u00d7\u00f7\u2212\u2229\u222a\u2260-\u2265]|<(?![/|])|- [A-HJ-Z]\b)"
_LETTER = re.compile(
    rf"\(([A-Za-z{_OTHER}])\)|([A-Za-z])(?![A-Za-z0-9_]|['\u2019-][A-Za-z]|{_OPERATOR})|([{_OTHER}])(?!\w)"
)

# Scripts that put no white space between words.
_DENSE = r"[\u0600-\u06ff\u0900-\u0dff\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af]"
STOP = rf" ?(?:\Z|\n|[.!;:\]}}\"\u3002](?=\s|\Z|{_DENSE})|[,)(<\u2013\u2014]|-(?= ))"
_CLOSED = re.compile(rf"{STOP}| (?:because|since|due)\b|{_DENSE}")
_AFTER_A = re.compile(
    rf"{_CLOSED.pattern}| ?/| (?:as|is|was|and|or|but|not|in|on|at|of|to|by|from|for|with|when|where|which|while|if"
    r"|rather|instead|seems|would|should|must|will|has|und|oder|et|ou|weil|non|nicht|y|o)\b"
)
_AFTER_I = re.compile(rf"(?!,? ?(?:and )?I[IV])(?:{STOP}| (?:because|since)\b|{_DENSE})")
_NAMED = re.compile(
    r"(?: (?:cells?|lymphocytes?|major|minor|sharp|flat|chromosomes?|programming|proteins?|rings?|orbitals?|bands?)"
    r"|\.? ?(?:coli|elegans|subtilis|melanogaster|cerevisiae|aureus|pneumoniae|thaliana|falciparum))\b"
)
_OPTION_WORD = r"(?:(?:option|choice|answer) )?"
_MORE = re.compile(
    rf"(?: ?[/,&\u3001;] ?(?:(?:and|or) )?{_OPTION_WORD}(?:\(([A-Za-z])\)|([A-Z])(?={STOP}| ?/| (?:and|or|only)\b))"
    rf"|(?:,? (?:and|or|und|oder|et|ou|or maybe|or perhaps) | ?[和或与] ?){_OPTION_WORD}"
    rf"(?:\(([A-Za-z])\)|([B-HJ-Z])(?![A-Za-z0-9_'\u2019])|([AI])(?={STOP}| (?:and|or|are|only)\b)))"
    r"(?! (?:is|was|isn't|fails|cannot|can't|does|would|has)\b)"
)

_BARE = re.compile(r"(?:(?:option|choice|answer) )?(?:\(([A-Za-z])\)|([A-Za-z]))[.):]?", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:\(([A-Za-z])\)"
    r"|([A-Z])(?:[.:](?= |\Z)|[),\u3002]|(?= (?:because|since)\b)|(?=\u4e0d\u662f ?[A-Z])| [-\u2013\u2014](?= )))"
    r"(?! ?(?:is|was|seems|must|has|would|should|will)\b)(?! ?(?:\([A-Za-z]\)|[A-Z][.),:]))"
)
_ITEM = re.compile(r"(?:[-\u2022] )?(?:\(([A-Za-z])\)|([A-Za-z])[.):](?= |\Z))")


def plain(text: str) -> str:
    r"""Return text without markup, with single white spaces, and with letters that markup set off in parentheses.

    >>> plain(r"**Answer:**  $\textbf{B}$  or $x$"), plain("Ｃ）  yes")
    ('Answer: (B) or (x)', 'C) yes')
    """
    text = unicodedata.normalize("NFKC", own_turn(text[-MAX_CHARACTERS:]))[-MAX_CHARACTERS:]
    # The one character whose lower-case form is longer: text and its lower-case form must agree in their places.
    text = _single_spaced(text.replace("\u0130", "I"))
    return _single_spaced(_MARKUP.sub("", _SET_OFF.sub(r" (\1)", text)))


def _single_spaced(text: str) -> str:
    """Return the lines that are not blank, with single white spaces."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if not line.isspace() and line)


def letter_at(text: str, at: int, *, broken_off: bool = False, closed: bool = False) -> tuple[str, int] | None:
    """Read a letter, and those listed with it, at a place.

    Args:
        text: Plain text.
        at: Where the letter must begin.
        broken_off: Whether an ``a`` or ``i`` at the text's end may be the beginning of a sentence that broke off.
        closed: Whether a stop or a reason must follow; a bare ``I`` is then no letter.

    Returns:
        The letter in upper case, or ``SEVERAL``, and where it ends; None where there is no letter.
    """
    match = _LETTER.match(text, at)
    if match is None or text.startswith(("?", " ?"), match.end()):
        return None
    end = match.end()
    if bare := match[2]:
        after = _AFTER_A if bare == "A" else _AFTER_I if bare == "I" else _CLOSED
        if (bare in "AI" or bare.islower()) and not after.match(text, end):
            return None
        if closed and (bare == "I" or not _CLOSED.match(text, end)):
            return None
        if _NAMED.match(text, end) or (broken_off and bare in "ai" and end == len(text)):
            return None
    letter = _SCRIPTS.get(match[1] or match[3], "") or (match[1] or match[2]).upper()
    if more := _MORE.match(text, end):
        other = next(group for group in more.groups() if group).upper()
        letter = letter if other == letter else SEVERAL
    return letter, end


def set_off_or_capital(text: str, at: int) -> tuple[str, int] | None:
    """Read an upper-case letter or one in parentheses, whatever follows it; return it in upper case and its end."""
    match = _LETTER.match(text, at)
    if match is None or not (match[1] or (match[2] or "").isupper()) or (match[2] == "I" and "II" in text):
        return None
    letter = match[1] or match[2]
    return _SCRIPTS.get(letter, letter.upper()), match.end()


def bare_letter(line: str) -> str | None:
    """Return the letter that is all of a line, in its case where nothing sets it off."""
    match = _BARE.fullmatch(line)
    return (match[1].upper() if match[1] else match[2]) if match else None


def label(line: str) -> str | None:
    """Return the letter that labels a line, as in "B. 12" or "(c) 12", in its case; "I." is a Roman numeral."""
    match = _LABEL.match(line)
    if match is None or _NAMED.match(line, match.end() - 1) or (match[2] == "I" and match.group()[-1] in "I.,"):
        return None
    return match[1] or match[2]


def first_label(lines: list[str]) -> str | None:
    """Return the label that a text begins with, where it is no item of a list of the options."""
    items = _items(lines)
    first = label(lines[0]) or (items[0] if items and len(lines) == 1 and lines[0][0].islower() else None)
    return first.upper() if first and len(set(items)) <= 1 else None


def last_label(lines: list[str]) -> str | None:
    """Return the label of the last line, where no list of the options ends in it: it is the only one, or said again."""
    last = label(lines[-1])
    if last is None or len(lines) == 1 or last.islower():
        return None
    others = _items(lines[:-1])
    return last if not others or (last in others and not _items(lines[-2:-1])) else None


def _items(lines: list[str]) -> list[str]:
    """Return the letters that lines begin with as items of a list do, in upper case."""
    return [(match[1] or match[2]).upper() for line in lines if (match := _ITEM.match(line))]
