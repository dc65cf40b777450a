r"""Ways of solving, told from a response's form.

Source: ours. VibeThinker's spectrum (arXiv 2511.06221, section 3.1) is the set of ways a model has of solving a
problem; for procedural problems, whose traces come in three forms, the form shows the way.

    direct: nothing but the boxed answer;  brief: one line before it;  careful: two lines or more
"""

from typing import Literal

BOX = r"\boxed{"

WAYS = ("careful", "brief", "direct")
"""The ways, most worked out first."""


def way_of(text: str) -> Literal["direct", "brief", "careful"]:
    r"""Return the way by the number of lines before the last ``\boxed{``, its own line's beginning included.

    A line without a letter or a digit, such as a blank one or ``$$``, does not count. A response without a box is
    told by all its lines. Time is linear in the text.

    >>> way_of("\\boxed{21}")
    'direct'
    >>> way_of("3*5+6=21\n\\boxed{21}")
    'brief'
    >>> way_of("3*5=15\n\n15+6=21\nThe answer is \\boxed{21}.")
    'careful'
    """
    before, box, after = text.rpartition(BOX)
    lines = sum(any(map(str.isalnum, line)) for line in (before if box else after).split("\n"))
    return "direct" if lines == 0 else "brief" if lines == 1 else "careful"
