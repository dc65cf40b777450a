"""How sure the mean over a set of problems is: Student's interval.

Source: Student 1908, "The Probable Error of a Mean", Biometrika 6(1); for evaluations, Miller 2024, "Adding Error Bars
to Evals", arXiv 2411.00640. Distribution: Abramowitz and Stegun 1964, equations 26.7.3 and 26.7.4.

    mean +- t(confidence, n - 1) * s / sqrt(n)          s: sample standard deviation of n problems' values

The problems are the sample, each one's value (its share of right responses) a single draw: responses to one problem
are not independent of one another, so counting them singly would make the interval too narrow. Student's rather than
a bootstrap: from 30 problems (an AIME year) up the two agree, below that the bootstrap is too narrow, and this needs no
seed. It cannot see past the sample: values without any spread give an interval without width.
"""

from collections.abc import Sequence
from math import cos, pi, sin, sqrt, tan
from statistics import mean, stdev


def mean_interval(
    values: Sequence[float], *, confidence: float = 0.95, low: float = 0.0, high: float = 1.0
) -> tuple[float, float]:
    """Return the confidence interval of the mean over all problems of the kind, cut to what a value can be.

    Args:
        values: One per problem, each in [``low``, ``high``].
        confidence: Chance that such an interval holds the true mean, between 0 and 1, both excluded.
        low: Least possible value; 0 for a share, -1 for a difference of two.
        high: Greatest possible value.

    Returns:
        Its lower and upper end. One problem alone says nothing about the spread: its interval is the whole range.

    Raises:
        ValueError: If there are no values, one is out of range, or ``confidence`` is.

    >>> [round(end, 3) for end in mean_interval([0.25, 0.5, 0.5, 0.75])]
    [0.175, 0.825]
    >>> mean_interval([1.0, 0.0])
    (0.0, 1.0)
    """
    if not values:
        raise ValueError("need at least one value, got none: a mean over nothing is undefined")
    if not all(low <= value <= high for value in values):
        raise ValueError(f"values must lie in [{low:g}, {high:g}], got {min(values)} to {max(values)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if len(values) == 1:
        return low, high
    centre = mean(values)
    half = t_quantile(confidence, degrees=len(values) - 1) * stdev(values) / sqrt(len(values))
    return max(low, centre - half), min(high, centre + half)


def t_quantile(confidence: float, *, degrees: int) -> float:
    """Return the t with P(-t <= T <= t) = ``confidence`` for Student's T of so many degrees of freedom, at least 1.

    >>> round(t_quantile(0.95, degrees=29), 4)
    2.0452
    """
    below, above = 0.0, pi / 2
    # Bisection down to neighbouring floats: then their middle is one of the two.
    while below < (middle := (below + above) / 2) < above:
        if _central_probability(middle, degrees) < confidence:
            below = middle
        else:
            above = middle
    return sqrt(degrees) * tan(below)


def _central_probability(theta: float, degrees: int) -> float:
    """Return P(-t <= T <= t) at t = sqrt(degrees) * tan(theta): a finite sum, as degrees of freedom are whole."""
    odd = degrees % 2
    term, total = cos(theta) if odd else 1.0, 0.0
    for factor in range(1 + odd, degrees + odd, 2):
        total += term
        term *= factor / (factor + 1) * cos(theta) ** 2
    return (theta + sin(theta) * total) * 2 / pi if odd else sin(theta) * total
