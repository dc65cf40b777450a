"""MGPO: MaxEnt-Guided Policy Optimization, the weight of a question in reinforcement learning.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.4; VibeThinker-3B (arXiv 2606.16140), section 2.2.1, where lam is
called gamma.

    p(q)        = (1/G) sum_i 1[r_i = 1]                     accuracy of the G responses to question q
    D(p || 1/2) = p log 2p + (1 - p) log 2(1 - p)            in nats, 0 log 0 = 0
    w(q)        = exp(-lam * D(p(q) || 1/2))                 multiplies the group's advantages

A question that the policy solves half of the time (the state of greatest entropy) weighs most. p counts correctness, so
it is taken before any reward shaping. Ours: a response that could not be judged counts neither in G nor as wrong.
"""

from collections.abc import Sequence
from math import exp, isfinite, log


def group_accuracy(correct_G: Sequence[bool | None]) -> float | None:
    """Return the share of right ones among the responses that could be judged, in [0, 1].

    Args:
        correct_G: One entry per response of the group; None where it could not be judged.

    Returns:
        The accuracy, or None when nothing could be judged.

    >>> group_accuracy([True, False, None, False, False])
    0.25
    >>> group_accuracy([None, None]) is None
    True
    """
    judged = [correct for correct in correct_G if correct is not None]
    return sum(judged) / len(judged) if judged else None


def max_entropy_deviation(accuracy: float) -> float:
    """Return D(accuracy || 1/2) in nats, in [0, log 2]: 0 at 1/2, log 2 at 0 and at 1.

    Raises:
        ValueError: If ``accuracy`` lies outside [0, 1].

    >>> max_entropy_deviation(0.5)
    0.0
    >>> max_entropy_deviation(1.0) == log(2)
    True
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy must lie in [0, 1], got {accuracy}")
    # The convention 0 log 0 = 0 makes the ends finite.
    deviation = sum(share * log(2 * share) for share in (accuracy, 1 - accuracy) if share > 0)
    # Next to 1/2 the two terms cancel and rounding can leave less than nothing.
    return max(0.0, deviation)


def max_entropy_weight(accuracy: float, *, lam: float) -> float:
    """Return w = exp(-lam * D(accuracy || 1/2)), in [2**-lam, 1].

    At ``lam`` = 0 every weight is 1 and MGPO is GRPO.

    Args:
        accuracy: The group's accuracy, in [0, 1].
        lam: Sharpness, at least 0 and finite. Neither paper states theirs.

    Raises:
        ValueError: If ``lam`` is negative or not finite, or ``accuracy`` lies outside [0, 1].

    >>> max_entropy_weight(0.5, lam=4.0)
    1.0
    >>> round(max_entropy_weight(0.0, lam=4.0), 12) == 2**-4
    True
    """
    if not (lam >= 0 and isfinite(lam)):
        raise ValueError(f"lam must be at least 0 and finite, got {lam}: 0 is plain GRPO")
    return exp(-lam * max_entropy_deviation(accuracy))
