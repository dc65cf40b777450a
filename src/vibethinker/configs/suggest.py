"""The nearest known word to one that is not known."""

import difflib
from collections.abc import Iterable

# Similarity above which a word passes for a misspelling of another; difflib's own default.
_NEAR = 0.6


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "..."?`` with the nearest of the known words, or nothing where none is near.

    >>> did_you_mean("learning_rte", ["learning_rate", "steps"])
    '; did you mean "learning_rate"?'
    >>> did_you_mean("zebra", ["learning_rate", "steps"])
    ''
    """
    near = difflib.get_close_matches(given, sorted(known), n=1, cutoff=_NEAR)
    return f'; did you mean "{near[0]}"?' if near else ""


def suggest(given: str, known: Iterable[str]) -> str:
    """Return the nearest of the known words, or all of them where none is near.

    >>> suggest("zebra", ["steps", "data"])
    '; there are: data, steps'
    """
    words = sorted(known)
    if near := did_you_mean(given, words):
        return near
    return f"; there are: {', '.join(words)}" if words else ""
