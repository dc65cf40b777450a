"""The loss barrier between two models: how far the loss rises on the straight line from one to the other.

Source: Frankle et al. 2020, "Linear Mode Connectivity and the Lottery Ticket Hypothesis", arXiv 1912.05671, section 2,
who take the mean of the two ends as the level; with the straight line between them, as here, Entezari et al. 2022, "The
Role of Permutation Invariance in Linear Mode Connectivity of Neural Networks", arXiv 2110.06296, definition 2.1.

    barrier = max over alpha of  L(alpha) - [(1 - alpha) L(0) + alpha L(1)]

L(alpha) is the loss of (1 - alpha) M_0 + alpha M_1. Ours: the maximum is over the points between the ends, so that a
loss that sags below the line gives a negative barrier, which is told as it is: there the average of the two models is
better than the average of their losses. Two models are said to lie in one basin when the barrier is at most 2 % of the
mean loss of the ends; Frankle et al. allow 2 % of error for noise, which we carry over to the loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

NOISE_SHARE = 0.02


@dataclass(frozen=True)
class Barrier:
    """The highest point between two models.

    Attributes:
        height: How far the loss there lies above the straight line between the ends, in the loss's unit (nats); below
            zero where the loss sags.
        alpha: Where that is, between 0 and 1; the least of several.
        one_basin: Whether the height is at most ``NOISE_SHARE`` of the mean loss of the ends.
    """

    height: float
    alpha: float
    one_basin: bool


def loss_barrier(losses: Mapping[float, float]) -> Barrier:
    """Return the barrier of losses by alpha, which hold both ends (0 and 1) and at least one point between them.

    Raises:
        ValueError: If an end or every point between is missing, an alpha lies outside [0, 1], or a loss is negative or
            not finite.

    >>> loss_barrier({0.0: 1.0, 0.5: 1.75, 1.0: 2.0})
    Barrier(height=0.25, alpha=0.5, one_basin=False)
    >>> loss_barrier({0.0: 1.0, 0.5: 1.25, 1.0: 2.0}).height
    -0.25
    """
    alphas = sorted(losses)
    if len(alphas) < 3 or alphas[0] != 0 or alphas[-1] != 1:
        raise ValueError(f"need losses at alpha 0, 1 and at least one point between, got alphas {alphas}")
    if not all(isfinite(loss) and loss >= 0 for loss in losses.values()):
        raise ValueError(f"losses must be finite and at least 0, got {list(losses.values())}")
    start, end = losses[alphas[0]], losses[alphas[-1]]
    above = [(losses[alpha] - ((1 - alpha) * start + alpha * end), alpha) for alpha in alphas[1:-1]]
    height, alpha = max(above, key=lambda point: (point[0], -point[1]))
    return Barrier(height, alpha, height <= NOISE_SHARE * (start + end) / 2)


def even_alphas(points: int) -> list[float]:
    """Return so many alphas at equal distances, both ends among them.

    Raises:
        ValueError: If ``points`` is less than 3.

    >>> even_alphas(5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if points < 3:
        raise ValueError(f"need at least 3 points, the ends and one between, got {points}")
    return [number / (points - 1) for number in range(points)]
