"""A small search for the best weights of a fusion: points of the simplex, of which each costs an evaluation.

Source: ours, a pattern search (Torczon 1997, "On the Convergence of Pattern Search Algorithms", SIAM J. Optim. 7(1))
whose directions lead to the corners.

    candidates of x:   (1 - step) x + step e_i      for every corner e_i (one model alone)

The best candidate becomes x when it is better; after a round without gain the step is halved. Every point is the
weights of an average, as it is a weighted average of two such points.

What it can promise: of a concave score whose gradient changes by at most L per unit of distance, x is within L * step
of the greatest value on the whole simplex after a round without gain at that step. The optimum t is reached along
t - x = sum t_i (e_i - x), and no step along e_i - x gains, so that none of their slopes exceeds L step |e_i - x|^2 / 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, isfinite

Point = tuple[float, ...]

# Weights that differ by less are one point: rounding must not cost an evaluation.
_SAME = 9


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        best: The best point.
        score: Its score.
        step: The step of the last round without gain, for the promise above; None where every round gained.
        candidates: Every point evaluated with its score, in the order of evaluation; the first is the start.
    """

    best: Point
    score: float
    step: float | None
    candidates: tuple[tuple[Point, float], ...]


def search_simplex(score: Callable[[Point], float], start: Sequence[float], *, step: float, rounds: int) -> Searched:
    """Return the best point found in some rounds from ``start``; deterministic, and no point is scored twice.

    Args:
        score: What is to be greatest; at most ``1 + rounds * len(start)`` calls. Of equals the earlier point stays.
        start: Weights, at least 0 and not all 0; divided by their sum.
        step: Share of the way to a corner in the first round, above 0 and at most 1.
        rounds: How many rounds, at least 0.

    Raises:
        ValueError: If an argument is out of range, or a score is not a number.

    >>> search_simplex(lambda x: -((x[0] - 0.75) ** 2), [1, 1], step=0.5, rounds=2).best
    (0.75, 0.25)
    """
    if not 0 < step <= 1 or rounds < 0:
        raise ValueError(f"need 0 < step <= 1 and rounds >= 0, got step={step}, rounds={rounds}")
    if not all(isfinite(weight) and weight >= 0 for weight in start) or not any(start):
        raise ValueError(f"need weights of at least 0, not all 0, to start from, got {list(start)}")
    known: dict[Point, tuple[Point, float]] = {}

    def evaluate(point: Point) -> float:
        key = tuple(round(weight, _SAME) for weight in point)
        if key not in known:
            value = score(point)
            if not isfinite(value):
                raise ValueError(f"the score of {list(point)} is {value}, need a finite number")
            known[key] = (point, value)
        return known[key][1]

    centre = _on_simplex(start)
    reached = evaluate(centre)
    proven = None
    for _ in range(rounds):
        moved = [_towards(centre, corner, step) for corner in range(len(centre))]
        values = [evaluate(point) for point in moved]
        if max(values) > reached:
            reached = max(values)
            centre = moved[values.index(reached)]
        else:
            proven, step = step, step / 2
    return Searched(centre, reached, proven, tuple(known.values()))


def _towards(point: Point, corner: int, step: float) -> Point:
    return _on_simplex([(1 - step) * weight + step * (place == corner) for place, weight in enumerate(point)])


def _on_simplex(weights: Sequence[float]) -> Point:
    total = fsum(weights)
    return tuple(weight / total for weight in weights)
