r"""Answers cut into tokens: typesetting is dropped, and every spelling of a sign becomes one.

Kinds of tokens: ``num`` (a number literal), ``var`` (a letter), ``const``, ``func`` (a known function), ``cmd`` (a
command with arguments of its own, such as ``frac``), ``text`` (words and units), ``sign`` (operators, brackets,
relations), ``end``.
"""

from dataclasses import dataclass
from fractions import Fraction

from vibethinker.verify.latex.numbers import read_number
from vibethinker.verify.latex.patterns import (
    ANSWER_IS,
    BRACED_SIGN,
    COMMAND,
    DOUBLED_BACKSLASH,
    DROPPED,
    GLUED,
    GLUED_WORD,
    HIGH_DIGITS,
    LETTER_LIST,
    LETTERS,
    MATHEMATICAL,
    NEGATIONS,
    POINT,
    PRIMES,
    REPEATING,
    ROW_GAP,
    SAME_SIGN,
    SCALES,
    SIGNS,
    TYPESET_DIGITS,
    UPRIGHT_EXPONENT,
)
from vibethinker.verify.latex.spellings import (
    COMMANDS,
    FUNCTIONS,
    GREEK,
    LETTERS_WITH_MEANING,
    SPACES,
    TEXT_COMMANDS,
    UNICODE,
    WORD_SIGNS,
)
from vibethinker.verify.latex.tree import MalformedError, Num, TooLargeError, UnsupportedError
from vibethinker.verify.latex.units import is_symbol, is_unit_word

MAX_TOKENS = 600
"""An answer of more is refused. A study of answers found none that long which was right."""

LOOKAHEAD = 8
"""Ends behind the last token, so that a look at the next few tokens needs no check."""


@dataclass(slots=True)
class Token:
    """A piece of an answer.

    Attributes:
        kind: See the module.
        value: The sign, the name, the number, the text.
        spaced: Whether white space came before.
    """

    kind: str
    value: str
    number: Num | None = None
    spaced: bool = False


def tokenize(text: str, *, grouping: bool = True) -> list[Token]:
    r"""Return the tokens of an answer, closed by ``LOOKAHEAD`` ends.

    Args:
        text: The answer.
        grouping: Whether a comma or space between groups of three digits outside brackets is part of a number.

    Raises:
        MalformedError: For characters and commands that have no place in an answer.
        UnsupportedError: For commands of mathematics beyond the fast path.
        TooLargeError: For too many tokens or digits.

    >>> [token.value for token in tokenize(r"\frac{1}{2}x \le 1{,}000") if token.kind != "end"]
    ['frac', '{', '1', '}', '{', '2', '}', 'x', '<=', '1{,}000']
    """
    tokens: list[Token] = []
    text = DROPPED.sub(" ", text.translate(UNICODE))
    if "prime" in text:
        text = PRIMES.sub(lambda match: "'" * match[1].count("prime"), text)
    if r"\\" in text and r"\begin" not in text:
        text = DOUBLED_BACKSLASH.sub(r"\\", text)
    text = TYPESET_DIGITS.sub(r"\1", UPRIGHT_EXPONENT.sub("e", text))
    _Lexer(BRACED_SIGN.sub(r"\1", text), grouping, tokens).run()
    tokens.extend([Token("end", "")] * LOOKAHEAD)
    return tokens


