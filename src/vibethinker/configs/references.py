"""What the stages of a recipe read of one another, and whether it is there to be read.

A stage names the stages it reads by id. Checked here is what only the whole recipe can tell: that ids are unique, that
a reference leads to an earlier stage of a fitting kind, and that a data stage holds the set that its reader needs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vibethinker.configs.data import DataConfig
from vibethinker.configs.evaluate import EvaluateConfig
from vibethinker.configs.fuse import FuseConfig
from vibethinker.configs.fusion_methods import DeltaMethod
from vibethinker.configs.pretrain import PretrainConfig
from vibethinker.configs.probe import ProbeConfig
from vibethinker.configs.rl import RlConfig
from vibethinker.configs.sft import SftConfig
from vibethinker.configs.suggest import suggest

AnyStageConfig = DataConfig | PretrainConfig | SftConfig | ProbeConfig | FuseConfig | RlConfig | EvaluateConfig

STAGE_KINDS: dict[str, type[AnyStageConfig]] = {
    get_args(config.model_fields["kind"].annotation)[0]: config for config in get_args(AnyStageConfig)
}
"""The configuration of each kind of stage."""

BASE = "base"
"""As a model reference: the recipe's ``model``, or what the pretrain stage before made."""
MICRO = "micro"
"""As a model reference: the small base shipped with the package."""
PACKAGE_PREFIX = "package:"
"""Begins a reference to a model inside an installed Python package."""

# Model references with a meaning of their own, and the name of the run directory's lock.
RESERVED_IDS = (BASE, MICRO, "lock")
# Kinds whose stage id stands for one model: of a probe stage its best specialist, of an sft stage its last checkpoint.
_MODEL_KINDS = ("pretrain", "sft", "fuse", "rl", "probe")

SetName = Literal["train", "probing", "rl", "heldout"]


class RecipeError(ValueError):
    """What only the whole recipe shows to be wrong, and where: a stage's index and the keys that lead to the place."""

    def __init__(self, message: str, *, stage: int, keys: tuple[str | int, ...]) -> None:
        """Note the message and the place."""
        super().__init__(message)
        self.stage = stage
        self.keys = keys


@dataclass(frozen=True)
class Reference:
    """One key of a stage that names another stage.

    Attributes:
        keys: The keys that lead to it in the stage, such as ``("validation", "data")``.
        target: What it names.
        kind: The kind that the named stage must be of; None where a model is named.
        holds: The set that the named data stage must hold.
    """

    keys: tuple[str | int, ...]
    target: str
    kind: str | None = None
    holds: SetName | None = None


def references(stage: AnyStageConfig) -> Iterator[Reference]:
    """Yield all that a stage names: the stages it reads and the models."""
    match stage:
        case DataConfig():
            return
        case PretrainConfig():
            for place, name in enumerate(stage.data):
                yield Reference(("data", place), name, "data", "train")
        case SftConfig():
            yield Reference(("model",), stage.model)
            yield Reference(("data",), stage.data, "data", "train")
            if stage.hard is not None:
                yield Reference(("hard", "reference"), stage.hard.reference)
            if stage.keep is not None:
                yield Reference(("keep", "data"), stage.keep.data, "data", "probing")
        case ProbeConfig():
            yield Reference(("checkpoints",), stage.checkpoints, "sft")
            yield Reference(("data",), stage.data, "data", "probing")
        case FuseConfig():
            yield Reference(("specialists",), stage.specialists, "probe")
            if isinstance(stage.method, DeltaMethod):
                yield Reference(("method", "base"), stage.method.base)
            if stage.search is not None:
                yield Reference(("search", "data"), stage.search.data, "data", "probing")
            yield Reference(("validation", "data"), stage.validation.data, "data", "probing")
            if stage.validation.barrier is not None:
                yield Reference(("validation", "barrier", "data"), stage.validation.barrier.data, "data", "train")
        case RlConfig():
            yield Reference(("model",), stage.model)
            for place, name in enumerate(stage.data):
                yield Reference(("data", place), name, "data", "rl")
            if stage.prefilter is not None and stage.prefilter.counts_from is not None:
                yield Reference(("prefilter", "counts_from"), stage.prefilter.counts_from, "rl")
        case EvaluateConfig():
            for index, model in enumerate(stage.models):
                yield Reference(("models", index), model)
            yield Reference(("data",), stage.data, "data", "heldout")


