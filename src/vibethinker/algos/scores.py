"""What a table of results shows: pass@1, pass@k and their spread, per domain and over all.

Source: pass@k as in ``pass_at_k``. pass@1 of a problem is the share of right ones among its judged samples; a model's
is the mean over problems (VibeThinker-1.5B section 4.1, VibeThinker-3B section 3.1: average over n samples). Ours:
a problem of which fewer than k samples could be judged has no pass@k; it is left out and counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vibethinker.algos.intervals import mean_interval
from vibethinker.algos.pass_at_k import pass_at_k

ALL = "all"


@dataclass(frozen=True)
class ProblemScore:
    """One problem's samples: how many could be judged (n) and how many of them are right (c)."""

    problem_id: str
    domain: str
    n: int
    c: int


def problem_scores(rows: Iterable[tuple[str, str, bool | None]]) -> list[ProblemScore]:
    """Count rows of (problem id, domain, correct) by problem; None is not counted in n.

    >>> problem_scores([("a", "algebra", True), ("a", "algebra", None), ("a", "algebra", False)])
    [ProblemScore(problem_id='a', domain='algebra', n=2, c=1)]
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for problem, domain, correct in rows:
        count = counts.setdefault((problem, domain), [0, 0])
        if correct is not None:
            count[0] += 1
            count[1] += correct
    return [ProblemScore(problem, domain, n, c) for (problem, domain), (n, c) in counts.items()]


def by_domain(scores: Sequence[ProblemScore]) -> dict[str, list[ProblemScore]]:
    """Group scores by domain, with all of them under ``all`` first."""
    groups: dict[str, list[ProblemScore]] = {ALL: list(scores)}
    for score in scores:
        groups.setdefault(score.domain, []).append(score)
    return groups


def summarise(scores: Sequence[ProblemScore], *, k: int) -> dict[str, Any]:
    """Return ``pass@1``, its ``interval`` (95 %, over problems), ``pass@k`` and ``left_out``, each by domain.

    A domain none of whose problems could be judged has None.
    """
    found: dict[str, dict[str, Any]] = {"pass@1": {}, "interval": {}, f"pass@{k}": {}, "left_out": {}}
    for domain, group in by_domain(scores).items():
        ones = [score.c / score.n for score in group if score.n]
        ks = [pass_at_k(score.n, score.c, k=k) for score in group if score.n >= k]
        found["pass@1"][domain] = sum(ones) / len(ones) if ones else None
        found["interval"][domain] = list(mean_interval(ones)) if len(ones) > 1 else None
        if k > 1:
            found[f"pass@{k}"][domain] = sum(ks) / len(ks) if ks else None
        found["left_out"][domain] = len(group) - len(ks)
    return found


def paired_difference(
    ours: Sequence[ProblemScore], theirs: Sequence[ProblemScore], *, k: int = 1
) -> dict[str, float] | None:
    """Return the mean difference of pass@k over the problems of which both have one, in points, and its half width.

    The half width is that of a 95 % interval over problems; pairing takes out how hard each problem is. None with
    fewer than two common problems.
    """
    other = {score.problem_id: pass_at_k(score.n, score.c, k=k) for score in theirs if score.n >= k}
    differences = [
        pass_at_k(score.n, score.c, k=k) - other[score.problem_id]
        for score in ours
        if score.n >= k and score.problem_id in other
    ]
    if len(differences) < 2:
        return None
    centre = sum(differences) / len(differences)
    low, high = mean_interval(differences, low=-1.0, high=1.0)
    # The wider side: an interval that is cut at one end must not look as if it were short of 0 at the other.
    return {"points": 100 * centre, "half_width": 100 * max(centre - low, high - centre)}
