"""The rl stage: MGPO (the Signal phase)."""

from typing import Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, ModelRef, StageConfig, StageId, TrainingConfig


class PrefilterConfig(Config):
    """Prompts that the starting model always or never solves are left out (1.5B section 3.4, 3B section 2.2.1)."""

    samples: int = Field(default=8, ge=2)
    """Samples per prompt; ours."""
    batch_size: int = Field(default=256, ge=1)
    """Responses drawn at once; ours."""
    max_prompts: int | None = Field(default=None, ge=1)
    """Keep at most this many of the prompts that remain; all when absent."""


class RlConfig(StageConfig, TrainingConfig):
    """MaxEnt-Guided Policy Optimization on problems with known answers. Neither paper states the numbers: all ours."""

    kind: Literal["rl"]
    model: ModelRef
    """The starting model."""
    data: StageId
    """The data stage, for its rl set."""
    prompts_per_step: int = Field(default=32, ge=1)
    """Prompts per optimiser step."""
    group_size: int = Field(default=8)
    """Rollouts per prompt, the paper's G."""
    lam: float = Field(default=4.0, ge=0)
    """Sharpness of the MGPO weight exp(-lam * D); 0 is GRPO."""
    clip_epsilon: float = Field(default=0.2, gt=0, lt=1)
    """Half-width of the clipped token ratio."""
    updates_per_batch: int = Field(default=1, ge=1)
    """Optimiser steps on the same rollouts; 1 is fully on-policy (3B section 2.2.1)."""
    kl_coefficient: float = Field(default=0.0, ge=0)
    """Weight of the KL penalty to the starting model; at 0 no reference model is in memory."""
    temperature: float = Field(default=1.0, gt=0, le=2)
    """Of sampling, and the divisor of the trainer's logits."""
    max_new_tokens: int = Field(default=96, ge=1)
    """Longest rollout in tokens."""
    micro_batch_size: int = Field(default=64, ge=1)
    """Rollouts per forward and backward pass; small ones suit a CPU's cache."""
    prefilter: PrefilterConfig | None = PrefilterConfig()
    """null turns it off."""

    @model_validator(mode="after")
    def _groups(self) -> "RlConfig":
        if self.group_size < 2:
            raise ValueError(
                f"need group_size >= 2, got group_size={self.group_size}: a group of one has no relative advantage"
            )
        rollouts = self.prompts_per_step * self.group_size
        if rollouts % self.micro_batch_size:
            raise ValueError(
                f"micro_batch_size must divide prompts_per_step * group_size = {rollouts}, got {self.micro_batch_size}"
            )
        if self.save_every % self.updates_per_batch or self.steps % self.updates_per_batch:
            raise ValueError(
                f"steps and save_every must be multiples of updates_per_batch={self.updates_per_batch}, "
                f"got {self.steps} and {self.save_every}"
            )
        return self

    def input_ids(self) -> tuple[str, ...]:
        """The data stage."""
        return (self.data,)

    def model_refs(self) -> tuple[str, ...]:
        """The starting model."""
        return (self.model,)