def is_outside_model(ref: str) -> bool:
    """Say whether a model reference can be a folder, a file, a package's model or a hub id."""
    return "/" in ref or "." in ref or ref.startswith(PACKAGE_PREFIX) or Path(ref).is_dir()


def base_stages(stages: Sequence[AnyStageConfig], index: int) -> list[str]:
    """Return the ids of the pretrain stages before ``stages[index]``, any of which could make its base."""
    return [other.id for other in stages[:index] if other.kind == "pretrain"]


def check_stages(stages: Sequence[AnyStageConfig], *, model: str | None) -> None:
    """Check that the stages of a recipe fit together; ``model`` is the recipe's.

    Raises:
        RecipeError: At the first id or reference that does not fit.
    """
    _check_ids(stages)
    for index, stage in enumerate(stages):
        for reference in references(stage):
            if message := _wrong(reference, stages, index, model):
                raise RecipeError(f'stage "{stage.id}"{message}', stage=index, keys=reference.keys)


def _check_ids(stages: Sequence[AnyStageConfig]) -> None:
    first: dict[str, int] = {}
    for index, stage in enumerate(stages):
        wrong = None
        if stage.id in RESERVED_IDS:
            wrong = f'id "{stage.id}" is reserved, as are {", ".join(RESERVED_IDS)}: choose another'
        elif stage.id in first:
            wrong = f"duplicate id: stage {first[stage.id] + 1} has it too; every stage needs its own"
        if wrong:
            raise RecipeError(f'stage "{stage.id}": {wrong}', stage=index, keys=("id",))
        first[stage.id] = index


def _wrong(reference: Reference, stages: Sequence[AnyStageConfig], index: int, model: str | None) -> str | None:
    """Return what is wrong with a reference of ``stages[index]``, to follow the stage's name; None if it is fine."""
    target = reference.target
    where = ": " + ".".join(key for key in reference.keys if isinstance(key, str)) + ": "
    place = next((place for place, stage in enumerate(stages) if stage.id == target), None)
    if place is None:
        if reference.kind is None and target == BASE:
            message = _no_base(base_stages(stages, index), model)
            return where + message if message else None
        if reference.kind is None and (target == MICRO or is_outside_model(target)):
            return None
        fitting = [other.id for other in stages[:index] if _fits(other, reference)]
        what = ""
        if reference.kind is None:
            fitting += [BASE, MICRO]
            what = f" and no such model ({BASE}, {MICRO}, a folder or a hub id)"
        return f'{where}there is no stage "{target}"{what}{suggest(target, fitting)}'
    if place == index:
        return f'{where}"{target}" is this stage itself; name one before it'
    if place > index:
        return f'{where}stage "{target}" comes later; a stage reads only stages before it, so move "{target}" up'
    named = stages[place]
    if not _fits(named, reference):
        return where + _misfit(named, reference)
    if isinstance(named, RlConfig) and named.prefilter is None and reference.keys == ("prefilter", "counts_from"):
        return f'{where}stage "{target}" has `prefilter: null` and counts nothing; name one that filters'
    if isinstance(named, DataConfig) and reference.holds and getattr(named, reference.holds) is None:
        article = "an" if reference.holds == "rl" else "a"
        return (
            f' needs {article} {reference.holds} set, but data stage "{target}" has none: give it `{reference.holds}:`'
        )
    return None


def _fits(named: AnyStageConfig, reference: Reference) -> bool:
    if reference.kind is None:
        return named.kind in _MODEL_KINDS and not (isinstance(named, SftConfig) and named.per_domain)
    return named.kind == reference.kind


def _misfit(named: AnyStageConfig, reference: Reference) -> str:
    what = f'"{named.id}" is of kind {named.kind}'
    if reference.kind is not None:
        return f"need a stage of kind {reference.kind}, but {what}"
    if named.kind == "sft":
        return f"{what} and has many checkpoints: probe it, and name the probe stage for its best one"
    return f"need a model, but {what} and makes none; {', '.join(_MODEL_KINDS)} stages do"


def _no_base(makers: Sequence[str], model: str | None) -> str | None:
    """Return why ``base`` means nothing in this place, or None where it does."""
    if model is not None or len(makers) == 1:
        return None
    if makers:
        return f'"{BASE}" could be any of {", ".join(makers)}: name one of them'
    return f'"{BASE}" is the recipe\'s model, and it has none: give it `model:`, or a pretrain stage before this one'
