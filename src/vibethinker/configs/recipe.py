"""The recipe: a run from its problems to its evaluated models, as one checked value."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from vibethinker.configs.common import Config
from vibethinker.configs.references import BASE, MICRO, AnyStageConfig, base_stages, check_stages, is_outside_model
from vibethinker.configs.suggest import did_you_mean


class Recipe(Config):
    """What to run, in which order, from which model and seed."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Names the run directory: letters, digits, ``.``, ``_`` and ``-``."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Every generator of the run derives from it."""
    model: str | None = None
    """The base: a folder, a hub id, ``micro``, or absent when a pretrain stage makes it."""
    prompt: str = "{question}"
    """What is put to the model, before its chat template; holds ``{question}``."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Numeric type; ``auto`` measures which is faster here."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of the tensor library; all cores when absent."""
    trackers: tuple[Literal["tensorboard", "trackio", "wandb"], ...] = ()
    """Where training metrics also go; ``metrics.jsonl`` is always written. Needs the extra ``trackers``."""
    stages: tuple[Annotated[AnyStageConfig, Field(discriminator="kind")], ...] = Field(min_length=1)
    """The stages, in the order they run."""

    @field_validator("prompt")
    @classmethod
    def _prompt_asks(cls, prompt: str) -> str:
        if "{question}" not in prompt:
            raise ValueError(f'need {{question}} where the question goes, got "{prompt}"')
        return prompt

    @field_validator("model")
    @classmethod
    def _model_is_one(cls, model: str | None) -> str | None:
        if model is not None and model != MICRO and not is_outside_model(model):
            raise ValueError(
                f'"{model}" is no model: give a folder, a hub id such as Qwen/Qwen2.5-0.5B, or {MICRO}'
                + did_you_mean(model, [MICRO])
            )
        return model

    @model_validator(mode="after")
    def _stages_fit_together(self) -> "Recipe":
        check_stages(self.stages, model=self.model)
        return self

    def stage(self, stage_id: str) -> AnyStageConfig:
        """Return the stage of that id.

        Raises:
            KeyError: If there is none.
        """
        for stage in self.stages:
            if stage.id == stage_id:
                return stage
        raise KeyError(stage_id)

    def base_stage(self, stage: AnyStageConfig) -> str | None:
        """Return the id of the pretrain stage that makes ``base`` for a stage; None where ``model`` gives it."""
        makers = base_stages(self.stages, self.stages.index(stage))
        return makers[0] if self.model is None and len(makers) == 1 else None

    def needs(self, stage: AnyStageConfig) -> tuple[str, ...]:
        """Return the ids of the stages whose results a stage reads, in the recipe's order."""
        named = {*stage.input_ids(), *stage.model_refs()}
        if BASE in named and (maker := self.base_stage(stage)) is not None:
            named.add(maker)
        return tuple(other.id for other in self.stages if other.id in named)
