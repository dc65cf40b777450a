"""How sure a mean over problems is, from the problems themselves: the bootstrap.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3 (percentile interval). The problems
are what is drawn again, each with all of its responses: those to one problem depend on one another.
"""

from collections.abc import Sequence
from math import ceil, floor
from random import Random
from statistics import fmean


def bootstrap_means(values: Sequence[float], *, resamples: int, seed: int) -> list[float]:
    """Return the means of so many resamples of the values, ascending; the same for the same seed.

    Raises:
        ValueError: If there are no values, or no resample is asked for.
    """
    if not values or resamples < 1:
        raise ValueError(f"need a value and a resample at least, got {len(values)} values, {resamples} resamples")
    rng = Random(seed)  # noqa: S311 - not for cryptography
    return sorted(fmean(rng.choices(values, k=len(values))) for _ in range(resamples))


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 1000, seed: int
) -> tuple[float, float]:
    """Return the percentile interval of the mean over all problems of the kind.

    Raises:
        ValueError: As ``bootstrap_means``, or if ``confidence`` is not between 0 and 1.

    >>> bootstrap_interval([0.5, 0.5, 0.5], seed=0)
    (0.5, 0.5)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    means = bootstrap_means(values, resamples=resamples, seed=seed)
    tail = (1 - confidence) / 2 * (resamples - 1)
    return means[floor(tail)], means[ceil(resamples - 1 - tail)]
