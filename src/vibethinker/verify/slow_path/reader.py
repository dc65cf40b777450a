r"""From the LaTeX of an answer to sympy objects, strictly: all of it is understood, or it is not read.

The grammar is math-verify's (latex2sympy2_extended). No text is evaluated: of the two places there that call sympy's
parse_expr, one serves ``ExprExtractionConfig``, the other ``variable_values``, and neither is used here. Nor is its
``parse``, which looks for a formula within a text and so makes an answer out of part of one.

What the grammar itself reads wrongly is put right or refused: ``2(3)`` and ``2 3`` (5 there), ``2\binom{4}{2}`` (8),
``204_5`` (204), ``I^2`` (I), ``A^T`` (A), ``5'6`` (11), decimals (rounded there, exact fractions here). Tuples, sets
and lists are taken apart here, because there ``(1,2)``, ``1,2`` and ``\{1,2\}`` come out comparable.

Imported only by the zygote: it takes seconds and tens of megabytes.
"""

# ruff: noqa: ANN401 - sympy's objects share no class that has their methods

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy
from latex2sympy2_extended import latex2sympy2
from sympy.logic.boolalg import BooleanAtom

INTERVALS = ("()", "[]", "[)", "(]")
"""Kinds of ordered groups: tuples or intervals, the text does not say which."""

MIN_ROUNDED_DIGITS = 3
"""A decimal with at least as many significant digits stands for whatever rounds to it; others are exact."""

_OR = "\N{LOGICAL OR}"

_DOLLARS = re.compile(r"\\?\$")
_GROUPING = re.compile(r"(?<=[0-9])(?:\\,|\{,\}|,\\!)(?=[0-9]{3}(?![0-9]))")
_GROUPED_NUMBER = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_LAYOUT = re.compile(r"\\(?:left|right|displaystyle|limits|[bB]igg?[lr]?)(?![A-Za-z])\.?|\\!")
_SPACE = re.compile(r"(?<!\\)\\[,;: ]|\\q?quad(?![A-Za-z])|~|\s+")
_UPRIGHT_LETTER = re.compile(r"\\(?:mathrm|text|textrm)\s*\{\s*([ied])\s*\}")
_UPRIGHT = re.compile(r"\\(?:mathrm|mathit|mathbf|textrm|textbf|textit|mbox)(?=\s*\{)")
_AND = re.compile(r",?\s*(?:\\text\s*\{\s*,?\s*and\s*\}|(?<![A-Za-z\\])and(?![A-Za-z]))")
_OR_WORD = re.compile(r",?\s*(?:\\text\s*\{\s*,?\s*or\s*\}|(?<![A-Za-z\\])or(?![A-Za-z]))")
_NAME_OF_SIZE = re.compile(r"\\[dtc](?=(?:frac|binom)(?![A-Za-z]))")
_SHORT_ABOVE = re.compile(r"\\(frac|binom)\s*([0-9A-Za-z])")
_SHORT_BELOW = re.compile(r"(\\(?:frac|binom)\s*\{[^{}]*\})\s*([0-9A-Za-z])")
_SHORT_ROOT = re.compile(r"\\sqrt\s*([0-9A-Za-z])")
_POWER_OF_TEN = re.compile(r"(?<=[0-9])e(?=[+-]?[0-9])")
_DEGREES = re.compile(r"(?<=[0-9])\s*\^\s*(?:\\circ|\{\s*\\circ\s*\})(?=\s*(?:$|[,;)]))")

# What the grammar drops, or what stands for members that are not written out.
_NOT_READ = re.compile(
    r"['\"`\u2032\u2033]"
    r"|\\(?:[lcdv]?dots|dots[a-z]|prime|circ|mp|mid|equiv)(?![A-Za-z])|\.\.|\u2026"
    r"|\^\s*(?:\{\s*)?(?:T(?![A-Za-z])|\\text\s*\{\s*T|\\top|\\intercal)"
)
_NAMED_TEXT = re.compile(r"\\(?:text|operatorname|begin|end|mathbb|bar|overline|vec|hat|tilde)\s*\*?\s*\{[^{}]*\}")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{3,}")

_BRACKET_OR_SEPARATOR = re.compile(rf"\\begin|\\end|[(\[{{)\]}},;{_OR}]")
_OPENING = ("(", "[", "{", r"\begin")
_SEPARATORS = (",", ";", _OR)
_DECIMAL = re.compile(r"[+-]?0*(?P<whole>[0-9]*)\.(?P<decimals>[0-9]+)")
_PLUS_MINUS = re.compile(r"\\pm(?![A-Za-z])")
_INDEX_I = re.compile(r"_\s*\{?\s*i\s*=")
_PLAIN_FRACTION = re.compile(r"\\frac\{[0-9]+\}\{[0-9]+\}")


