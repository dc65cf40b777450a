"""What a stage's result depends on, as one hash: equal fingerprints mean that the result can be reused.

It covers the stage's configuration, the fingerprints of the stages it reads, what it takes from the recipe (seed,
prompt, numeric type, the base model's identity), the content of local files it reads, and its code.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vibethinker.configs.data import CodeFileSource, DataConfig, FileSource
from vibethinker.configs.model_places import locate
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.references import BASE, AnyStageConfig
from vibethinker.errors import InputError
from vibethinker.pipeline.code_version import CodeVersions

SourceOf = Callable[[str], Path]
"""The file with the code of a kind of stage."""


@dataclass(frozen=True)
class Fingerprint:
    """What the pipeline must know of a stage before it runs.

    Attributes:
        value: The hash.
        inputs: The fingerprints of the stages it reads, by id.
        needs_engine: Whether its code reaches a tensor library.
    """

    value: str
    inputs: Mapping[str, str]
    needs_engine: bool


def fingerprint_stages(recipe: Recipe, source_of: SourceOf) -> dict[str, Fingerprint]:
    """Return the fingerprint of every stage, by id.

    Raises:
        InputError: If a local file or model that a stage names is missing.
    """
    code = CodeVersions()
    identities: dict[str, str] = {}
    found: dict[str, Fingerprint] = {}
    for stage in recipe.stages:
        inputs = {name: found[name].value for name in recipe.needs(stage)}
        entry = source_of(stage.kind)
        parts = {
            "config": stage.model_dump(mode="json"),
            "inputs": inputs,
            "recipe": _from_recipe(recipe, stage),
            "models": {ref: _identity(ref, stage, identities) for ref in _outside_models(recipe, stage)},
            "files": {path: _content(path, stage, split) for split, path in _local_files(stage)},
            "code": code.version(entry),
        }
        value = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        found[stage.id] = Fingerprint(value, inputs, code.needs_engine(entry))
    return found


def _from_recipe(recipe: Recipe, stage: AnyStageConfig) -> dict[str, Any]:
    """Return what a stage takes from the recipe's head; making problems asks for no prompt and computes no model."""
    if isinstance(stage, DataConfig):
        return {"seed": recipe.seed}
    return {"seed": recipe.seed, "prompt": recipe.prompt, "dtype": recipe.dtype}


def _outside_models(recipe: Recipe, stage: AnyStageConfig) -> Iterator[str]:
    """Yield the references to models that no stage makes."""
    ids = {other.id for other in recipe.stages}
    for ref in stage.model_refs():
        if ref == BASE:
            if recipe.model is not None:
                yield recipe.model
        elif ref not in ids:
            yield ref


def _identity(ref: str, stage: AnyStageConfig, known: dict[str, str]) -> str:
    """Return what tells a model from all others: the content of its files, or its hub id."""
    if ref not in known:
        try:
            found = locate(ref)
        except InputError as error:
            raise InputError(f'stage "{stage.id}": {error}') from error
        known[ref] = found if isinstance(found, str) else content_hash(found)
    return known[ref]


def _local_files(stage: AnyStageConfig) -> Iterator[tuple[str, str]]:
    """Yield set and path of every file of problems that a stage reads."""
    if isinstance(stage, DataConfig):
        for split in ("train", "probing", "rl", "heldout"):
            source = getattr(stage, split)
            if isinstance(source, FileSource | CodeFileSource):
                yield split, source.path


def _content(path: str, stage: AnyStageConfig, split: str) -> str:
    if not Path(path).is_file():
        what = "is no file" if Path(path).exists() else "does not exist"
        raise InputError(
            f'stage "{stage.id}": {split}: {path} {what}: give a .jsonl or .parquet file, '
            f"such as --set {stage.id}.{split}.path=FILE"
        )
    try:
        return content_hash(Path(path))
    except OSError as error:
        raise InputError(f'stage "{stage.id}": {split}: {path} cannot be read: {error.strerror}') from error


def content_hash(path: Path) -> str:
    """Return a hash of a file's content, or of the names and contents of the files of a folder, hidden ones aside."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file_path in sorted(path.rglob("*")):
        name = file_path.relative_to(path)
        if file_path.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()} {content_hash(file_path)}\n".encode())
    return digest.hexdigest()
