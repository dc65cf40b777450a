"""How numbers are written for people: shares, durations, counts, differences."""

import math
import re
from collections.abc import Iterable

NOTHING = "-"
"""Stands where there is no number, which is not the same as 0."""


def decimal(value: float | None, places: int = 2) -> str:
    """Write a number with a fixed count of decimal places, below 1 without the leading zero.

    None and what is not finite come out as ``-``.

    >>> decimal(0.58), decimal(1), decimal(-0.049, 1), decimal(0.2119, 3), decimal(None)
    ('.58', '1.00', '.0', '.212', '-')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    digits = f"{abs(value):.{places}f}"
    sign = "-" if value < 0 and float(digits) else ""
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def duration(seconds: float | None) -> str:
    """Write a length of time, to the second up to an hour.

    >>> duration(0.2), duration(71), duration(125), duration(3725)
    ('<1 s', '71 s', '2 min 05 s', '1 h 02 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if 0 < seconds < 0.5:
        return "<1 s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def counted(number: int, noun: str) -> str:
    """Write a count with its noun.

    >>> counted(1, "run"), counted(6400, "problem")
    ('1 run', '6,400 problems')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(values: Iterable[float | None], places: int = 2, *, dash: str = "-") -> str:
    """Write the range of some numbers; empty where there are none.

    >>> span([0.91, 0.62, 0.7]), span([0.5]), span([])
    ('.62-.91', '.50', '')
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = decimal(min(known), places), decimal(max(known), places)
    return low if low == high else f"{low}{dash}{high}"


def difference(points: float, half_width: float | None = None) -> str:
    """Write a difference in percentage points with the half-width of its interval, where that is known.

    >>> difference(25.44, 3.1), difference(-0.52)
    ('+25.4 points (±3.1)', '-0.5 points')
    """
    interval = "" if half_width is None else f" (±{half_width:.1f})"
    return f"{points:+.1f} points{interval}"


def printable(text: str) -> str:
    """Make any text safe to set: what is invisible, reorders text or cannot be encoded becomes a visible sign.

    Line feeds and tabs stay.

    >>> printable("a\\x00b\\n\\u202ec")
    'a␀b\\n\ufffdc'
    """
    return _UNPRINTABLE.sub(_visible, text)


# Control characters, marks that reverse the direction of writing, surrogates, and what XML does not allow.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_CONTROL_PICTURES = 0x2400


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(_CONTROL_PICTURES + code) if code < 0x20 else "\ufffd"
