"""Long2Short: among the right responses of a group, reward moves from the long to the short.

Source: VibeThinker-3B (arXiv 2606.16140), section 2.2.2, used after reinforcement learning for accuracy has converged.

    s_i  = 1 / L_i                                                          for i in C, the correct ones of the group
    r'_i = r_i + lam * (s_i - mean(s)) / max_{j in C} |s_j - mean(s)|

The shifts of a group sum to 0, so brevity never pays more than being right does. The weight of MGPO counts
correctness: take p(q) before this. Ours: a response that could not be judged is not in C.
"""

from collections.abc import Sequence
from math import isfinite
from statistics import mean


def brevity_shift(
    rewards_G: Sequence[float | None],
    lengths_G: Sequence[int],
    *,
    correct_G: Sequence[bool | None] | None = None,
    lam: float = 0.2,
) -> list[float | None]:
    """Return one group's rewards after the shift, each at most ``lam`` away from what it was.

    Wrong and unjudged responses keep their reward, and so do all when the right ones are equally long or fewer than
    two.

    Args:
        rewards_G: One reward per response; None where it could not be judged.
        lengths_G: Tokens of each response, at least 1.
        correct_G: Which responses are right; those with a reward of 1 if not given.
        lam: Greatest shift, at least 0; 0.2 in the paper.

    Raises:
        ValueError: If a length is below 1, ``lam`` is negative or not finite, or the lists differ in length.

    >>> brevity_shift([1.0, 1.0, 0.0, None], [100, 300, 50, 50])
    [1.2, 0.8, 0.0, None]
    """
    if not (lam >= 0 and isfinite(lam)):
        raise ValueError(f"lam must be at least 0 and finite, got {lam}: 0 leaves the rewards alone")
    if correct_G is None:
        correct_G = [reward == 1 for reward in rewards_G]
    if not len(rewards_G) == len(lengths_G) == len(correct_G):
        raise ValueError(
            f"need a reward, length and verdict per response, got {len(rewards_G)}, {len(lengths_G)}, {len(correct_G)}"
        )
    if any(length < 1 for length in lengths_G):
        raise ValueError(f"lengths must be at least 1 token, got {min(lengths_G)}: leave empty responses out")
    shortness_C = {
        place: 1 / length
        for place, (reward, length, correct) in enumerate(zip(rewards_G, lengths_G, correct_G, strict=True))
        if correct and reward is not None
    }
    shifted: list[float | None] = list(rewards_G)
    if len(shortness_C) < 2:
        return shifted
    # The mean is exact before it is rounded, so that equal lengths differ from it by nothing at all.
    centre = mean(shortness_C.values())
    largest = max(abs(shortness - centre) for shortness in shortness_C.values())
    if largest > 0:
        for place, shortness in shortness_C.items():
            shifted[place] = (rewards_G[place] or 0.0) + lam * ((shortness - centre) / largest)
    return shifted
