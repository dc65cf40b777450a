"""Which problems are hard for a reference model, told from as few rollouts as decide it.

Source: VibeThinker-3B, section 2.1.2: the second stage of fine-tuning keeps problems with an error rate >= .75 over 8
rollouts of a reference model. With c of j judged rollouts right, a problem is hard if c <= a * j, where a = 1 - the
least error rate. Ours: rollouts end once no outcome of those that are left can change the answer, and rollouts that
nobody could judge count as neither right nor wrong.
"""

from typing import Literal

Standing = Literal["hard", "solved", "unjudged", "open"]
"""``solved``: too often to be hard; ``unjudged``: too few rollouts could be judged; ``open``: not decided yet."""

# What a product of floats may fall short of the whole number that it stands for.
_ROUNDING = 1e-9


def least_judged(samples: int) -> int:
    """Return how many of a problem's rollouts must be judged for it to be called hard: half of them; ours."""
    return (samples + 1) // 2


def standing(right: int, judged: int, left: int, *, samples: int, min_error_rate: float) -> Standing:
    """Return where a problem stands after some of its rollouts; what is not ``open`` is so whatever the others show.

    Args:
        right: Rollouts that were right.
        judged: Rollouts that could be judged.
        left: Rollouts that are still to be drawn, of ``samples``.
        samples: Rollouts of a problem in all.
        min_error_rate: Least share of wrong ones among the judged of a hard problem, in (0, 1].

    Raises:
        ValueError: If the counts are no counts of that many rollouts, or the rate lies outside (0, 1].

    >>> standing(2, 8, 0, samples=8, min_error_rate=0.75), standing(3, 3, 5, samples=8, min_error_rate=0.75)
    ('hard', 'solved')
    >>> standing(0, 6, 2, samples=8, min_error_rate=0.75), standing(1, 6, 2, samples=8, min_error_rate=0.75)
    ('hard', 'open')
    """
    if not (0 <= right <= judged and left >= 0 and judged + left <= samples):
        raise ValueError(f"need 0 <= right <= judged and judged + left <= {samples}, got {right}, {judged}, {left}")
    allowed = _allowed(min_error_rate)
    # The rest all wrong: the most that can still speak for hard.
    if right > allowed * (judged + left) + _ROUNDING:
        return "solved"
    if judged < least_judged(samples):
        return "open" if left else "unjudged"
    # The rest all right: the most that can still speak against it.
    return "hard" if right + left <= allowed * (judged + left) + _ROUNDING else "open"


def decision_points(samples: int, *, min_error_rate: float) -> list[int]:
    """Return the numbers of rollouts after which some problem can first be decided, the last of them ``samples``.

    Raises:
        ValueError: If there is no rollout, or the rate lies outside (0, 1].

    >>> decision_points(8, min_error_rate=0.75)  # all right, all wrong, anything
    [3, 6, 8]
    """
    if samples < 1:
        raise ValueError(f"need samples >= 1, got {samples}")
    forgiven = int(_allowed(min_error_rate) * samples + _ROUNDING)
    return sorted({forgiven + 1, max(samples - forgiven, least_judged(samples)), samples})


def _allowed(min_error_rate: float) -> float:
    if not 0 < min_error_rate <= 1:
        raise ValueError(f"min_error_rate must lie in (0, 1], got {min_error_rate}")
    return 1 - min_error_rate
