"""The probe stage: Pass@K of every checkpoint in every domain."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, PassAtKConfig, StageConfig, StageId

ChooseBy = Literal["pass@k", "pass@1", "loss"]


class FullBudget(Config):
    """All samples of every problem from every checkpoint."""

    name: Literal["full"] = "full"


class AdaptiveBudget(Config):
    """Samples where they decide; ours.

    A problem that was solved often enough gets no more of them, and a checkpoint that cannot win a domain any more, or
    is among the worse part of those that can, leaves it after a round.
    """

    name: Literal["adaptive"]
    rounds: tuple[float, ...] = Field(default=(0.25, 0.5, 1.0), min_length=1)
    """Shares of a domain's problems that are through after each round; ours."""
    error: float = Field(default=0.05, gt=0, le=0.5)
    """Chance of dropping a domain's best checkpoint, over all rounds; ours."""
    keep: float = Field(default=0.6, gt=0, le=1)
    """Share of those who still can win that go on after a round, the best by rank and at least two; 1: only who cannot
    win is dropped. Ours (benchmarks/probe.py)."""

    @model_validator(mode="after")
    def _rounds_grow(self) -> "AdaptiveBudget":
        shares = (0.0, *self.rounds)
        if self.rounds[-1] != 1 or any(after <= before for before, after in zip(shares, self.rounds, strict=False)):
            raise ValueError(f"rounds are growing shares above 0 that end with 1, got {list(self.rounds)}")
        return self


Budget = Annotated[FullBudget | AdaptiveBudget, Field(discriminator="name")]


class ProbingConfig(PassAtKConfig):
    """How checkpoints are probed, whatever they are."""

    budget: Budget = FullBudget()
    """``full`` takes all samples of all; ``adaptive`` stops where the choice is clear."""
    choose_by: ChooseBy = "pass@k"
    """What makes a domain's specialist; the paper's rule is pass@k (1.5B section 3.3), the others are to compare it."""
    bootstrap: int = Field(default=1000, ge=100)
    """Resamples of the problems that intervals are read from; ours."""


class ProbeConfig(StageConfig, ProbingConfig):
    """Domain-aware diversity probing (1.5B section 3.3)."""

    kind: Literal["probe"]
    checkpoints: StageId
    """The sft stage whose checkpoints are probed."""
    data: StageId
    """The data stage, for its probing set."""
    problems_per_domain: int | None = Field(default=None, ge=1)
    """Use at most this many probing problems of each domain; all when absent."""

    def input_ids(self) -> tuple[str, ...]:
        """The sft and the data stage."""
        return (self.checkpoints, self.data)
