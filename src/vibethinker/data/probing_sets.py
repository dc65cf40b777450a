"""The probing set of a data stage, whole or cut to so many problems of each domain."""

from collections import Counter
from pathlib import Path

from vibethinker.data.tables import read_problems
from vibethinker.records import Problem


def probing_problems(folder: Path, *, per_domain: int | None = None) -> list[Problem]:
    """Return the probing problems of a data stage's folder, at most ``per_domain`` of each domain, in file order."""
    taken: Counter[str] = Counter()
    kept = []
    for problem in read_problems(folder / "probing.parquet"):
        if per_domain is None or taken[problem.domain] < per_domain:
            taken[problem.domain] += 1
            kept.append(problem)
    return kept
