"""What a prompt is expected to teach, and how to draw prompts by it.

Source: ours. MGPO's weight w (VibeThinker-1.5B, arXiv 2511.06221, section 3.4) says after the rollouts how much a group
teaches; this is its expectation before them, under a Beta(a, b) belief about the prompt's accuracy:

    U(a, b) = sum_k BetaBinomial(k; G, a, b) * w(k/G) * 2 sqrt(k (G - k)) / G       k: right ones of G rollouts

2 sqrt(k (G - k)) / G is the mean absolute advantage of such a group (before w, std with divisor G): 0 when all are
right or all wrong. Draws: Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", Information
Processing Letters 97(5): the item with the least E_i / p_i comes first, E_i exponential.
"""

from collections.abc import Sequence
from functools import lru_cache
from heapq import nsmallest
from math import isfinite, sqrt
from random import Random

from vibethinker.algos.mgpo import max_entropy_weight


def beta_binomial(n: int, a: float, b: float) -> list[float]:
    """Return P(k right of n) for k = 0..n when the accuracy is Beta(a, b) distributed; they sum to 1.

    Raises:
        ValueError: If ``n`` is negative, or ``a`` or ``b`` is not above 0 and finite (or both too small for floats).
    """
    if n < 0 or not (a > 0 and b > 0 and isfinite(a + b)):
        raise ValueError(f"need n >= 0 and finite a > 0, b > 0, got n={n}, a={a}, b={b}")
    # From the mean outwards, where the mass is: from an end, large a or b would begin with a weight of 0.
    start = round(n * (a / (a + b)))
    weights = [1.0] * (n + 1)
    for k in range(start, n):
        weights[k + 1] = weights[k] * ((n - k) / (k + 1)) * ((k + a) / (n - k - 1 + b))
    for k in range(start, 0, -1):
        weights[k - 1] = weights[k] * (k / (n - k + 1)) * ((n - k + b) / (k - 1 + a))
    total = sum(weights)
    if not isfinite(total):
        raise ValueError(f"a + b is too small for floats, got a={a}, b={b}: raise them above 1e-100")
    return [weight / total for weight in weights]


@lru_cache(maxsize=64)
def _lessons(group_size: int, lam: float) -> tuple[float, ...]:
    """Return w(k/G) * 2 sqrt(k (G - k)) / G for k = 0..G, each in [0, 1]."""
    if group_size < 2:
        raise ValueError(f"need group_size >= 2, got {group_size}: a lone rollout has none to differ from")
    spreads = [2 * sqrt(k * (group_size - k)) / group_size for k in range(group_size + 1)]
    return tuple(max_entropy_weight(k / group_size, lam=lam) * spread for k, spread in enumerate(spreads))


def prompt_value(a: float, b: float, *, group_size: int, lam: float) -> float:
    """Return U(a, b), in [0, 1]: near 1 only for a belief that is sure of one half.

    Args:
        a, b: Pseudo-counts of right and of wrong responses, above 0.
        group_size: Rollouts per prompt, G, at least 2.
        lam: MGPO's sharpness, at least 0.

    Raises:
        ValueError: If one of them is out of range.
    """
    chances, lessons = beta_binomial(group_size, a, b), _lessons(group_size, lam)
    return min(1.0, sum([chance * lesson for chance, lesson in zip(chances, lessons, strict=True)]))


def sampling_chances(values: Sequence[float], *, power: float, uniform_share: float) -> list[float]:
    """Return the chance of each prompt, (1 - u) v^power / sum(v^power) + u / n; they sum to 1.

    Args:
        values: One per prompt, at least 0 and finite; when all are 0 the chances are equal.
        power: Sharpness, at least 0; 0 makes the chances equal.
        uniform_share: u in [0, 1]: the share drawn without regard to value, which keeps every prompt within reach.

    Raises:
        ValueError: If there are no values, or one of the numbers is out of range.
    """
    if not (power >= 0 and isfinite(power) and 0 <= uniform_share <= 1):
        raise ValueError(f"need power >= 0 and uniform_share in [0, 1], got {power} and {uniform_share}")
    if not values or not all(value >= 0 and isfinite(value) for value in values):
        raise ValueError(f"need at least one value and all at least 0 and finite, got {list(values)[:8]} ...")
    # Divided by the greatest, so that no power makes all of them vanish.
    greatest = max(values)
    weights = [(value / greatest) ** power if greatest else 1.0 for value in values]
    share, floor = (1 - uniform_share) / sum(weights), uniform_share / len(values)
    return [share * weight + floor for weight in weights]


def draw_without_replacement(chances: Sequence[float], count: int, rng: Random) -> list[int]:
    """Return ``count`` distinct places in the order drawn, each draw by the chances of those that are left.

    A place without any chance is drawn only when no other is left. Uses one random number per place.

    Raises:
        ValueError: If ``count`` is negative or above the number of chances, or a chance is below 0 or not finite.
    """
    if not (0 <= count <= len(chances) and all(chance >= 0 and isfinite(chance) for chance in chances)):
        raise ValueError(f"need 0 <= count <= {len(chances)} chances of at least 0, got {count} and {chances[:8]} ...")
    waits = [(chance == 0, rng.expovariate(1.0) / (chance or 1.0)) for chance in chances]
    return nsmallest(count, range(len(chances)), key=waits.__getitem__)
