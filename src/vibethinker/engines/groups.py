"""Groups of judged rollouts: accuracy, weight, signal, brevity, and what a step of them showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from vibethinker.algos.long2short import brevity_shift
from vibethinker.algos.mgpo import group_accuracy, max_entropy_weight


@dataclass(frozen=True)
class Group:
    """One prompt's rollouts, judged.

    Attributes:
        correct: Right or wrong, None where it could not be judged.
        accuracy: Share of right ones among the judged; None when none could be judged.
        weight: The MGPO weight; None when none could be judged.
    """

    correct: list[bool | None]
    accuracy: float | None
    weight: float | None

    @property
    def right(self) -> int:
        """Number of right rollouts."""
        return sum(verdict is True for verdict in self.correct)

    @property
    def judged(self) -> int:
        """Number of rollouts that could be judged."""
        return sum(verdict is not None for verdict in self.correct)


def judge_group(correct_G: Sequence[bool | None], *, lam: float) -> Group:
    """Return a group's accuracy and weight."""
    accuracy = group_accuracy(correct_G)
    return Group(list(correct_G), accuracy, None if accuracy is None else max_entropy_weight(accuracy, lam=lam))


def shift_by_length(
    rewards: torch.Tensor, lengths: Sequence[int], *, column: int, group_size: int, lam: float
) -> torch.Tensor:
    """Return rewards (rollouts, functions) whose ``column`` is shifted by length (3B section 2.2.2); NaN stays NaN."""
    values: list[float | None] = [None if value != value else value for value in rewards[:, column].tolist()]
    shifted: list[float] = []
    for start in range(0, len(values), group_size):
        group = slice(start, start + group_size)
        moved = brevity_shift(values[group], lengths[group], lam=lam)
        shifted += [float("nan") if value is None else value for value in moved]
    shaped = rewards.clone()
    shaped[:, column] = torch.tensor(shifted, dtype=rewards.dtype, device=rewards.device)
    return shaped


def group_statistics(groups: Sequence[Group], *, group_size: int) -> dict[str, Any]:
    """Return mean accuracy, its histogram, mean weight and the shares without signal and without a verdict."""
    judged = [group for group in groups if group.accuracy is not None]
    rollouts = [verdict for group in groups for verdict in group.correct]
    histogram = [0] * (group_size + 1)
    for group in judged:
        histogram[group.right] += 1
    return {
        "rollouts": len(rollouts),
        "accuracy": sum(group.accuracy or 0.0 for group in judged) / len(judged) if judged else None,
        "accuracy_histogram": histogram,
        "weight": sum(group.weight or 0.0 for group in judged) / len(judged) if judged else None,
        "no_signal": 1 - sum(0 < (group.accuracy or 0.0) < 1 for group in groups) / len(groups),
        "ungradable": sum(verdict is None for verdict in rollouts) / len(rollouts),
    }
