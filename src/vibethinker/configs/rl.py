"""The rl stage: MGPO (the Signal phase)."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from vibethinker.configs.adapter import AdapterConfig
from vibethinker.configs.common import Config, ModelRef, StageConfig, StageId, TrainingConfig
from vibethinker.configs.health import HealthConfig
from vibethinker.configs.prompts import DynamicSampler, MixConfig, PrefilterConfig, PromptSampler, UniformSampler


class TruncatedImportance(Config):
    """Token-level truncated importance sampling between the engine that draws and the trainer (3B section 2.2.1)."""

    name: Literal["truncated_importance"] = "truncated_importance"
    cap: float = Field(default=2.0, ge=1)
    """Largest ratio of the trainer's probability of a token to the sampler's; the paper states none, ours."""


class Long2ShortConfig(Config):
    """Brevity among right answers (3B section 2.2.2)."""

    lam: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    """Largest shift of a right answer's reward; 0.2 in the paper."""


class RlConfig(StageConfig, TrainingConfig):
    """MaxEnt-Guided Policy Optimization on problems with known answers. Neither paper states the numbers: all ours."""

    kind: Literal["rl"]
    model: ModelRef
    """The starting model."""
    data: tuple[StageId, ...] = Field(min_length=1)
    """The data stage, or several, for their rl sets."""
    mix: MixConfig | None = None
    """Shares of the domains; as the sets have them when absent."""
    prompts_per_step: int = Field(default=32, ge=1)
    """Prompts per optimiser step."""
    group_size: int = Field(default=8)
    """Rollouts per prompt, the paper's G."""
    lam: float = Field(default=4.0, ge=0, allow_inf_nan=False)
    """Sharpness of the MGPO weight exp(-lam * D); 0 is GRPO."""
    advantage: Literal["std", "none"] = "std"
    """What a reward's distance from its group's mean is divided by: the group's deviation (1.5B section 3.4), or
    nothing (Dr. GRPO, arXiv 2503.20783)."""
    averaging: Literal["response", "token"] = "response"
    """Mean over a response's tokens, then over responses (1.5B section 3.4), or over all tokens (DAPO)."""
    clip_epsilon: float = Field(default=0.2, gt=0, lt=1)
    """How far below 1 a token's ratio counts; above 1 too, unless ``clip_epsilon_high`` is given."""
    clip_epsilon_high: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """How far above 1 a token's ratio counts (clip-higher of DAPO, section 3.1: 0.28)."""
    updates_per_batch: int = Field(default=1, ge=1)
    """Optimiser steps on the same rollouts; 1 is fully on-policy (3B section 2.2.1)."""
    kl_coefficient: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Weight of the KL penalty (k3) to the starting model; at 0 no reference model is in memory."""
    mask_truncated: bool = False
    """Rollouts that ran into the token limit leave the loss (their groups' accuracy still counts them)."""
    mismatch: TruncatedImportance | None = TruncatedImportance()
    """Correction where sampler and trainer differ in a token's probability; null for none."""
    long2short: Long2ShortConfig | None = None
    """Shorter right answers pay more than longer ones; for a stage after accuracy has been learned."""
    temperature: float = Field(default=1.0, gt=0, le=2)
    """Of sampling, and the divisor of the trainer's logits."""
    max_new_tokens: int = Field(default=96, ge=1)
    """Longest rollout in tokens."""
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    """Longer prompts are left out and counted; what the model's window leaves when absent."""
    max_dropped_share: float = Field(default=0.1, ge=0, le=1)
    """Largest share of prompts that may be left out as too long; ours."""
    micro_batch_size: int = Field(default=64, ge=1)
    """Rollouts per forward and backward pass; small ones suit a CPU's cache."""
    skip_no_signal: bool = True
    """Leave rollouts of groups without signal out of both passes; the gradient is the same. Not with a KL penalty."""
    prefilter: PrefilterConfig | None = PrefilterConfig()
    """null turns it off."""
    sampler: PromptSampler = UniformSampler()
    """Which prompts a step takes."""
    adapter: AdapterConfig | None = None
    """Train a low-rank adapter instead of all parameters; merged when the stage ends."""
    health: HealthConfig | None = HealthConfig()
    """What is watched in the loop; null for nothing."""

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @field_validator("data")
    @classmethod
    def _each_once(cls, data: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(data)) < len(data):
            raise ValueError(f"need each stage once, got {', '.join(data)}: its prompts are not taken twice")
        return data

    @model_validator(mode="after")
    def _groups(self) -> "RlConfig":
        if self.group_size < 2:
            raise ValueError(
                f"need group_size >= 2, got group_size={self.group_size}: a group of one has no relative advantage"
            )
        rollouts = self.prompts_per_step * self.group_size
        if rollouts % self.micro_batch_size:
            fitting = [size for size in range(1, rollouts + 1) if rollouts % size == 0]
            nearest = min(fitting, key=lambda size: abs(size - self.micro_batch_size))
            raise ValueError(
                f"micro_batch_size must divide prompts_per_step * group_size = {rollouts}, "
                f"got {self.micro_batch_size}: the nearest that does is {nearest}"
            )
        if self.save_every % self.updates_per_batch or self.steps % self.updates_per_batch:
            raise ValueError(
                f"steps and save_every must be multiples of updates_per_batch={self.updates_per_batch}, "
                f"got {self.steps} and {self.save_every}"
            )
        most = self.prefilter.max_prompts if self.prefilter is not None else None
        if most is not None and most < self.prompts_per_step:
            raise ValueError(
                f"need prefilter.max_prompts >= prompts_per_step, got max_prompts={most}, "
                f"prompts_per_step={self.prompts_per_step}: a step takes no prompt twice"
            )
        if isinstance(self.sampler, DynamicSampler) and self.long2short is not None:
            raise ValueError(
                "sampler dynamic drops groups that are all right, and those are what long2short shortens: "
                "use another sampler"
            )
        return self

    def input_ids(self) -> tuple[str, ...]:
        """The data stages, and the stage whose counts are taken over."""
        counted = self.prefilter.counts_from if self.prefilter is not None else None
        return (*self.data, *((counted,) if counted else ()))

    def model_refs(self) -> tuple[str, ...]:
        """The starting model."""
        return (self.model,)
