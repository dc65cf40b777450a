"""TIES: models are fused by their largest differences to the base, where they agree on the direction.

Source: Yadav et al. 2023, "TIES-Merging", arXiv 2306.01708, section 3 and algorithm 1. With d_i = M_i - B:

    trim            keep of each d_i the share ``density`` of largest magnitude, set the rest to 0
    elect           s = sign of sum_i w_i d_i, number by number
    disjoint mean   m = sum w_i d_i / sum w_i over the models with sign(d_i) = s
    M = B + scale * m

With equal weights this is the paper's. Numbers as large as the smallest one kept are all kept, as in the authors' code:
what is kept then depends on no order. Where the sum is 0 no sign is elected and M is B, so that models mirrored at the
base give the mirrored result. Tensors are trimmed one by one, as here one sequence is.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from math import isfinite

from vibethinker.algos.fusion import check_weights


def kept_count(n: int, *, density: float) -> int:
    """Return how many of n numbers a share of ``density`` is: rounded down, but at least 1.

    Raises:
        ValueError: If ``n`` is less than 1 or ``density`` lies outside (0, 1].

    >>> kept_count(10, density=0.25), kept_count(3, density=0.2)
    (2, 1)
    """
    if n < 1 or not 0 < density <= 1:
        raise ValueError(f"need n >= 1 and a density in (0, 1], got n={n}, density={density}")
    return max(1, int(density * n))


def trimmed(deltas: Sequence[Fraction], *, density: float) -> list[Fraction]:
    """Return the differences with all but the largest set to 0; those equal to the smallest that is kept stay too.

    >>> [int(d) for d in trimmed([Fraction(1), Fraction(-3), Fraction(2), Fraction(2)], density=0.5)]
    [0, -3, 2, 2]
    """
    threshold = sorted(map(abs, deltas), reverse=True)[kept_count(len(deltas), density=density) - 1]
    return [delta if abs(delta) >= threshold else Fraction(0) for delta in deltas]


def ties(
    base: Sequence[float], values: Sequence[Sequence[float]], weights: Sequence[float], *, density: float, scale: float
) -> list[float]:
    """Return the base plus the scaled disjoint mean of the models' trimmed differences; exact before it is rounded.

    Args:
        base: The model that the others were trained from; not empty.
        values: The models, all as long as ``base``.
        weights: One per model, as ``check_weights`` wants them.
        density: Share of each model's differences that is kept, in (0, 1].
        scale: Of the mean; finite.

    Raises:
        ValueError: If lengths differ, a weight, the density or the scale is out of range, or a number is not finite.

    >>> ties([0.0, 0.0], [[4.0, 1.0], [2.0, -3.0]], [0.5, 0.5], density=1.0, scale=1.0)
    [3.0, -3.0]
    """
    check_weights(weights)
    if len(values) != len(weights) or any(len(model) != len(base) for model in values):
        raise ValueError(f"need {len(weights)} models of the base's length {len(base)}, got {list(map(len, values))}")
    if not all(map(isfinite, chain([scale], base, *values))):
        raise ValueError("models and scale must be finite numbers")
    start = list(map(Fraction, base))
    deltas = [
        trimmed([Fraction(number) - b for number, b in zip(model, start, strict=True)], density=density)
        for model in values
    ]
    shares = list(map(Fraction, weights))
    columns = zip(*deltas, strict=True)
    return [
        float(b + Fraction(scale) * _disjoint_mean(column, shares)) for b, column in zip(start, columns, strict=True)
    ]


def _disjoint_mean(column: Sequence[Fraction], weights: Sequence[Fraction]) -> Fraction:
    elected = sum((w * d for w, d in zip(weights, column, strict=True)), Fraction(0))
    agreeing = [(w, d) for w, d in zip(weights, column, strict=True) if d * elected > 0]
    total = sum((w for w, _ in agreeing), Fraction(0))
    return sum((w * d for w, d in agreeing), Fraction(0)) / total if total else Fraction(0)
