"""The fuse stage: one model out of the specialists, and what is measured of it."""

from typing import Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, PassAtKConfig, StageConfig, StageId
from vibethinker.configs.fusion_methods import DeltaMethod, FuseMethod, LinearMethod


class ProbingSetConfig(PassAtKConfig):
    """How models are measured on a probing set."""

    data: StageId
    """The data stage, for its probing set."""
    problems_per_domain: int | None = Field(default=None, ge=1)
    """Use at most this many probing problems of each domain; all when absent."""


class BarrierConfig(Config):
    """The loss on traces along the line between specialists (Frankle et al. 2020, arXiv 1912.05671, section 2)."""

    data: StageId
    """The data stage, for its training traces."""
    traces: int = Field(default=128, ge=1)
    """Traces that the loss is taken on, as many of each domain; ours."""
    points: int = Field(default=5, ge=3)
    """Points of a line, both ends among them; ours (Frankle et al. take 30)."""
    pairs: int = Field(default=6, ge=1)
    """At most this many pairs of specialists, in the order of their domains; all pairs of four by default."""
    max_length: int = Field(default=512, ge=16)
    """Longest prompt and trace together in tokens; longer ones are left out and counted."""


class ValidationConfig(ProbingSetConfig):
    """Fused model against each specialist on the probing sets."""

    barrier: BarrierConfig | None = None
    """Losses between the specialists and at the fused model; not measured when absent."""


class SearchConfig(ProbingSetConfig):
    """A small simplex search for the weights, by the mean of the domains' Pass@K; ours (the paper takes 1/N)."""

    rounds: int = Field(default=3, ge=1, le=20)
    """Rounds, each of which fuses and scores a model per specialist; ours."""
    step: float = Field(default=0.5, gt=0, le=1)
    """Share of the way to one specialist alone in the first round, halved after a round without gain; ours."""


class FuseConfig(StageConfig):
    """Expert model fusion, then validation of the result."""

    kind: Literal["fuse"]
    specialists: StageId
    """The probe stage that chose them."""
    method: FuseMethod = LinearMethod()
    search: SearchConfig | None = None
    """Find the weights by Pass@K on probing problems, in place of ``method.weights``; equal weights when absent."""
    validation: ValidationConfig

    @model_validator(mode="after")
    def _weights_given_or_searched(self) -> "FuseConfig":
        if self.search is not None and self.method.weights is not None:
            raise ValueError("weights are either given or searched, got both method.weights and search: leave one out")
        return self

    def input_ids(self) -> tuple[str, ...]:
        """The probe stage, and the data stages of validation, barrier and search."""
        barrier, search = self.validation.barrier, self.search
        more = [part.data for part in (barrier, search) if part is not None]
        return tuple(dict.fromkeys((self.specialists, self.validation.data, *more)))

    def model_refs(self) -> tuple[str, ...]:
        """The base, for the methods that need one."""
        return (self.method.base,) if isinstance(self.method, DeltaMethod) else ()
