"""Recursive descent over tokens: numbers, variables, units, functions, roots, sums and matrices."""

import re
from abc import abstractmethod
from dataclasses import replace
from fractions import Fraction

from vibethinker.verify.latex.lexer import Token
from vibethinker.verify.latex.operators import Operators, product
from vibethinker.verify.latex.tree import (
    Apply,
    Const,
    Div,
    Dots,
    Func,
    InBase,
    MalformedError,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    NumberSet,
    Pow,
    Repeated,
    Root,
    Unit,
    UnsupportedError,
    Var,
    Words,
    walk,
)
from vibethinker.verify.latex.units import is_symbol, unit_powers

_FUNCTION_LETTERS = frozenset(["f", "g", "h", "F", "G", "H", "zeta", "Gamma", "varphi"])
_BASES = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
# Kinds of tokens that a subscript may name a variable by: x_1, x_A, x_{\max}.
_NAMING = frozenset(["num", "var", "text", "const", "func"])
# Behind a number, words are ignored, but for those that may make another answer of it.
_CHANGING = re.compile(
    r"\b(?:is|are|not|no|or|and|more|less|least|most|than|over|under|above|below|wrong|squared|cubed|plus|minus|if|but)\b",
    re.IGNORECASE,
)
_BEFORE_UNITS = frozenset([")", "}", "%", "|", "deg", "/", "*"])
_ENVIRONMENTS = frozenset("matrix pmatrix bmatrix Bmatrix smallmatrix array vmatrix".split())
_LINES = frozenset(["aligned", "align", "gathered", "split", "cases", "dcases"])
_RELATION_SIGNS = frozenset(["=", "!=", "<", "<=", ">", ">=", "in", "approx"])
_INVERSES = {name: f"arc{name}" for name in "sin cos tan cot sec csc sinh cosh tanh".split()}


