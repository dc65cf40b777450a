"""Group-relative advantages: how much better a response is than the others to the same question.

Source: Shao et al. 2024, "DeepSeekMath", arXiv 2402.03300, section 4.1.2 (GRPO, outcome supervision); VibeThinker-1.5B
(arXiv 2511.06221), section 3.4; without the deviation Liu et al. 2025 (Dr. GRPO), arXiv 2503.20783, section 3.2.

    A_i = (r_i - mean(r)) / (std(r) + epsilon)      scale "std"
    A_i = r_i - mean(r)                             scale "none"

Dividing lets a group that is nearly always right or nearly always wrong weigh as much as any other. std is the sample
standard deviation (divisor G - 1) and epsilon is 1e-4, as in TRL's GRPOTrainer with ``scale_rewards="group"``; the
papers leave both open. As there, a response without a reward has no advantage and stays out of the mean and the
deviation.
"""

from collections.abc import Sequence
from math import isfinite
from statistics import mean, stdev
from typing import Literal


def group_advantages(
    rewards_G: Sequence[float | None], *, scale: Literal["std", "none"] = "std", epsilon: float = 1e-4
) -> list[float]:
    """Return the advantage of each response of one group; they sum to 0.

    Equal rewards carry no signal: every advantage is then exactly 0. So does a lone reward among None.

    Args:
        rewards_G: One reward per response; None where it could not be judged, whose advantage is 0.
        scale: "std" divides by the group's standard deviation, as the paper; "none" does not, as Dr. GRPO.
        epsilon: Added to the deviation, above 0; TRL's by default.

    Raises:
        ValueError: If ``scale`` is another word, ``epsilon`` is not above 0, or a reward is not a finite number.

    >>> [round(advantage, 3) for advantage in group_advantages([1.0, 0.0, None, 0.0])]
    [1.155, -0.577, 0.0, -0.577]
    >>> group_advantages([1.0, 1.0])
    [0.0, 0.0]
    >>> group_advantages([1.0, 0.0], scale="none")
    [0.5, -0.5]
    """
    if scale not in ("std", "none"):
        raise ValueError(f"scale must be 'std' or 'none', got {scale!r}")
    if not (epsilon > 0 and isfinite(epsilon)):
        raise ValueError(f"epsilon must be above 0 and finite, got {epsilon}")
    judged = [float(reward) for reward in rewards_G if reward is not None]
    if not all(map(isfinite, judged)):
        raise ValueError(f"rewards must be finite numbers or None, got {list(rewards_G)}")
    if len(judged) < 2:
        return [0.0] * len(rewards_G)
    # Both are exact before they are rounded, so that equal rewards differ from their mean by nothing at all.
    centre, divisor = mean(judged), stdev(judged) + epsilon if scale == "std" else 1.0
    return [0.0 if reward is None else (reward - centre) / divisor for reward in rewards_G]
