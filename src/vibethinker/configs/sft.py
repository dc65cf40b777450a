"""The sft stage: fine-tuning with checkpoints to choose from (the Spectrum phase)."""

import math
from typing import Literal

from pydantic import Field, model_validator

from vibethinker.configs.adapter import AdapterConfig
from vibethinker.configs.common import ModelRef, SamplingConfig, StageConfig, StageId, TrainingConfig
from vibethinker.configs.keep import KeepConfig

# Ours, as for the other trainings.
_WARMUP_STEPS = 10
# What a product of floats may exceed the whole number that it stands for.
_ROUNDING = 1e-6


class HardConfig(SamplingConfig):
    """Long traces of hard problems only: the second stage of the curriculum (3B section 2.1.2)."""

    reference: ModelRef
    """The model whose rollouts tell hard problems; the paper does not name its own."""
    min_trace_tokens: int = Field(default=5000, ge=1)
    """Shortest trace kept, in tokens of the model that is trained; 5K in the paper."""
    min_error_rate: float = Field(default=0.75, gt=0, le=1)
    """Least share of wrong rollouts among those that could be judged; 0.75 in the paper."""
    samples: int = Field(default=8, ge=1)
    """Rollouts of each problem, fewer where some of them already decide; 8 in the paper."""


class SftConfig(StageConfig, TrainingConfig):
    """Supervised fine-tuning: one run, or one run per domain."""

    kind: Literal["sft"]
    model: ModelRef = "base"
    """Where it starts from."""
    data: StageId
    """The data stage, for its training traces."""
    per_domain: bool = False
    """One run per domain (specialists) instead of one run on everything (1.5B section 3.3)."""
    # None until the data is known, see ``training``.
    steps: int | None = Field(default=None, ge=1)  # type: ignore[assignment]
    """Optimiser steps; or else ``epochs``."""
    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Passes over the traces, also part of one; or else ``steps``."""
    warmup_steps: int | None = Field(default=None, ge=0)  # type: ignore[assignment]
    """Steps of linear warm-up; 10 where ``warmup_share`` is absent too."""
    warmup_share: float | None = Field(default=None, ge=0, le=1)
    """Linear warm-up as a share of all steps, rounded up; 0.05 in 3B section 2.1.2."""
    batch_size: int = Field(default=64, ge=1)
    """Traces per optimiser step; with ``packing``, packed rows."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Traces, or packed rows, per forward pass of one process; the whole batch when absent."""
    max_length: int = Field(default=512, ge=16)
    """Longest prompt and trace together in tokens; longer ones are dropped and counted. The length of packed rows."""
    packing: bool = False
    """Fill rows of ``max_length`` tokens with traces, none of which sees another (3B section 2.1.2)."""
    min_learning_rate_ratio: float = Field(default=0.0016, ge=0, le=1)
    """Where the cosine ends, as a share of the peak; 8e-8 / 5e-5 in 3B section 2.1.2."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""
    adapter: AdapterConfig | None = None
    """Train a low-rank adapter instead of all parameters; checkpoints then hold the adapter alone."""
    hard: HardConfig | None = None
    """Learn from long traces of hard problems only; from all when absent."""
    keep: KeepConfig | None = None
    """Remove checkpoints that cannot become a specialist any more; all are kept when absent."""

    @model_validator(mode="after")
    def _schedule(self) -> "SftConfig":
        if (self.steps is None) == (self.epochs is None):
            given = "neither" if self.steps is None else f"steps={self.steps} and epochs={self.epochs:g}"
            raise ValueError(f"need either steps or epochs, got {given}: give one of them")
        if self.warmup_steps is not None and self.warmup_share is not None:
            raise ValueError(
                f"need warmup_steps or warmup_share, got warmup_steps={self.warmup_steps} and "
                f"warmup_share={self.warmup_share:g}: give one of them"
            )
        if self.micro_batch_size is not None and self.batch_size % self.micro_batch_size:
            raise ValueError(
                f"micro_batch_size must divide batch_size={self.batch_size}, got {self.micro_batch_size}: "
                f"the nearest that does is {self._nearest_divisor()}"
            )
        return self

    def _nearest_divisor(self) -> int:
        fitting = [size for size in range(1, self.batch_size + 1) if self.batch_size % size == 0]
        return min(fitting, key=lambda size: abs(size - (self.micro_batch_size or 1)))

    def training(self, rows: int) -> TrainingConfig:
        """Return how the optimiser runs on so many traces or packed rows; the last step of a pass may begin another."""
        steps = self.steps
        if steps is None:
            steps = max(1, math.ceil((self.epochs or 0) * rows / self.batch_size - _ROUNDING))
        warmup = _WARMUP_STEPS if self.warmup_steps is None else self.warmup_steps
        if self.warmup_share is not None:
            warmup = math.ceil(self.warmup_share * steps - _ROUNDING)
        same = {name: getattr(self, name) for name in TrainingConfig.model_fields}
        return TrainingConfig.model_validate({**same, "steps": steps, "warmup_steps": warmup})

    def input_ids(self) -> tuple[str, ...]:
        """The data stage, and that of the problems that checkpoints are kept by."""
        return tuple(dict.fromkeys((self.data, *((self.keep.data,) if self.keep is not None else ()))))

    def model_refs(self) -> tuple[str, ...]:
        """Where it starts from, and the model that tells hard problems."""
        return (self.model, *((self.hard.reference,) if self.hard is not None else ()))