class UnreadableError(ValueError):
    """The text is not, as a whole, something that the slow path understands."""


@dataclass(frozen=True)
class Leaf:
    """What is not taken apart: a number, a formula, a relation, a set, a matrix.

    Attributes:
        value: The sympy object, free of floating-point numbers.
        decimals: Decimals shown, where the text is a plain decimal number with ``MIN_ROUNDED_DIGITS`` digits or more.
        percent: Whether the text ends in a percent sign.
    """

    value: Any
    decimals: int | None = None
    percent: bool = False


@dataclass(frozen=True)
class Group:
    """Members in the order written. ``kind``: one of ``INTERVALS``, ``set``, ``list`` (1, 2) or ``or`` (1 or 2)."""

    kind: str
    members: tuple["Node", ...]


Node = Leaf | Group


def read(text: str) -> Node:
    """Read all of a text.

    Raises:
        UnreadableError: If any part of it is not understood.
        MemoryError: If it takes more than the process may have.
    """
    try:
        return _read(_plain(text), imaginary=not _INDEX_I.search(text))
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:  # the grammar raises bare Exception, sympy nearly everything
        raise UnreadableError(f"no formula: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


def _plain(text: str) -> str:
    """Spell what typesetting can spell in many ways in the one that the grammar knows."""
    text = _DOLLARS.sub(" ", text).replace("\N{MINUS SIGN}", "-")
    text = _LAYOUT.sub("", _GROUPING.sub("", text))
    text = _SPACE.sub(" ", text).strip().removesuffix(".").strip()
    text = _UPRIGHT.sub(r"\\text", _UPRIGHT_LETTER.sub(r" \1", text))
    text = _OR_WORD.sub(_OR, _AND.sub(",", text))
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _NAME_OF_SIZE.sub(r"\\", text))
    text = _SHORT_BELOW.sub(r"\1{\2}", _SHORT_ABOVE.sub(r"\\\1{\2}", text))
    text = _POWER_OF_TEN.sub("E", text)
    without_degrees = _DEGREES.sub("", text)
    if without_degrees != text and "\\" in without_degrees:
        raise UnreadableError("degrees within a formula")  # the grammar takes them for radians
    if match := _NOT_READ.search(without_degrees):
        raise UnreadableError(f"{match[0]} is not read")
    if match := _WORD.search(_COMMAND.sub(" ", _NAMED_TEXT.sub(" ", without_degrees))):
        raise UnreadableError(f"a word: {match[0][:20]}")
    return without_degrees


def _read(text: str, *, imaginary: bool) -> Node:
    text = text.strip()
    if not text:
        raise UnreadableError("empty")
    if _GROUPED_NUMBER.fullmatch(text):
        return _leaf(text.replace(",", ""), imaginary=imaginary)
    parts, separator = _parts(text)
    if len(parts) > 1:
        return _group("or" if separator == _OR else "list", parts, imaginary=imaginary)
    if enclosed := _enclosed(text):
        kind, inside = enclosed
        if kind == "{}":  # which TeX does not show
            return _read(inside, imaginary=imaginary)
        parts, _ = _parts(inside)
        if kind == "set" and ":" in inside:
            raise UnreadableError("a set given by a condition")
        if kind == "set" or len(parts) > 1:
            return _group(kind, parts, imaginary=imaginary)
    signs = _PLUS_MINUS.split(text)
    if len(signs) > 2:
        raise UnreadableError(r"\pm more than once")
    if len(signs) == 2:
        return _group("list", ["+".join(signs), "-".join(signs)], imaginary=imaginary)
    return _leaf(text, imaginary=imaginary)


def _group(kind: str, parts: list[str], *, imaginary: bool) -> Group:
    members: list[Node] = []
    for part in parts:
        member = _read(part, imaginary=imaginary)
        # Both signs of a \pm belong to the list around it.
        if kind not in INTERVALS and isinstance(member, Group) and member.kind == "list":
            members += member.members
        else:
            members.append(member)
    return Group(kind, tuple(members))


def _parts(text: str) -> tuple[list[str], str]:
    """Split at the separators outside all brackets; return the parts and the separator."""
    parts, start, depth, separators = [], 0, 0, set()
    for match in _BRACKET_OR_SEPARATOR.finditer(text):
        if match[0] in _SEPARATORS:
            if depth == 0:
                parts.append(text[start : match.start()])
                start = match.end()
                separators.add(match[0])
        else:
            depth += 1 if match[0] in _OPENING else -1
            if depth < 0:
                raise UnreadableError("a closing bracket too many")
    if depth:
        raise UnreadableError("a bracket is not closed")
    if len(separators) > 1:
        raise UnreadableError("different separators in one list")
    return [*parts, text[start:]], "".join(separators)


