"""The pretrain stage: a micro model from nothing."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from vibethinker.configs.common import Config, StageConfig, StageId, TrainingConfig


class ArchitectureConfig(Config):
    """Shape of a Qwen2 model. Hidden and intermediate sizes are multiples of 256, or K-quants cannot pack a row."""

    hidden_size: int = Field(default=256, multiple_of=256, gt=0)
    intermediate_size: int = Field(default=512, multiple_of=256, gt=0)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    kv_heads: int = Field(default=2, ge=1)
    vocabulary: int = Field(default=512, ge=260)
    """Tokens, of which 256 are bytes and 3 are special."""
    context: int = Field(default=512, ge=64)
    """Longest sequence in tokens."""
    init_std: float = Field(default=0.06, gt=0)
    """At this width .02, the usual value, learns far more slowly."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "ArchitectureConfig":
        if self.hidden_size % self.heads or self.heads % self.kv_heads:
            raise ValueError(
                f"heads must divide hidden_size and kv_heads must divide heads, "
                f"got {self.hidden_size}, {self.heads}, {self.kv_heads}"
            )
        return self


class PretrainConfig(StageConfig, TrainingConfig):
    """A tokenizer and a model trained from scratch on the traces and drills of a data stage."""

    kind: Literal["pretrain"]
    data: tuple[StageId, ...] = Field(min_length=1)
    """The data stage, or several whose traces and drills are put together."""
    architecture: ArchitectureConfig = ArchitectureConfig()
    tokens_per_batch: int = Field(default=8192, ge=256)
    """Tokens of one optimiser step, padding included."""
    decay_share: float = Field(default=0.4, ge=0, le=1)
    """Share of the steps, at the end, over which the learning rate falls linearly to 0."""

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    def input_ids(self) -> tuple[str, ...]:
        """The data stages."""
        return self.data
