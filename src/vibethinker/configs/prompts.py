"""Which prompts a step of reinforcement learning takes: the filter before the stage and the sampler within it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, StageId


class PrefilterConfig(Config):
    """Prompts that the starting model always or never solves are left out (1.5B section 3.4, 3B section 2.2.1)."""

    samples: int = Field(default=8, ge=2)
    """Samples after which a prompt that was always or never solved counts as such; ours."""
    first: int = Field(default=4, ge=1)
    """Samples that every prompt gets; who is solved sometimes by then needs no more. Ours."""
    batch_size: int = Field(default=256, ge=1)
    """Responses drawn at once; ours."""
    max_prompts: int | None = Field(default=None, ge=1)
    """Keep at most this many of the prompts that remain; all when absent."""
    keep: Literal["mixed", "solved", "all"] = "mixed"
    """``solved`` keeps what is always solved too, which long2short can shorten; ``all`` leaves none out and only
    counts, as a start for a sampler that learns."""
    counts_from: StageId | None = None
    """An earlier rl stage whose counts are taken over where they are of the same model, prompts and sampling."""


class UniformSampler(Config):
    """Every prompt equally often, in passes over the set."""

    name: Literal["uniform"] = "uniform"


class _LearningSampler(Config):
    uniform_share: float = Field(default=0.2, gt=0, le=1)
    """Share of draws that is uniform, so that no prompt is given up for ever; ours (docs/signal.md)."""
    power: float = Field(default=4.0, gt=0)
    """Draws are in proportion to the value to this power; ours."""
    prior_strength: float = Field(default=2.0, gt=0)
    """Rollouts that the shared prior of (source, domain, level) counts as; ours."""
    decay: float = Field(default=0.98, gt=0, le=1)
    """What a step leaves of the weight of earlier rollouts, the policy having moved on; ours."""


class MaxEntropySampler(_LearningSampler):
    """Prompts by the expected MGPO signal of a group under what is believed of their accuracy; ours."""

    name: Literal["max_entropy"]


class CurriculumSampler(_LearningSampler):
    """Prompts by p (1 - p) of their running accuracy p; ours, for comparison."""

    name: Literal["curriculum"]


class DynamicSampler(Config):
    """Uniform prompts, drawn until the step is full of groups with signal (DAPO, arXiv 2503.14476, section 3.2)."""

    name: Literal["dynamic"]
    max_rounds: int = Field(default=10, ge=1)
    """Rounds of generation per step; then groups without signal fill it. Ten as in verl's recipe of DAPO."""


PromptSampler = Annotated[
    UniformSampler | MaxEntropySampler | CurriculumSampler | DynamicSampler, Field(discriminator="name")
]


class MixConfig(Config):
    """Shares of the domains among the prompts; as many prompts are kept as the shares allow."""

    shares: dict[str, float] = Field(min_length=1)
    """Share by domain, above 0; they need not sum to 1. Domains that are not named are left out."""

    @model_validator(mode="after")
    def _positive(self) -> "MixConfig":
        if bad := sorted(domain for domain, share in self.shares.items() if not 0 < share < float("inf")):
            raise ValueError(f"shares must be above 0, got {self.shares}: leave {', '.join(bad)} out")
        return self