def _enclosed(text: str) -> tuple[str, str] | None:
    """Return the kind and the inside of brackets around the whole text; None where there are none."""
    if text.startswith(r"\{") and text.endswith(r"\}"):
        kind, width = "set", 2
    elif text[0] + text[-1] in (*INTERVALS, "{}"):
        kind, width = text[0] + text[-1], 1
    else:
        return None
    depth = 0
    for match in _BRACKET_OR_SEPARATOR.finditer(text):
        if match[0] not in _SEPARATORS:
            depth += 1 if match[0] in _OPENING else -1
            if depth == 0 and match.end() < len(text):
                return None
    return kind, text[width:-width]


def _leaf(text: str, *, imaginary: bool) -> Leaf:
    if text.count(":") > 1:
        raise UnreadableError("a ratio of more than two")
    value = _Grammar(imaginary=imaginary).parse(text)
    if not isinstance(value, (sympy.Basic, sympy.MatrixBase)) or isinstance(value, BooleanAtom):
        raise UnreadableError(f"neither formula nor set: {type(value).__name__}")
    if value.has(sympy.Derivative):
        raise UnreadableError("a derivative")  # dy/dx of a y that nobody defined is 0 to sympy
    # Percent and gcd are wrapped, powers of matrices written down only.
    if value.has(sympy.UnevaluatedExpr) or value.atoms(sympy.MatrixBase):
        value = value.doit()
    if value.has(sympy.nan, sympy.zoo):
        raise UnreadableError("a division by zero")
    shown = _DECIMAL.fullmatch(text)
    if shown and len((shown["whole"] + shown["decimals"]).lstrip("0")) >= MIN_ROUNDED_DIGITS:
        return Leaf(value, decimals=len(shown["decimals"]))
    return Leaf(value, percent=text.endswith("%"))


class _Grammar(latex2sympy2._Latex2Sympy):  # type: ignore[misc]
    """math-verify's grammar with exact decimals, and without the readings that are not what is written."""

    def __init__(self, *, imaginary: bool) -> None:
        config = latex2sympy2.ConversionConfig(lowercase_symbols=False)
        super().__init__(None, True, False, config)
        self.imaginary = imaginary

    def parse_number(self, text: str) -> Any:
        return sympy.Rational(text.replace(",", ""))

    def convert_atom(self, atom: Any) -> Any:
        if atom.number_subexpr() and atom.number_subexpr().subexpr():
            raise UnreadableError("a number with an index: a base that the grammar would drop")
        return super().convert_atom(atom)

    def convert_atom_expr(self, atom_expr: Any) -> Any:
        letter = atom_expr.LETTER_NO_E() and atom_expr.LETTER_NO_E().getText()
        if letter == "I":
            raise UnreadableError("I, of which the grammar drops index and exponent")
        symbol = super().convert_atom_expr(atom_expr)
        if letter == "i" and self.imaginary:
            return symbol.xreplace({sympy.Symbol("i", real=True): sympy.I})
        return symbol

    def create_parser(self, latex_str: str) -> Any:
        parser = super().create_parser(latex_str)
        tokens = parser.getTokenStream()
        tokens.fill()
        understood = "".join(token.text for token in tokens.tokens[:-1])
        if "".join(understood.split()) != "".join(latex_str.split()):
            raise UnreadableError("signs that the grammar drops")
        return parser

    def convert_postfix_list(self, arr: list[Any], i: int = 0) -> Any:  # noqa: ARG002 - as in the grammar
        """Multiply what stands side by side; the grammar adds whatever comes out as a number."""
        texts = [factor.getText() for factor in arr]
        for left, right in pairwise(texts):
            if left[-1].isdigit() and right[0] in "0123456789.":
                raise UnreadableError("two numbers side by side")
        factors = [super(_Grammar, self).convert_postfix_list([factor]) for factor in arr]
        if any(texts[k].isdigit() and _PLAIN_FRACTION.fullmatch(texts[k + 1]) for k in range(len(texts) - 1)):
            if len(factors) > 2:
                raise UnreadableError("a mixed number within a product")
            return factors[0] + factors[1]
        product = factors[-1]
        for factor in reversed(factors[:-1]):
            if not all(isinstance(item, (sympy.Expr, sympy.MatrixBase)) for item in (factor, product)):
                raise UnreadableError("a product of what cannot be multiplied")
            is_matrix = any(getattr(item, "is_Matrix", False) for item in (factor, product))
            product = (self.mat_mul_flat if is_matrix else self.mul_flat)(factor, product)
        return product