class Operands(Operators):
    """Reads what stands between operators; brackets are left to a subclass."""

    @abstractmethod
    def bracketed(self) -> Node:
        """Read what a bracket opens: a group, a tuple, an interval, a set."""

    @abstractmethod
    def listing(self) -> Node:
        """Read statements with separators between them."""

    def atom(self) -> Node:
        """Read the smallest whole thing."""
        token = self.token
        if token.kind == "sign":
            return self.bracket_atom(token.value)
        if token.kind == "end":
            raise MalformedError("it ends where a number or a variable must come")
        if token.kind == "cmd":
            return self.command(token.value)
        self.at += 1
        if token.kind == "num":
            return self.number(token)
        if token.kind == "const":
            return Const(token.value)
        if token.kind == "var":
            return self.variable(token.value)
        if token.kind == "func":
            return self.function(token.value)
        if token.kind == "numbers":
            return NumberSet(token.value)
        return self.text(token)

    def bracket_atom(self, sign: str) -> Node:
        """Read an atom that begins with a sign."""
        if sign in {"(", "[", "]", r"\{", "{", "langle"}:
            return self.bracketed()
        if sign == "|":
            self.at += 1
            self.enter()
            closes, self.bar_closes = self.bar_closes, True
            item = self.expression()
            self.bar_closes = closes
            self.expect("|")
            self.depth -= 1
            return Func("det" if isinstance(item, Matrix) else "abs", (item,))
        if sign in {"lfloor", "lceil"}:
            self.at += 1
            self.enter()
            item = self.expression()
            self.expect("rfloor" if sign == "lfloor" else "rceil")
            self.depth -= 1
            return Func("floor" if sign == "lfloor" else "ceil", (item,))
        if sign == "dots":
            self.at += 1
            return Dots()
        raise MalformedError(f"{sign!r} stands where a number or a variable must come")

    def number(self, token: Token) -> Node:
        """Read a number, with its base where it has one."""
        if token.number is not None and not self.is_sign("_"):
            return token.number
        return self.based(token.value)

    def based(self, digits: str) -> Node:
        """Read the base in the subscript of a number."""
        self.expect("_")
        for group in (0, 1):
            word = self.tokens[self.at + group]
            if word.kind == "text" and word.value in _BASES and self.is_sign("{") == bool(group):
                self.at += 1 + 2 * group
                return InBase(digits, _BASES[word.value])
        base = self.group() if self.is_sign("{") else self.atom()
        if not (isinstance(base, Num) and base.value.denominator == 1 and 2 <= base.value <= 36):
            raise MalformedError("a number with a subscript that is no base from 2 to 36")
        return InBase(digits, int(base.value))

    def variable(self, name: str) -> Node:
        """Read a variable with its subscript, primes and, of an unknown function, arguments."""
        index: Node | None = None
        if self.take_sign("_"):
            start = self.at
            name_part = self.subscript_name()
            if name == "C" and name_part is not None and name_part.isdecimal() and self.is_sign("^"):
                found = self.combinations(int(name_part))
                if found is not None:
                    return found
            if name_part is None:
                self.at = start
                index = self.group() if self.is_sign("{") else self.atom()
            else:
                name = f"{name}_{name_part}"
        while self.take_sign("'"):
            name += "'"
        if index is not None:
            return Apply(name, (index,))
        if name.rstrip("'") in _FUNCTION_LETTERS:
            if self.next_values(5) == ["^", "{", "-", "1", "}"] and self.tokens[self.at + 5].value == "(":
                self.at += 5
                return Apply(f"{name}^-1", self.arguments())
            if self.is_sign("("):
                return Apply(name, self.arguments())
        if name[0].isupper() or self.next_values(3) == ["(", "0", ")"]:
            # P(0) is a value of an unknown function; a factor before a bracketed number is lower-case.
            opening, argument, closing = self.tokens[self.at : self.at + 3]
            if (opening.value, argument.kind, closing.value) == ("(", "num", ")"):
                return Apply(name, self.arguments())
        opening, argument, closing, equals = self.tokens[self.at : self.at + 4]
        if (opening.value, closing.value, equals.value, argument.kind) == ("(", ")", "=", "var"):
            return Apply(name, self.arguments())
        return Var(name)

    def combinations(self, above: int) -> Node | None:
        """Read the k of C_n^k; None where it is a power of a constant C_n."""
        group = self.tokens[self.at + 1].value == "{"
        below = self.tokens[self.at + 1 + group]
        if below.number is None or below.number.value > above or (group and self.tokens[self.at + 3].value != "}"):
            return None
        self.at += 2 + 2 * group
        return Func("binom", (Num(Fraction(above)), below.number))

    def next_values(self, count: int) -> list[str]:
        """Return the texts of the next tokens."""
        return [token.value for token in self.tokens[self.at : self.at + count]]

    def subscript_name(self) -> str | None:
        """Read a subscript that only names: digits, capitals, words; None where it is an index such as n+1."""
        parts = []
        if not self.is_sign("{"):
            tokens = [self.token]
            self.at += 1
        else:
            end = self.at + 1
            while self.tokens[end].kind in _NAMING:
                end += 1
            if self.tokens[end].value != "}":
                return None
            tokens = self.tokens[self.at + 1 : end]
            self.at = end + 1
        for token in tokens:
            if token.kind not in _NAMING:
                return None
            parts.append(token.value)
        if len(parts) == 1 and tokens[0].kind == "var" and parts[0].islower():
            return None
        return "".join(parts)

    def arguments(self) -> tuple[Node, ...]:
        """Read arguments in brackets."""
        closing = {"(": ")", "[": "]", r"\{": r"\}", "{": "}"}[self.token.value]
        self.at += 1
        self.enter()
        closes, self.bar_closes = self.bar_closes, False
        found = [self.expression()]
        while self.take_sign(",", ";"):
            found.append(self.expression())
        self.bar_closes = closes
        self.expect(closing)
        self.depth -= 1
        return tuple(found)

    def text(self, token: Token) -> Node:
        """Read words and units; words one after the other belong together."""
        start = self.at - 1
        text = token.value
        while self.token.kind == "text":
            text += (" " if self.token.spaced or len(text) > 1 else "") + self.token.value
            self.at += 1
        before = self.tokens[start - 1] if start else token
        follows = start > 0 and (before.kind in {"num", "text", "cmd", "const"} or before.value in _BEFORE_UNITS)
        follows = follows or (start > 1 and before.value == "{" and self.tokens[start - 2].value in {"frac", "}"})
        if len(text) == 1 and text.isalpha() and not (follows and is_symbol(text)):
            return self.variable(text)
        powers = unit_powers(text)
        alone = start == 0 and self.token.kind == "end"
        if self.is_sign("_") and not follows:
            return self.variable(text)
        if powers and not alone:
            return Unit(text, tuple(powers.items()))
        if not follows:
            return Words(text)
        if before.value in {"/", "*", "{"} or _CHANGING.search(text):
            raise MalformedError(f"words that may change the number: {text[:30]!r}")
        return Unit(text, ())

    def command(self, name: str) -> Node:
        """Read a command with its arguments."""
        self.at += 1
        if name == "frac":
            above = self.argument()
            below = self.argument()
            if above == Var("d") and isinstance(below, Mul) and below.factors[0] == Var("d"):
                raise UnsupportedError("a derivative")
            return Div(above, below)
        if name == "sqrt":
            return self.root()
        if name == "binom":
            above = self.argument()
            return Func("binom", (above, self.argument()))
        if name == "begin":
            return self.matrix()
        if name in {"sum", "prod"}:
            return self.repeated(name)
        if name == "angle":
            letters = ""
            while self.token.kind == "var" and len(letters) < 8:
                self.at += 1
                point = self.variable(self.tokens[self.at - 1].value)
                letters += point.name if isinstance(point, Var) else "?"
            return Var(f"angle {letters}")
        raise UnsupportedError(f"the command \\{name}")

    def argument(self) -> Node:
        r"""Read a command's argument: ``{...}``, or the next character, as in ``\frac12``."""
        if self.is_sign("{"):
            return self.group()
        token = self.token
        if token.kind == "num" and len(token.value) > 1 and token.value.isdecimal():
            digit, rest = token.value[0], token.value[1:]
            self.tokens[self.at] = replace(token, value=rest, number=_whole(rest), spaced=False)
            return _whole(digit)
        return self.atom()

    def root(self) -> Node:
        """Read a root; its index stands in square brackets."""
        index: Node = Num(Fraction(2))
        if self.take_sign("["):
            index = self.expression()
            self.expect("]")
        return Root(index, self.group() if self.is_sign("{") else self.atom())

    def function(self, name: str) -> Node:
        """Read a known function: base, power and argument."""
        base = power = None
        while self.is_sign("_", "^"):
            raised = self.token.value == "^"
            self.at += 1
            value = self.group() if self.is_sign("{") else self.signed_power() if self.is_sign("-") else self.atom()
            base, power = (base, value) if raised else (value, power)
        if base is not None and name != "log":
            raise UnsupportedError(f"{name} with a subscript")
        if power == Neg(Num(Fraction(1), None, 1)) and name in _INVERSES:
            name, power = _INVERSES[name], None
        arguments = self.arguments() if self.is_sign("(", "[", r"\{", "{") else (self.bare_argument(),)
        if name == "exp":
            found: Node = Pow(Const("e"), arguments[0])
        else:
            found = Func(name, arguments if base is None else (arguments[0], base))
        return found if power is None else Pow(found, power)

    def bare_argument(self) -> Node:
        """Read a function's argument without brackets: a product up to the next function or operator."""
        factors = [self.signed_power()]
        while self.starts_factor() and self.token.kind != "func" and not self.is_sign("(", "["):
            self.implicit_factor(factors)
        return product(factors)

    def repeated(self, kind: str) -> Node:
        """Read a finite sum or product with its bounds."""
        self.expect("_")
        self.expect("{")
        index = self.token.value
        if self.token.kind != "var" and index != "i":
            raise UnsupportedError("a sum over something else than a variable")
        self.at += 1
        self.expect("=")
        low = self.expression()
        self.expect("}")
        self.expect("^")
        high = self.group() if self.is_sign("{") else self.atom()
        if any(isinstance(part, Const) and part.name == "infinity" for part in (*walk(low), *walk(high))):
            raise UnsupportedError("a sum without end")
        return Repeated(kind, index, low, high, self.term())

    def matrix(self) -> Node:
        """Read a matrix environment."""
        name = self.environment_name()
        if name.rstrip("*") in _LINES:
            return self.lines()
        if name not in _ENVIRONMENTS:
            raise UnsupportedError(f"the environment {name[:20]}")
        if name == "array" and self.take_sign("{"):
            while not self.take_sign("}"):
                if self.token.kind == "end":
                    raise MalformedError("braces that do not close")
                self.at += 1
        self.enter()
        rows: list[tuple[Node, ...]] = []
        row = []
        while True:
            row.append(self.expression())
            if self.take_sign("&"):
                continue
            rows.append(tuple(row))
            row = []
            if self.take_sign("newline") and not (self.token.kind == "cmd" and self.token.value == "end"):
                continue
            break
        if not (self.token.kind == "cmd" and self.token.value == "end"):
            raise MalformedError("a matrix that does not end")
        self.at += 1
        self.environment_name()
        self.depth -= 1
        if len({len(entries) for entries in rows}) != 1:
            raise MalformedError("a matrix with rows of different length")
        found = Matrix(tuple(rows))
        return Func("det", (found,)) if name == "vmatrix" else found

    def lines(self) -> Node:
        """Read an environment of one statement a line; the marks that align their relations are left out."""
        self.enter()
        self.tokens = [
            token
            for place, token in enumerate(self.tokens)
            if not (token.value == "&" and self.tokens[place + 1].value in _RELATION_SIGNS)
        ]
        found = self.listing()
        if not (self.token.kind == "cmd" and self.token.value == "end"):
            raise UnsupportedError("an environment with more than one statement a line")
        self.at += 1
        self.environment_name()
        self.depth -= 1
        return found

    def environment_name(self) -> str:
        """Read ``{name}``."""
        self.expect("{")
        letters = ""
        while not self.take_sign("}"):
            if self.token.kind == "end":
                raise MalformedError("braces that do not close")
            letters += self.token.value
            self.at += 1
        return letters


def _whole(digits: str) -> Num:
    return Num(Fraction(int(digits)), None, len(digits.lstrip("0")))
