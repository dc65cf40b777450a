"""The fuse stage: one model out of the specialists."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, ModelRef, PassAtKConfig, StageConfig, StageId


class LinearMethod(Config):
    """Weighted average (1.5B section 3.3)."""

    name: Literal["linear"] = "linear"
    weights: dict[str, float] | None = None
    """Weight by domain, at least 0, summing to 1; equal when absent, as in the paper."""

    @model_validator(mode="after")
    def _convex(self) -> "LinearMethod":
        if self.weights is not None:
            total = sum(self.weights.values())
            if min(self.weights.values(), default=-1) < 0 or abs(total - 1) > 1e-6:
                raise ValueError(f"weights must be at least 0 and sum to 1, got {self.weights} (sum {total:g})")
        return self


class TaskArithmeticMethod(Config):
    """Base plus scaled sum of the differences to it (Ilharco et al. 2023, arXiv 2212.04089)."""

    name: Literal["task_arithmetic"]
    base: ModelRef = "base"
    """The model that the specialists were trained from."""
    scale: float = Field(default=1.0, gt=0)
    """Scale of the summed differences."""
    weights: dict[str, float] | None = None
    """Weight of each domain's difference; equal, summing to 1, when absent."""


FuseMethod = Annotated[LinearMethod | TaskArithmeticMethod, Field(discriminator="name")]


class ValidationConfig(PassAtKConfig):
    """Fused model against each specialist on the probing sets."""

    data: StageId
    """The data stage, for its probing set."""
    problems_per_domain: int | None = Field(default=None, ge=1)
    """Use at most this many probing problems of each domain; all when absent."""


class FuseConfig(StageConfig):
    """Expert model fusion, then validation of the result."""

    kind: Literal["fuse"]
    specialists: StageId
    """The probe stage that chose them."""
    method: FuseMethod = LinearMethod()
    validation: ValidationConfig

    def input_ids(self) -> tuple[str, ...]:
        """The probe and the data stage."""
        return (self.specialists, self.validation.data)

    def model_refs(self) -> tuple[str, ...]:
        """The base, for task arithmetic."""
        return (self.method.base,) if isinstance(self.method, TaskArithmeticMethod) else ()
