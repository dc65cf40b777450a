"""What the stages' configurations have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Config(BaseModel):
    """Base of every configuration: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


StageId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", description="id of an earlier stage")]

ModelRef = Annotated[str, Field(min_length=1, description="an earlier stage's id, base, micro, a folder or a hub id")]


class StageConfig(Config):
    """Base of the stage configurations."""

    id: StageId
    """Name of the stage in this recipe and of its folder in the run directory."""

    def input_ids(self) -> tuple[str, ...]:
        """Ids of the stages whose results this one needs; unknown ones are refused when the recipe loads."""
        return ()

    def model_refs(self) -> tuple[str, ...]:
        """Models this stage reads, each of which may be a stage's id or a reference to a model elsewhere."""
        return ()


class SamplingConfig(Config):
    """How responses are drawn. top_p is always 1: anything less biases importance ratios and pass@k alike."""

    temperature: float = Field(default=1.0, gt=0, le=2)
    """1.0 is what the papers evaluate with (3B section 3.1)."""
    max_new_tokens: int = Field(default=96, ge=1)
    """Longest response in tokens; ours, sized for the micro model."""
    batch_size: int = Field(default=256, ge=1)
    """Responses drawn at once; ours."""


class PassAtKConfig(SamplingConfig):
    """How a model is measured by pass@k."""

    k: int = Field(default=8, ge=1)
    """Samples of which one must be right; ours (the paper does not state its K)."""
    samples: int = Field(default=16, ge=1)
    """Samples drawn per problem, the n of the unbiased estimator; ours."""

    @model_validator(mode="after")
    def _enough_samples(self) -> "PassAtKConfig":
        if self.k > self.samples:
            raise ValueError(f"need k <= samples, got k={self.k}, samples={self.samples}: draw more samples or lower k")
        return self


class TrainingConfig(Config):
    """How a stage's optimiser runs. Numbers are for the micro model and ours, except where a recipe cites a paper."""

    steps: int = Field(ge=1)
    """Optimiser steps."""
    learning_rate: float = Field(gt=0, lt=1)
    """Peak learning rate of AdamW."""
    warmup_steps: int = Field(default=10, ge=0)
    """Linear warm-up."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decoupled weight decay."""
    adam_beta2: float = Field(default=0.95, gt=0, lt=1)
    """Second moment's decay; beta1 is 0.9."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are clipped to this norm."""
    save_every: int = Field(ge=1)
    """Steps between checkpoints."""
