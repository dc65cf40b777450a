"""Which checkpoints of a training are worth their place on disk: those that may still become a specialist.

Source: ours; who may still win is told as in ``race``, the later probe measuring everybody anew.
"""

from collections.abc import Mapping
from statistics import fmean

from vibethinker.algos.race import Values, behind, common_values, ranked


def contenders(by_domain: Mapping[str, Values], *, error: float, most: int) -> list[str]:
    """Return at most ``most`` candidates to keep, in the order given: who may still win a domain.

    Where more may, those nearest to a domain's leader stay; the leaders themselves always do. Candidates are compared
    on the problems that all of them have; where that cannot be, one may still win, and is as far as can be from a
    leader.

    Args:
        by_domain: Each domain's values in [0, 1], of the same candidates in each.
        error: Chance of dropping a domain's best, as in ``behind``.
        most: How many may stay, at least the number of domains.

    Raises:
        ValueError: If ``most`` is less than there are domains.
    """
    if most < len(by_domain):
        raise ValueError(f"need room for the best of every domain, got most={most} and {len(by_domain)} domains")
    gaps: dict[str, float] = {}
    for values in by_domain.values():
        shared = common_values({name: row for name, row in values.items() if row})
        out = behind(shared, population=None, error=error)
        means = {name: fmean(row.values()) for name, row in shared.items() if row}
        leader = next(iter(ranked(shared)), None) if means else None
        for name in values:
            gap = means[leader] - means[name] if leader is not None and name in means else 1.0
            # A leader that equals others is nearer than they are.
            gap = -1.0 if name == leader else float("inf") if name in out else gap
            gaps[name] = min(gap, gaps.get(name, float("inf")))
    near = sorted((name for name, gap in gaps.items() if gap < float("inf")), key=gaps.__getitem__)[:most]
    return [name for name in gaps if name in near]
