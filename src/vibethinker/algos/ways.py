r"""Ways of solving, told from a response's form.

Source: ours. VibeThinker's spectrum (arXiv 2511.06221, section 3.1) is the set of ways a model has of solving a
problem; for procedural problems, whose traces come in three forms, the form shows the way.

    direct: nothing but the final answer;  brief: one line before it;  careful: two lines or more

The final answer is what stands in a box, or a program in a fenced block.
"""

from typing import Literal

BOX = r"\boxed{"

FENCE = "```python"
"""What a program's block opens with."""

WAYS = ("careful", "brief", "direct")
"""The ways, most worked out first."""


def way_of(text: str) -> Literal["direct", "brief", "careful"]:
    r"""Return the way by the number of lines before the last ``\boxed{``, its own line's beginning included.

    A response whose last ``FENCE`` has no box after it is told by the lines before that. A line without a letter or a
    digit, such as a blank one or ``$$``, does not count. A response without either is told by all its lines. Time is
    linear in the text.

    >>> way_of("\\boxed{21}")
    'direct'
    >>> way_of("3*5+6=21\n\\boxed{21}")
    'brief'
    >>> way_of("3*5=15\n\n15+6=21\nThe answer is \\boxed{21}.")
    'careful'
    >>> way_of("3*5=15\\n```python\\ndef f(x):\\n    return x+15\\n```")
    'brief'
    """
    end = max(text.rfind(BOX), text.rfind(FENCE))
    lines = sum(any(map(str.isalnum, line)) for line in (text if end < 0 else text[:end]).split("\n"))
    return "direct" if lines == 0 else "brief" if lines == 1 else "careful"
