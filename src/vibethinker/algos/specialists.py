"""Which checkpoint becomes a domain's specialist.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.3: the specialist of domain i is the checkpoint t of the greatest
``PassAtK_i(t)``, not that of the lowest loss or the best pass@1. Ours: equal Pass@K is decided by pass@1, then by the
earlier place in the list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ProbedCheckpoint:
    """A checkpoint's figures by domain; a figure is None where nothing could be judged."""

    name: str
    loss: float | None
    pass_at_1: Mapping[str, float | None]
    pass_at_k: Mapping[str, float | None]


@dataclass(frozen=True)
class Choice:
    """A domain's specialist, and what other rules would have chosen.

    Attributes:
        name: The checkpoint.
        pass_at_k: Its Pass@K in the domain.
        runner_up: The next best; None where there is only one.
        margin: By how much it leads the runner-up, at least 0; None where there is none.
        lowest_loss: The checkpoint of the lowest training loss, where losses are known.
        best_pass_at_1: The checkpoint of the best pass@1.
    """

    name: str
    pass_at_k: float
    runner_up: str | None
    margin: float | None
    lowest_loss: str | None
    best_pass_at_1: str


def choose_specialist(checkpoints: Sequence[ProbedCheckpoint], domain: str) -> Choice:
    """Return the checkpoint of the greatest Pass@K in a domain.

    Raises:
        ValueError: If no checkpoint has a Pass@K there.

    >>> early = ProbedCheckpoint("early", 0.9, {"algebra": 0.3}, {"algebra": 0.8})
    >>> late = ProbedCheckpoint("late", 0.5, {"algebra": 0.5}, {"algebra": 0.7})
    >>> choice = choose_specialist([early, late], "algebra")
    >>> choice.name, choice.lowest_loss, choice.best_pass_at_1
    ('early', 'late', 'late')
    """
    judged = [
        (value, checkpoint.pass_at_1.get(domain) or 0.0, checkpoint)
        for checkpoint in checkpoints
        if (value := checkpoint.pass_at_k.get(domain)) is not None
    ]
    if not judged:
        raise ValueError(f"no checkpoint has a Pass@K in {domain!r}: nothing there could be judged")
    # sorted is stable: of equals the first listed stays first.
    ranked = sorted(judged, key=lambda item: item[:2], reverse=True)
    second = ranked[1] if len(ranked) > 1 else None
    known = [checkpoint for _, _, checkpoint in judged if checkpoint.loss is not None]
    return Choice(
        name=ranked[0][2].name,
        pass_at_k=ranked[0][0],
        runner_up=second[2].name if second else None,
        margin=ranked[0][0] - second[0] if second else None,
        lowest_loss=min(known, key=lambda item: item.loss or 0.0).name if known else None,
        best_pass_at_1=max(judged, key=lambda item: item[1])[2].name,
    )
