"""What the benchmarks share: problems from the probing range, and a table of ours, theirs and the ratio."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import platform
import statistics
import time
from collections.abc import Callable
from random import Random

from vibethinker.data.families import FAMILIES, LEVELS
from vibethinker.data.procedural import draw_problems
from vibethinker.data.splits import BUCKETS
from vibethinker.records import Problem


def probing_problems(count: int, *, seed: int = 0) -> list[Problem]:
    """Draw problems that nothing is trained or evaluated on."""
    drawn = draw_problems(FAMILIES, LEVELS, BUCKETS["probing"], count=count, rng=Random(seed))  # noqa: S311
    return [item.problem for item in drawn]


def in_turn(
    ours: Callable[[int], object], theirs: Callable[[int], object], *, rounds: int
) -> tuple[list[float], list[float]]:
    """Time the two in turn, after one uncounted round each; seconds per round."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for function, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            function(number)
            if number:
                kept.append(time.perf_counter() - start)
    return times


def report(title: str, unit: str, ours: list[float], theirs: list[float]) -> None:
    """Print medians, spread and the ratio of each pair's times."""
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"{title} ({platform.machine()}, {os.cpu_count()} cores; median of {len(ours)}, least to most)")
    for name, values in (("ours", ours), ("theirs", theirs)):
        print(f"  {name:7} {statistics.median(values):8.3f} {unit}   {min(values):.3f} to {max(values):.3f}")
    print(f"  ratio   {ratio:8.2f}")
