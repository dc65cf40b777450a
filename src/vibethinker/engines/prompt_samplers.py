"""Which prompts a step takes: uniform passes, or what is learned of the prompts while training.

A sampler is asked at the moment of generation, not by a data loader that looks ahead, so that it knows the outcome of
the step before. Every process asks its own copy, which draws the same prompts: the draws are a function of seed and
position, and the outcomes that it is told of are those of all processes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Protocol

from vibethinker.algos.prompt_beliefs import PromptBeliefs
from vibethinker.algos.prompt_value import draw_without_replacement, sampling_chances
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.prompts import CurriculumSampler, DynamicSampler, MaxEntropySampler, UniformSampler
from vibethinker.engines.groups import Group
from vibethinker.engines.planned_order import PlannedOrder

AnySampler = UniformSampler | MaxEntropySampler | CurriculumSampler | DynamicSampler


class PromptSampler(Protocol):
    """Chooses prompts by their row numbers and learns from what came of them."""

    def choose(self, step: int) -> list[int]:
        """Return the rows of the next batch of prompts, each once."""
        ...

    def observe(self, step: int, rows: Sequence[int], groups: Sequence[Group]) -> None:
        """Learn what a batch's groups showed."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs, as JSON."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...


class UniformPrompts:
    """Passes over all prompts, each in an order of its own."""

    def __init__(self, size: int, *, batch: int, seed: int) -> None:
        """Choose ``batch`` of ``size`` prompts at a time."""
        self.order = PlannedOrder(size, batch=batch, seed=seed)
        self.drawn = 0

    def choose(self, step: int) -> list[int]:  # noqa: ARG002
        """Return the next rows of the pass."""
        rows = self.order.batch(self.drawn)
        self.drawn += 1
        return rows

    def observe(self, step: int, rows: Sequence[int], groups: Sequence[Group]) -> None:
        """Learn nothing."""

    def state(self) -> dict[str, Any]:
        """Return how many batches were drawn."""
        return {"drawn": self.drawn}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after as many batches."""
        self.drawn = state["drawn"]


class LearningPrompts:
    """Prompts by what is believed of their accuracy, mixed with uniform ones."""

    def __init__(
        self,
        paths: Sequence[tuple[str, ...]],
        *,
        batch: int,
        seed: int,
        config: MaxEntropySampler | CurriculumSampler,
        group_size: int,
        lam: float,
        counts: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        """Take one path of (domain, source, level) per prompt, and right and judged counts to start from.

        Raises:
            ValueError: If there are fewer prompts than a batch takes.
        """
        if len(paths) < batch:
            raise ValueError(f"need at least one batch of prompts, got {len(paths)} prompts and batches of {batch}")
        self.batch = batch
        self.seed = seed
        self.config = config
        self.group_size = group_size
        self.lam = lam
        self.beliefs = PromptBeliefs(paths, strength=config.prior_strength, decay=config.decay)
        for row, (right, judged) in enumerate(counts or []):
            self.beliefs.observe(row, right=right, judged=judged, step=0)

    def choose(self, step: int) -> list[int]:
        """Return distinct rows drawn by value."""
        if isinstance(self.config, MaxEntropySampler):
            values = self.beliefs.values(step=step, group_size=self.group_size, lam=self.lam)
        else:
            values = [accuracy * (1 - accuracy) for accuracy in self.beliefs.accuracies(step=step)]
        chances = sampling_chances(values, power=self.config.power, uniform_share=self.config.uniform_share)
        rng = Random(derive_seed(self.seed, "prompts", step))  # noqa: S311 - not for cryptography
        return draw_without_replacement(chances, self.batch, rng)

    def observe(self, step: int, rows: Sequence[int], groups: Sequence[Group]) -> None:
        """Count right and judged rollouts of each prompt."""
        for row, group in zip(rows, groups, strict=True):
            self.beliefs.observe(row, right=group.right, judged=group.judged, step=step)

    def state(self) -> dict[str, Any]:
        """Return the evidence."""
        return self.beliefs.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Take the evidence over."""
        self.beliefs.restore(state)


def make_sampler(
    config: AnySampler,
    paths: Sequence[tuple[str, ...]],
    *,
    batch: int,
    seed: int,
    group_size: int,
    lam: float,
    counts: Sequence[tuple[int, int]] | None = None,
) -> PromptSampler:
    """Return the sampler that a configuration names; see ``LearningPrompts`` for the arguments."""
    if isinstance(config, UniformSampler | DynamicSampler):
        return UniformPrompts(len(paths), batch=batch, seed=seed)
    return LearningPrompts(paths, batch=batch, seed=seed, config=config, group_size=group_size, lam=lam, counts=counts)


def fingerprint(rows: Iterable[str]) -> str:
    """Return a hash of the prompts in their order, by which a checkpoint knows them again."""
    return hashlib.sha256("\0".join(rows).encode()).hexdigest()[:16]
