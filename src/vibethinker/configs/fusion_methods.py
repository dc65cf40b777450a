"""The ways to fuse models, each with what it is told; the formulas are in ``vibethinker.algos``."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from vibethinker.algos.fusion import check_weights
from vibethinker.configs.common import Config, ModelRef
from vibethinker.errors import InputError

Weight = Annotated[float, Field(allow_inf_nan=False)]
Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _AverageMethod(Config):
    """Base of the methods whose weights are an average's."""

    weights: dict[str, Weight] | None = None
    """Weight by domain, at least 0, summing to 1; equal when absent, as in the paper."""

    @model_validator(mode="after")
    def _convex(self) -> "_AverageMethod":
        if self.weights is not None:
            check_weights(list(self.weights.values()))
        return self


class LinearMethod(_AverageMethod):
    """Weighted average (1.5B section 3.3)."""

    name: Literal["linear"] = "linear"


class TaskArithmeticMethod(Config):
    """Base plus scaled sum of the differences to it (Ilharco et al. 2023, arXiv 2212.04089)."""

    name: Literal["task_arithmetic"]
    base: ModelRef = "base"
    """The model that the specialists were trained from."""
    scale: Scale = 1.0
    """Scale of the summed differences."""
    weights: dict[str, Weight] | None = None
    """Weight of each domain's difference, negative ones too; equal, summing to 1, when absent."""


class TiesMethod(_AverageMethod):
    """Base plus differences that are trimmed, agree in sign and are averaged (Yadav et al. 2023, arXiv 2306.01708)."""

    name: Literal["ties"]
    base: ModelRef = "base"
    """The model that the specialists were trained from."""
    scale: Scale = 1.0
    """Scale of the averaged differences."""
    density: float = Field(default=0.2, gt=0, le=1)
    """Share of each tensor's differences that is kept, the largest; the paper's 20 %."""


class DareMethod(_AverageMethod):
    """Base plus differences of which most are dropped and the rest is rescaled (Yu et al. 2024, arXiv 2311.03099)."""

    name: Literal["dare"]
    base: ModelRef = "base"
    """The model that the specialists were trained from."""
    scale: Scale = 1.0
    """Scale of the summed differences."""
    drop: float = Field(default=0.9, ge=0, lt=1)
    """Probability with which a difference is dropped; the paper drops 90 % and more of fine-tuned models' ones."""
    seed: int | None = Field(default=None, ge=0)
    """Decides which ones; from the recipe's seed when absent."""


class SlerpMethod(_AverageMethod):
    """Along the arc between two models, tensor by tensor (Shoemake 1985); their weights are 1 - t and t."""

    name: Literal["slerp"]

    @model_validator(mode="after")
    def _two(self) -> "SlerpMethod":
        if self.weights is not None and len(self.weights) != 2:
            raise ValueError(f"slerp goes between two models, got weights of {len(self.weights)}: use linear for more")
        return self


FuseMethod = Annotated[
    LinearMethod | TaskArithmeticMethod | TiesMethod | DareMethod | SlerpMethod, Field(discriminator="name")
]
DeltaMethod = TaskArithmeticMethod | TiesMethod | DareMethod
"""The methods that work on differences to a base."""

METHODS: dict[str, type[FuseMethod]] = {
    get_args(method.model_fields["name"].annotation)[0]: method for method in get_args(get_args(FuseMethod)[0])
}
"""The methods by name."""


def method_from_options(name: str, given: Mapping[str, object]) -> FuseMethod:
    """Return a method as the options of a command line describe it; those that are None were not given.

    Raises:
        InputError: If there is no such method, it has no such option, or a value is out of range.
    """
    if name not in METHODS:
        raise InputError(f"--method {name}: there is no such method; use one of {', '.join(METHODS)}")
    values = {option: value for option, value in given.items() if value is not None}
    for option in values:
        if option not in METHODS[name].model_fields:
            owners = [other for other, method in METHODS.items() if option in method.model_fields]
            raise InputError(f"--{option} is not for {name}: it is for {', '.join(owners)}")
    try:
        method: FuseMethod = TypeAdapter(FuseMethod).validate_python({"name": name, **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"--{first['loc'][-1]} {first['input']}: {first['msg']}") from None
    return method
