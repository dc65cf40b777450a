r"""Answers as a whole: relations, lists, brackets, sets, intervals, around the expressions in them."""

from vibethinker.verify.latex.lexer import tokenize
from vibethinker.verify.latex.operands import Operands
from vibethinker.verify.latex.tree import (
    Apply,
    Braces,
    Congruence,
    Div,
    Func,
    Listing,
    MalformedError,
    Node,
    Ratio,
    Relation,
    Sequence,
    SetOperation,
    TooLargeError,
    UnsupportedError,
    Var,
)

_RELATIONS = frozenset(["=", "!=", "<", "<=", ">", ">=", "in", "notin", "approx"])
_SEPARATORS = frozenset([",", ";", "and", "or", "newline", "=>"])
_CLOSING = {
    "(": (")", "]"),
    "[": ("]", ")", "["),
    "]": ("[", "]", ")"),
    "{": ("}",),
    r"\{": (r"\}",),
    "langle": ("rangle",),
}


def parse_answer(text: str, *, grouping: bool = True) -> Node:
    r"""Return the tree of an answer.

    Args:
        text: What stood in the box.
        grouping: Whether ``1,234`` outside brackets is one number; else it is a list.

    Raises:
        MalformedError: If it is no answer in mathematical notation.
        UnsupportedError: If its notation is beyond this parser.
        TooLargeError: If it has too many tokens, digits or nested brackets.

    >>> parse_answer(r"x \le 5").operators
    ('<=',)
    """
    parser = _Statements(tokenize(text, grouping=grouping))
    try:
        answer = parser.listing()
    except RecursionError:
        raise TooLargeError("an answer nested too deep") from None
    if parser.token.kind != "end":
        raise MalformedError(f"{parser.token.value[:20]!r} has no place there")
    return answer


class _Statements(Operands):
    """Adds statements and brackets to what operators and operands are."""

    def listing(self) -> Node:
        """Read statements with separators between them; one alone is returned as it is."""
        items = [self.statement()]
        joiners = set()
        while self.token.kind == "sign" and self.token.value in _SEPARATORS:
            comma = self.take_sign(",", ";")
            while self.token.kind == "sign" and self.token.value in _SEPARATORS - {",", ";"}:
                joiners.add(self.token.value)
                self.at += 1
                comma = comma or self.take_sign(",")
            if self.token.kind == "cmd" and self.token.value == "end":
                break  # a line break before the end of an environment
            items.append(self.statement())
        joiner = "or" if "or" in joiners else "and" if "and" in joiners else ","
        return items[0] if len(items) == 1 else Listing(tuple(items), joiner)

    def statement(self) -> Node:
        """Read a chain of relations, or one of its members alone."""
        if self.take_sign("approx"):
            return self.member()
        items = [self.member()]
        operators = []
        while self.token.kind == "sign" and (self.token.value in _RELATIONS or self.token.value == "equiv"):
            operators.append(self.token.value)
            self.at += 1
            items.append(self.member())
        if (self.token.kind == "cmd" and self.token.value in {"pmod", "bmod"}) or self.is_sign("mod"):
            congruence = self.congruence(items, operators)
            return self.member() if not operators and self.take_sign("=") else congruence
        if self.token.kind == "sign" and self.token.value == "(" and self.tokens[self.at + 1].value == "mod":
            self.at += 1
            congruence = self.congruence(items, operators)
            self.expect(")")
            return congruence
        if "equiv" in operators:
            raise UnsupportedError("a congruence without its modulus")
        if self.token.kind == "cmd" and self.token.value not in {"choose", "over", "end"}:
            raise UnsupportedError(f"the command \\{self.token.value}")
        return items[0] if not operators else Relation(tuple(items), tuple(operators))

    def starts_factor(self) -> bool:
        """A bracket that holds a modulus is no factor, nor is one that closes ``]a, b[``."""
        if self.is_sign("("):
            return self.tokens[self.at + 1].value != "mod"
        return super().starts_factor() and not (self.square_closes and self.is_sign("["))

    def congruence(self, items: list[Node], operators: list[str]) -> Node:
        """Read the modulus behind a congruence."""
        self.at += 1
        modulus = self.argument() if self.is_sign("{") else self.expression()
        if operators in ([], ["equiv"], ["="]):
            return Congruence(items[0] if operators else None, items[-1], modulus)
        raise UnsupportedError("a chain of congruences")

    def member(self) -> Node:
        """Read a member of a relation: an expression, a ratio, a union of sets."""
        items = [self.ratio()]
        kind = ""
        while self.is_sign("cup", "cap", "setminus"):
            if kind and kind != self.token.value:
                items = [SetOperation(kind, tuple(items))]
            kind = self.token.value
            self.at += 1
            items.append(self.ratio())
        return items[0] if len(items) == 1 else SetOperation(kind, tuple(items))

    def ratio(self) -> Node:
        """Read a:b:c."""
        items = [self.expression()]
        while not self.bar_closes and self.take_sign(":"):
            items.append(self.expression())
        return items[0] if len(items) == 1 else Ratio(tuple(items))

    def bracketed(self) -> Node:
        """Read what a bracket opens."""
        opening = self.token.value
        self.at += 1
        self.enter()
        if opening == r"\{" and self.take_sign(r"\}"):
            self.depth -= 1
            return Braces(())
        closes, self.bar_closes = self.bar_closes, opening == r"\{"
        square, self.square_closes = self.square_closes, opening == "]"
        inner = self.over_or_choose() if opening == "{" else self.listing()
        if opening == r"\{" and self.take_sign("|", ":"):
            self.bar_closes = False
            inner = self.builder(inner)
        self.bar_closes, self.square_closes = closes, square
        closing = self.token.value
        if self.token.kind != "sign" or closing not in _CLOSING[opening]:
            raise MalformedError(f"a bracket {opening!r} that does not close")
        self.at += 1
        self.depth -= 1
        return _closed(opening, closing, inner)

    def over_or_choose(self) -> Node:
        r"""Read ``{a \over b}`` and ``{n \choose k}`` besides a plain group."""
        above = self.listing() if not self.is_sign("}") else Listing(())
        if self.token.kind == "cmd" and self.token.value in {"choose", "over"}:
            name = self.token.value
            self.at += 1
            below = self.expression()
            if name == "over":
                return Div(above, below)
            return Func("binom", (above, below))
        return above

    def builder(self, element: Node) -> Node:
        r"""Read the condition of ``\{x \mid condition\}``: the set is where it holds."""
        condition = self.listing()
        if isinstance(element, Relation) and element.operators == ("in",):
            element = element.items[0]
        if not isinstance(element, (Var, Apply)):
            raise UnsupportedError("a set-builder of an expression")
        return condition


def _closed(opening: str, closing: str, inner: Node) -> Node:
    """Return the node for brackets around ``inner``."""
    if opening == "{":
        return inner
    items = inner.items if isinstance(inner, Listing) and inner.joiner == "," else (inner,)
    if opening == r"\{":
        is_condition = isinstance(inner, Relation) and inner.operators != ("=",)
        return inner if is_condition else Braces(items)
    if opening == "langle":
        return Sequence("(", ")", items)
    if len(items) == 1 and opening != "]" and closing in {")", "]"}:
        return inner
    # ]a, b[ is the French way of writing an open interval.
    left = "(" if opening == "]" else opening
    right = ")" if closing == "[" else closing
    return Sequence(left, right, items)