class _Lexer:
    """One pass over a text."""

    def __init__(self, text: str, grouping: bool, tokens: list[Token], *, upright: bool = False) -> None:
        self.text = text
        self.grouping = grouping
        self.tokens = tokens
        self.upright = upright
        self.depth = 0
        self.spaced = False

    def run(self) -> None:
        """Fill ``tokens``."""
        at, end = 0, len(self.text)
        while at < end:
            if len(self.tokens) > MAX_TOKENS:
                raise TooLargeError(f"an answer of more than {MAX_TOKENS} tokens")
            character = self.text[at]
            if character.isspace() or character in "~$":
                self.spaced = True
                at += 1
            elif match := HIGH_DIGITS.match(self.text, at):
                self.add("num", match.group())
                at = match.end()
            elif "0" <= character <= "9" or (character == "." and self.starts_decimals(at)):
                at = self.number(at)
            elif character == "\\":
                at = self.command(at)
            elif match := LETTERS.match(self.text, at):
                self.letters(match.group())
                at = match.end()
            elif match := SIGNS.match(self.text, at):
                sign = SAME_SIGN.get(match.group(), match.group())
                self.sign(self.negated(sign))
                at = match.end()
            elif character == "." and not self.text[at + 1 :].strip(" .$\n\t"):
                at = end
            elif character.isalpha():
                at = self.foreign(at)
            else:
                raise MalformedError(f"the character {character!r} is no part of an answer")

    def starts_decimals(self, at: int) -> bool:
        """Tell whether decimals follow the point at this place."""
        point = POINT.match(self.text, at)
        return self.text[at + 1 : at + 2].isdecimal() or (
            point is not None and REPEATING.match(self.text, point.end()) is not None
        )

    def add(self, kind: str, value: str, number: Num | None = None) -> None:
        self.tokens.append(Token(kind, value, number, self.spaced))
        self.spaced = False

    def sign(self, sign: str) -> None:
        if sign in {"(", "[", r"\{"}:
            self.depth += 1
        elif sign in {")", "]", r"\}"}:
            self.depth -= 1
        self.add("sign", sign)

    def number(self, at: int) -> int:
        start = at
        number, at = read_number(self.text, at, grouping=self.grouping and self.depth == 0)
        self.add("num", self.text[start:at].rstrip("."), number)
        return at

    def command(self, at: int) -> int:
        match = COMMAND.match(self.text, at)
        if match is None:
            raise MalformedError("a backslash at the end")
        name, at = match[1] or match[2], match.end()
        if name in SPACES:
            self.spaced = True
            # \left. and \right. are brackets that are not shown.
            if name in {"left", "right"} and self.text[at : at + 1] == ".":
                at += 1
        elif name in TEXT_COMMANDS:
            at = self.text_command(name, at)
        elif name in COMMANDS:
            kind, value = COMMANDS[name]
            if kind == "sign":
                self.sign(self.negated(value))
                if value == "newline" and (gap := ROW_GAP.match(self.text, at)):
                    at = gap.end()
            else:
                self.add(kind, value)
        elif name in FUNCTIONS:
            self.add("func", FUNCTIONS[name])
        elif name == "Omega" and self.beside_a_number():
            self.add("text", "Ω")
        elif name in GREEK:
            self.add("var", name)
        else:
            at = self.glued(name, at)
        return at

    def negated(self, sign: str) -> str:
        r"""Return the sign, with a ``\not`` before it taken in."""
        if not (self.tokens and self.tokens[-1].value == "not"):
            return sign
        self.tokens.pop()
        if sign not in NEGATIONS:
            raise UnsupportedError("a negated sign")
        return NEGATIONS[sign]

    def glued(self, name: str, at: int) -> int:
        r"""Read a command that was typeset onto the letters after it, such as ``\quadx``."""
        for known in GLUED:
            if name.startswith(known) and len(name) - len(known) <= 2:
                self.command_by_name(known)
                return at - len(name) + len(known)
        raise UnsupportedError(f"the command \\{name[:30]}")

    def command_by_name(self, name: str) -> None:
        if name in SPACES:
            self.spaced = True
        else:
            self.add(*COMMANDS[name])

    def text_command(self, name: str, at: int) -> int:
        content, at = braced(self.text, at)
        if content is None:
            content, at = (self.text[at : at + 1], at + 1) if self.text[at : at + 1].isalpha() else ("", at)
        content = content.strip().rstrip(".").strip()
        if name in {"mathbb", "mathcal", "mathbf"} and content in {"R", "Z", "N", "Q", "C"}:
            if name == "mathbb":
                self.add("numbers", content)
            else:
                self.add("var", content)
        elif (
            name in {"mathbf", "vec", "hat", "overrightarrow", "boldsymbol", "bm"}
            and content.isalpha()
            and (name not in {"mathbf", "boldsymbol", "bm"} or (len(content) == 1 and content.islower()))
        ):
            self.add("var", f"vector {content}")
        elif name in {"overline", "bar", "widehat", "tilde", "overset", "underline"}:
            if content.isalpha():
                self.add("var", f"{name} {content}")
            elif name in {"overline", "bar"} and not content.isdecimal():
                self.add("func", "conj")
                self.inside(f"({content})")
            else:
                raise UnsupportedError(f"the command \\{name}")
        elif content:
            self.words(content)
        return at

    def words(self, content: str) -> None:
        """Read what a text command holds: a word, a unit, a sign in letters, or mathematics after all."""
        lowered = content.lower()
        if ANSWER_IS.fullmatch(content):
            return
        if (lowered in SCALES and self.beside_a_number()) or lowered in {"pct"}:
            self.inside(content)
        elif lowered in WORD_SIGNS and not (lowered == "in" and self.beside_a_number()):
            self.sign(WORD_SIGNS[lowered])
        elif lowered in FUNCTIONS and lowered not in LETTERS_WITH_MEANING and not is_symbol(content):
            self.add("func", FUNCTIONS[lowered])
        elif content in {"e", "i"}:
            self.add("const", content)
        elif MATHEMATICAL.search(content) or LETTER_LIST.fullmatch(content):
            self.inside(content)
        elif len(content) == 3 and content[0] == "(" and content[2] == ")":
            self.add("text", content[1])
        else:
            self.add("text", content)

    def inside(self, content: str) -> None:
        """Read the mathematics that a text command holds, as if it stood there alone."""
        lexer = _Lexer(content, self.grouping, self.tokens, upright=True)
        lexer.depth, lexer.spaced = self.depth, self.spaced
        lexer.run()
        self.spaced = False

    def letters(self, run: str) -> None:
        lowered = run.lower()
        if run in FUNCTIONS and run not in LETTERS_WITH_MEANING:
            self.add("func", FUNCTIONS[run])
        elif run in {"sqrt", "pi", "infinity", "inf", "infty"}:
            self.add(*COMMANDS["infty" if run.startswith("inf") else run])
        elif self.is_unit(run):
            self.add("text", run)
        elif lowered in SCALES and self.beside_a_number():
            self.add("sign", "*")
            self.add("num", str(SCALES[lowered]), Num(Fraction(SCALES[lowered])))
        elif (glued := GLUED_WORD.match(run)) and self.beside_a_number():
            self.sign(glued[1])
            self.letters(run[glued.end() :])
        elif len(run) > 1 and lowered in WORD_SIGNS:
            self.sign(WORD_SIGNS[lowered])
        elif self.beside_a_number() and (is_unit_word(run) or (self.spaced and (len(run) > 3 or self.in_words()))):
            self.add("text", run)
        else:
            self.run_of_letters(run)

    def in_words(self) -> bool:
        """Tell whether the last token was a word."""
        return bool(self.tokens) and self.tokens[-1].kind == "text" and len(self.tokens[-1].value) > 1

    def is_unit(self, run: str) -> bool:
        """Tell whether letters in upright type are a unit; the C of degrees Celsius needs none."""
        if run in {"C", "F"} and self.tokens and self.tokens[-1].value == "deg":
            return True
        return self.upright and is_symbol(run) and self.beside_a_number(dividing=True)

    def run_of_letters(self, run: str) -> None:
        for function in ("sqrt", "pi"):
            before, found, after = run.partition(function)
            if found and len(before) <= 1 and len(after) <= 1:
                for letter in before:
                    self.letter(letter)
                self.add(*COMMANDS[function])
                for letter in after:
                    self.letter(letter)
                return
        for letter in run:
            self.letter(letter)

    def letter(self, letter: str) -> None:
        self.add("const" if letter in {"e", "i"} else "var", letter)

    def beside_a_number(self, *, dividing: bool = False) -> bool:
        """Tell whether what came last can have a unit; with ``dividing`` also whether a unit was begun, as m/ was."""
        if not self.tokens:
            return False
        last = self.tokens[-1]
        if dividing and last.value in {"/", "*"}:
            return True
        return last.kind in {"num", "text"} or last.value in {")", "}", "%", "deg", "pi"}

    def foreign(self, at: int) -> int:
        """Read a word in another script."""
        end = at
        while end < len(self.text) and self.text[end].isalpha():
            end += 1
        self.add("text", self.text[at:end])
        return end


def braced(text: str, at: int) -> tuple[str | None, int]:
    """Return what the braces that open at ``at`` (after white space) hold and where they end; None if there are none.

    Raises:
        MalformedError: If they do not close.
    """
    start = at
    while text[start : start + 1].isspace():
        start += 1
    if text[start : start + 1] != "{":
        return None, at
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position], position + 1
        position += 1
    raise MalformedError("braces that do not close")
