r"""Exact numbers out of final answers, by patterns alone: no evaluation, no symbolic algebra, bounded size.

What is read, each with an optional sign before it:

* ``42``, ``0.5``, ``.5``, with thousands separated by ``,`` or ``{,}`` or ``\,``: ``1,234`` ``1{,}234`` ``1\,234``;
* a quotient of two such numbers: ``3/4``, ``\frac{3}{4}``, ``\dfrac``, ``\tfrac``, ``\frac34``;
* around it: white space, ``$``, a trailing period, a degree sign (``^\circ``, ``°``), which is dropped.

Everything else (units, percent, mixed numbers, roots, variables, powers of ten) is not read. A decimal is the exact
number that it shows: 0.33 is not 1/3.
"""

import re
from fractions import Fraction

MAX_DIGITS = 1000
"""Digits of an answer, numerator and denominator together; more are refused before anything is computed."""

MAX_CHARACTERS = 4 * MAX_DIGITS
"""Characters of an answer; longer ones are refused unread."""

# [0-9], not \d: other scripts' digits are not answers here. No two neighbouring parts can match the same characters,
# so that a failing match costs linear time.
_NUMBER = r"(?:(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
_SIGNED = rf"(?:[+-]\s*)?{_NUMBER}"
_ARGUMENT = r"(?:\{{\s*(?P<{0}>{1})\s*\}}|(?P<{0}_digit>[0-9]))"
_FRACTION = re.compile(
    rf"(?P<sign>[+-]?)\s*\\[dt]?frac\s*{_ARGUMENT.format('above', _SIGNED)}\s*{_ARGUMENT.format('below', _SIGNED)}"
)
_QUOTIENT = re.compile(rf"(?P<above>{_SIGNED})(?:\s*/\s*(?P<below>{_SIGNED}))?")
_THIN_SPACE_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])\\,(?=[0-9])")
_DOLLARS = re.compile(r"(\$\$?)(?P<inside>[^$]*)\1")
_DEGREE_SIGNS = (r"^\circ", r"^{\circ}", "°")


def parse_exact(text: str) -> Fraction | None:
    r"""Return the number that the text writes, exactly; None where it writes none in a form listed above.

    Never raises: a zero denominator, too many digits and text of any kind are None.

    >>> parse_exact(r"-\frac{3}{4}"), parse_exact("1,234.50"), parse_exact("$90^\\circ$.")
    (Fraction(-3, 4), Fraction(2469, 2), Fraction(90, 1))
    >>> parse_exact("1e5") is parse_exact("1/0") is parse_exact("2^3") is None
    True
    """
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        return None
    text = _plain(text)
    if sum("0" <= character <= "9" for character in text) > MAX_DIGITS:
        return None
    if match := _QUOTIENT.fullmatch(text):
        above, below = match["above"], match["below"] or "1"
        sign = ""
    elif match := _FRACTION.fullmatch(text):
        above = match["above"] or match["above_digit"]
        below = match["below"] or match["below_digit"]
        sign = match["sign"]
    else:
        return None
    divisor = _number(below)
    if divisor == 0:
        return None
    quotient = _number(above) / divisor
    return -quotient if sign == "-" else quotient


def _plain(text: str) -> str:
    """Take off what typesetting puts around and into a number."""
    text = text.replace("\N{MINUS SIGN}", "-").replace(r"\!", "").replace("{,}", ",")
    text = _THIN_SPACE_BETWEEN_DIGITS.sub(",", text).replace(r"\,", " ")
    text = text.strip().removesuffix(".").rstrip()
    if match := _DOLLARS.fullmatch(text):
        text = match["inside"].strip().removesuffix(".")
    for sign in _DEGREE_SIGNS:
        text = text.removesuffix(sign)
    return text.strip()


def _number(text: str) -> Fraction:
    """Read a signed number that ``_SIGNED`` has matched."""
    sign = -1 if text.startswith("-") else 1
    whole, _, decimals = text.lstrip("+-").strip().replace(",", "").partition(".")
    return Fraction(sign * int(whole + decimals), 10 ** len(decimals))
