"""The sft stage: fine-tuning with checkpoints to choose from (the Spectrum phase)."""

from typing import Literal

from pydantic import Field

from vibethinker.configs.common import ModelRef, StageConfig, StageId, TrainingConfig


class SftConfig(StageConfig, TrainingConfig):
    """Supervised fine-tuning: one run, or one run per domain."""

    kind: Literal["sft"]
    model: ModelRef = "base"
    """Where it starts from."""
    data: StageId
    """The data stage, for its training traces."""
    per_domain: bool = False
    """One run per domain (specialists) instead of one run on everything (1.5B section 3.3)."""
    batch_size: int = Field(default=64, ge=1)
    """Traces per optimiser step."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Traces per forward pass; the whole batch when absent."""
    max_length: int = Field(default=512, ge=16)
    """Longest prompt and trace together in tokens; longer ones are dropped and counted."""
    min_learning_rate_ratio: float = Field(default=0.0016, ge=0, le=1)
    """Where the cosine ends, as a share of the peak; 8e-8 / 5e-5 in 3B section 2.1.2."""

    def input_ids(self) -> tuple[str, ...]:
        """The data stage."""
        return (self.data,)

    def model_refs(self) -> tuple[str, ...]:
        """Where it starts from."""
        return (self.model,)
