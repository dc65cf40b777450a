"""One model against another by domain: what it gained, kept and lost.

Source: ours, on paired differences over problems as in ``scores`` (Miller 2024, "Adding Error Bars to Evals", arXiv
2411.00640, section 4.2). No correction is made for how many comparisons a table has: of twenty without a true
difference one is expected to look like a gain or a loss.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from vibethinker.algos.scores import ProblemScore, by_domain, paired_difference


def paired_differences(
    ours: Sequence[ProblemScore], theirs: Sequence[ProblemScore], *, k: int
) -> dict[str, dict[str, dict[str, float] | None]]:
    """Return ``paired_difference`` of ``pass@1`` and ``pass@k``, each by domain and over ``all``; None as there.

    >>> ours = [ProblemScore(name, "algebra", 4, 3) for name in "ab"]
    >>> theirs = [ProblemScore(name, "algebra", 4, 1) for name in "ab"]
    >>> paired_differences(ours, theirs, k=4)["pass@1"]["algebra"]
    {'points': 50.0, 'half_width': 0.0}
    """
    other = by_domain(theirs)
    return {
        f"pass@{size}": {
            domain: paired_difference(group, other.get(domain, []), k=size) for domain, group in by_domain(ours).items()
        }
        for size in sorted({1, k})
    }


def judge_difference(difference: Mapping[str, float] | None) -> Literal["gains", "keeps", "loses"] | None:
    """Say what a paired difference shows: its sign where the whole interval is on one side of 0, else ``keeps``.

    ``keeps`` says that so many problems show no difference, not that there is none; None where nothing is known.

    >>> judge_difference({"points": 4.0, "half_width": 3.0}), judge_difference({"points": -2.0, "half_width": 3.0})
    ('gains', 'keeps')
    """
    if difference is None:
        return None
    if abs(difference["points"]) <= difference["half_width"]:
        return "keeps"
    return "gains" if difference["points"] > 0 else "loses"
