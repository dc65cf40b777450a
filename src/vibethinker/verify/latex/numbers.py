"""Number literals, read exactly: grouped digits, decimals, repeating decimals, powers of ten."""

import re
from fractions import Fraction

from vibethinker.verify.latex.patterns import DOTTED, EXPONENT, NUMBERS, POINT, REPEATING
from vibethinker.verify.latex.tree import MalformedError, Num, TooLargeError

MAX_DIGITS = 1000
"""Digits of one number; more are refused before they are converted."""


def read_number(text: str, at: int, *, grouping: bool) -> tuple[Num, int]:
    """Return the number that begins at a place, and where it ends.

    Args:
        text: An answer.
        at: A place where a digit stands, or a point with decimals.
        grouping: Whether a plain comma or space may group digits.

    Raises:
        MalformedError: If it is no number after all.
        TooLargeError: If it has more than ``MAX_DIGITS`` digits, or so large a power of ten.
    """
    return _repeating(text, at) or _plain(text, at, grouping=grouping)


def _repeating(text: str, at: int) -> tuple[Num, int] | None:
    """Read a repeating decimal; None where there is none."""
    if match := DOTTED.match(text, at):
        whole, fixed, period, at = match["whole"], match["fixed"], match["period"], match.end()
        if len(match.group()) - len(whole) < 6:
            return None
    else:
        point = POINT.match(text, at)
        match = REPEATING.match(text, point.end()) if point else None
        if point is None or match is None:
            return None
        whole, fixed, at = point["whole"], match["fixed"], match.end()
        period = match["bar"] or match["bracket"] or match["first"] + match["between"] + (match["last"] or "")
        if match["first"] and match["between"] and not match["last"]:
            return None
    _check_digits(whole + fixed + period)
    shift = 10 ** len(fixed)
    value = Fraction(int(whole + fixed or "0"), shift) + Fraction(int(period), shift * (10 ** len(period) - 1))
    return Num(value), at


def _plain(text: str, at: int, *, grouping: bool) -> tuple[Num, int]:
    """Read a number with its groups, decimals and power of ten."""
    match = NUMBERS[grouping].match(text, at)
    if match is None or not match.group():
        raise MalformedError("a point without digits")
    whole = re.sub(r"[^0-9]", "", match["whole"] or "")
    decimals = match["decimals"]
    if decimals is not None and text[match.start("decimals") - 1] == "}" and len(decimals) % 3 == 0:
        raise MalformedError(f"{match.group()!r} is neither a grouped number nor a decimal one")
    _check_digits(whole + (decimals or ""))
    value = Fraction(int(whole + (decimals or "")), 10 ** len(decimals or ""))
    at = match.end()
    places = None if decimals is None else len(decimals)
    digits = len((whole + (decimals or "")).lstrip("0"))
    if exponent := EXPONENT.match(text, at):
        power = exponent["exponent"]
        if len(power) > 5:
            raise TooLargeError(f"a number with the exponent {power}")
        value *= Fraction(10) ** int(power)
        at = exponent.end()
        places = (places or 0) - int(power)
    return Num(value, places, digits), at


def _check_digits(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise TooLargeError(f"a number of {len(digits)} digits")
