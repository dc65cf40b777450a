"""Fusion: one model out of several with the same shape. Here a model is a plain sequence of numbers.

Source of the weighted average: VibeThinker-1.5B (arXiv 2511.06221), section 3.3, where w_i = 1/N.

    M = sum_i w_i M_i,  w_i >= 0,  sum_i w_i = 1

Source of task arithmetic: Ilharco et al. 2023, "Editing Models with Task Arithmetic", arXiv 2212.04089, section 2.

    M = B + scale * sum_i w_i (M_i - B)          B is the model that all M_i were trained from

Everything is computed as exact fractions and rounded once: what tensors give is measured against this.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from math import isfinite
from operator import mul

WEIGHT_SUM_TOLERANCE = 1e-6


def equal_weights(n: int) -> list[float]:
    """Return n weights of 1/n, the paper's choice.

    Raises:
        ValueError: If ``n`` is less than 1.

    >>> equal_weights(4)
    [0.25, 0.25, 0.25, 0.25]
    """
    if n < 1:
        raise ValueError(f"need at least one model to weigh, got n={n}")
    return [1 / n] * n


def check_weights(weights: Sequence[float]) -> None:
    """Raise ValueError unless the weights are an average's: at least 0, with sum 1 up to ``WEIGHT_SUM_TOLERANCE``.

    >>> check_weights([0.5, 0.75])
    Traceback (most recent call last):
    ValueError: weights must be at least 0 and sum to 1, got [0.5, 0.75] (sum 1.25)
    """
    total = sum(weights)
    if not all(weight >= 0 for weight in weights) or not abs(total - 1) <= WEIGHT_SUM_TOLERANCE:
        raise ValueError(f"weights must be at least 0 and sum to 1, got {list(weights)} (sum {total:g})")


def weighted_average(values: Sequence[Sequence[float]], weights: Sequence[float]) -> list[float]:
    """Return the weighted average of the models, number by number.

    Weights are divided by their sum, which is 1 but for rounding, so that the average of equal models is that model.

    Args:
        values: The models, all of one length.
        weights: One per model, as ``check_weights`` wants them.

    Raises:
        ValueError: If lengths differ, a weight is out of range, or a number is not finite.

    >>> weighted_average([[1.0, 8.0], [3.0, 0.0]], [0.25, 0.75])
    [2.5, 2.0]
    """
    check_weights(weights)
    total = sum(map(Fraction, weights))
    return _combination(values, [Fraction(weight) / total for weight in weights])


def task_arithmetic(
    base: Sequence[float], values: Sequence[Sequence[float]], weights: Sequence[float], *, scale: float
) -> list[float]:
    """Return the base plus the scaled, weighted sum of the models' differences to it, number by number.

    Args:
        base: The model that the others were trained from.
        values: The models, all as long as ``base``.
        weights: One per model; any finite number, since a negative one makes a model forget its task.
        scale: Of the summed differences; finite.

    Raises:
        ValueError: If lengths differ or a number is not finite.

    >>> task_arithmetic([1.0, 1.0], [[2.0, 1.0], [1.0, 5.0]], [0.5, 0.5], scale=2.0)
    [2.0, 5.0]
    """
    if not all(map(isfinite, (scale, *weights))):
        raise ValueError(f"scale and weights must be finite numbers, got scale={scale}, weights={list(weights)}")
    factors = [Fraction(scale) * Fraction(weight) for weight in weights]
    return _combination([base, *values], [1 - sum(factors, Fraction(0)), *factors])


def _combination(models: Sequence[Sequence[float]], factors: Sequence[Fraction]) -> list[float]:
    """Return sum_i factor_i * model_i, exact before it is rounded."""
    if len(models) != len(factors) or len(set(map(len, models))) != 1:
        lengths = list(map(len, models))
        raise ValueError(f"need models of one length, one factor each, got lengths {lengths}, {len(factors)} factors")
    if not all(map(isfinite, chain.from_iterable(models))):
        raise ValueError("models must hold finite numbers only")
    columns = zip(*models, strict=True)
    return [float(sum(map(mul, factors, map(Fraction, column)))) for column in columns]
