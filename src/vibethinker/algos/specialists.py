"""Which checkpoint becomes a domain's specialist.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.3: the specialist of domain i is the checkpoint t of the greatest
``PassAtK_i(t)``, not that of the lowest loss or the best pass@1. Ours: equal values are decided by pass@1, then by the
earlier place in the list; the other two rules can be asked for.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Rule = Literal["pass@k", "pass@1", "loss"]


@dataclass(frozen=True)
class ProbedCheckpoint:
    """A checkpoint's figures by domain, None where nothing could be judged, and the one domain it was trained on."""

    name: str
    loss: float | None
    pass_at_1: Mapping[str, float | None]
    pass_at_k: Mapping[str, float | None]
    trained_on: str | None = None


@dataclass(frozen=True)
class Choice:
    """A domain's specialist with its Pass@K, and what other rules would have chosen.

    Attributes:
        runner_up: The next best by the rule; None where there is only one.
        lowest_loss: That of the lowest training loss among those not out, of them those trained on this domain if any:
            others do not compare.
        best_pass_at_1: That of the highest pass@1 among those not out.
    """

    name: str
    pass_at_k: float
    runner_up: str | None
    lowest_loss: str | None
    best_pass_at_1: str


def choose_specialist(
    checkpoints: Sequence[ProbedCheckpoint], domain: str, *, by: Rule = "pass@k", out: Collection[str] = ()
) -> Choice:
    """Return the checkpoint of the greatest Pass@K in a domain, or of what ``by`` names; those in ``out`` come last.

    Raises:
        ValueError: If no checkpoint has a Pass@K there, or losses decide and none is known.

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
    racing = [item for item in judged if item[2].name not in out] or judged
    known = [checkpoint for _, _, checkpoint in racing if checkpoint.loss is not None]
    if by == "loss" and not known:
        raise ValueError("no checkpoint has a loss: choose by pass@k or pass@1")
    known = [each for each in known if each.trained_on == domain] or known

    def merit(item: tuple[float, float, ProbedCheckpoint]) -> tuple[float, ...]:
        at_k, at_1, checkpoint = item
        loss = checkpoint.loss if checkpoint in known and checkpoint.loss is not None else float("inf")
        values = {"pass@k": (at_k, at_1), "pass@1": (at_1, at_k), "loss": (-loss, at_k)}[by]
        return (float(checkpoint.name not in out), *values)

    # sorted is stable: of equals the first listed stays first.
    ranked = sorted(judged, key=merit, reverse=True)
    second = next(iter(ranked[1:]), None)
    return Choice(
        name=ranked[0][2].name,
        pass_at_k=ranked[0][0],
        runner_up=second[2].name if second else None,
        lowest_loss=min(known, key=lambda each: each.loss or 0.0).name if known else None,
        best_pass_at_1=max(racing, key=lambda item: item[1])[2].name,
    )


def share_of_wins(values: Mapping[str, Sequence[float]], name: str, *, resamples: int, seed: int) -> float:
    """Return in what share of resamples a checkpoint's mean is the greatest, equals sharing it; values by problem."""
    rng, wins = Random(seed), 0.0  # noqa: S311 - not for cryptography
    places = range(len(values[name]))
    for _ in range(resamples):
        drawn = rng.choices(places, k=len(places))
        sums = {other: sum(row[place] for place in drawn) for other, row in values.items()}
        # Sums of the same numbers in another order may differ in the last place.
        best = [other for other, value in sums.items() if value >= max(sums.values()) - 1e-9]
        wins += (name in best) / len(best)
    return wins / resamples
