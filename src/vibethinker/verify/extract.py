r"""Where the final answer stands in a response: in its last ``\boxed{}``."""

import re

from vibethinker.algos.ways import BOX

THOUGHT_START, THOUGHT_END = "<think>", "</think>"

MAX_ANSWER_CHARACTERS = 10_000
"""A box that is not closed by then holds no final answer; it bounds the time that hostile text can take."""

# A backslash takes the next character with it: \{ and \} are signs, not groups.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_DEPTH_CHANGE = {"{": 1, "}": -1}


def last_boxed(text: str) -> str | None:
    r"""Return what the last ``\boxed{...}`` after the last ``</think>`` holds, without outer white space.

    None where there is no box, where the last one is not closed (within ``MAX_ANSWER_CHARACTERS``), and where a
    ``<think>`` is not: such a response broke off before its final answer, and an earlier box is not what it ends on.
    Braces nest; of nested boxes the innermost last counts. Time is linear in the text.

    >>> last_boxed(r"so \boxed{1}, or rather \boxed{\frac{1}{2}}")
    '\\frac{1}{2}'
    >>> last_boxed(r"\boxed{1} or \boxed{2") is None
    True
    """
    answer = text.rpartition(THOUGHT_END)[2]
    start = answer.rfind(BOX)
    if start < 0 or THOUGHT_START in answer:
        return None
    start += len(BOX)
    depth = 1
    for match in _BRACE.finditer(answer, start, start + MAX_ANSWER_CHARACTERS + 1):
        depth += _DEPTH_CHANGE.get(match.group(), 0)
        if depth == 0:
            return answer[start : match.start()].strip()
    return None
