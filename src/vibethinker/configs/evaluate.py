"""The evaluate stage: every model of the run on the same held-out problems."""

from typing import Literal

from pydantic import Field

from vibethinker.configs.common import ModelRef, PassAtKConfig, StageConfig, StageId


class EvaluateConfig(StageConfig, PassAtKConfig):
    """pass@1 and pass@k of several models."""

    kind: Literal["evaluate"]
    models: tuple[ModelRef, ...] = Field(min_length=1)
    """Models to compare, in the order of the table. A probe stage's id stands for its best specialist."""
    data: StageId
    """The data stage, for its held-out set."""

    def input_ids(self) -> tuple[str, ...]:
        """The data stage."""
        return (self.data,)

    def model_refs(self) -> tuple[str, ...]:
        """The models compared."""
        return self.models
