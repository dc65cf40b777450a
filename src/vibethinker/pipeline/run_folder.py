"""The run directory as a whole: whether it is ours to write to, which recipe made it, and starting over in it."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from vibethinker.configs.explain import shown
from vibethinker.configs.recipe import Recipe
from vibethinker.errors import InputError
from vibethinker.files import read_json, write_whole
from vibethinker.pipeline.lock import LOCK_NAME
from vibethinker.pipeline.run_state import RUN_FILE, load_state
from vibethinker.pipeline.work import MANIFEST, WORK

RECIPE_FILE = "recipe.yaml"
METRICS_FILE = "metrics.jsonl"
REPORT_FILE = "report.html"

# What a run that was stopped in its first instant may have left, before there was a run.json.
_FIRST_FILES = (LOCK_NAME, RECIPE_FILE)
_TEMPORARY = tuple(f".{name}." for name in (RUN_FILE, RECIPE_FILE, REPORT_FILE, METRICS_FILE))
_MOST_DIFFERENCES = 3
_ABSENT = object()


def check_run_dir(run_dir: Path, recipe: Recipe, *, fresh: bool) -> None:
    """Make sure that a run of this recipe may use a directory, without touching anything.

    Raises:
        InputError: If it holds something that no run made, or, unless ``fresh``, a run of another recipe or a
            damaged one.
    """
    if not run_dir.exists():
        return
    if not run_dir.is_dir():
        raise InputError(f"{run_dir} is a file: give another --run-dir")
    if not (run_dir / RUN_FILE).is_file():
        others = sorted(path.name for path in run_dir.iterdir() if not _is_first_file(path.name))
        if others:
            raise InputError(
                f"{run_dir} is not empty and no run directory (it holds {_few(others)}): give another --run-dir"
            )
        return
    for stage in recipe.stages:
        folder = run_dir / stage.id
        if folder.exists() and not _is_stage_folder(folder):
            raise InputError(f"{folder} is in the way and no run made it: move it, or give another --run-dir")
    if fresh:
        return
    load_state(run_dir)
    if found := differences(_stored_recipe(run_dir), recipe):
        more = len(found) - _MOST_DIFFERENCES
        listed = "; ".join(found[:_MOST_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(
            f"{run_dir} was made by another recipe: {listed}: give --fresh to start over, or another --run-dir"
        )


def start_over(run_dir: Path) -> None:
    """Remove what runs made, and nothing else; ``run.json`` goes last, so that a second try finishes the first."""
    if not (run_dir / RUN_FILE).is_file():
        return
    shutil.rmtree(run_dir / WORK, ignore_errors=True)
    (run_dir / WORK).mkdir()
    for folder in list(run_dir.iterdir()):
        if _is_stage_folder(folder):
            # Whole at its place or gone from it: without its manifest nobody would know whose it is.
            folder.replace(run_dir / WORK / folder.name)
    shutil.rmtree(run_dir / WORK)
    for name in (METRICS_FILE, REPORT_FILE, RECIPE_FILE, RUN_FILE):
        (run_dir / name).unlink(missing_ok=True)


def remove_temporary_files(run_dir: Path) -> None:
    """Remove what processes killed in the middle of writing a file have left beside it."""
    for path in run_dir.iterdir():
        if path.name.startswith(_TEMPORARY) and path.is_file():
            path.unlink()


def write_resolved(run_dir: Path, recipe: Recipe) -> None:
    """Write the recipe with all its defaults, unless it is there."""
    if not (run_dir / RECIPE_FILE).exists():
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
        write_whole(run_dir / RECIPE_FILE, text)


def differences(stored: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return what changed from a stored recipe to this one, as ``signal.steps was 50, is 80``."""
    with contextlib.suppress(ValidationError):
        # A key that a newer version added has its default in the old run too.
        stored = Recipe.model_validate(stored).model_dump(mode="json")
    before, now = _flat(stored), _flat(recipe.model_dump(mode="json"))
    if before.get("stages") != now.get("stages"):
        # Which stages there are says enough: what lies in those of one side only would drown it.
        ids = set(before.get("stages", [])) & set(now["stages"])
        before, now = ({key: each[key] for key in each if _about(key, ids)} for each in (before, now))
    keys = [key for key in {**now, **before} if before.get(key, _ABSENT) != now.get(key, _ABSENT)]
    return [f"{key} was {_value(before, key)}, is {_value(now, key)}" for key in keys]


def _about(key: str, ids: set[str]) -> bool:
    first, dot, _ = key.partition(".")
    return not dot or first in ids


def _value(flat: dict[str, Any], key: str) -> str:
    return shown(flat[key]) if key in flat else "absent"


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested keys with dots, a stage's under its id, and the ids in their order as ``stages``."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not prefix and key == "stages" and isinstance(item, list):
            found["stages"] = [stage.get("id") for stage in item]
            for stage in item:
                found |= _flat(stage, f"{stage.get('id')}.")
        elif isinstance(item, dict):
            found |= _flat(item, f"{prefix}{key}.")
        else:
            found[prefix + key] = item
    return found


def _stored_recipe(run_dir: Path) -> dict[str, Any]:
    """Read the resolved recipe of a run.

    Raises:
        InputError: If it is missing or damaged.
    """
    path = run_dir / RECIPE_FILE
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict) or not all(isinstance(stage, dict) for stage in stored["stages"]):
            raise ValueError("not a recipe")
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        what = "missing" if isinstance(error, FileNotFoundError) else "damaged"
        raise InputError(f"{path} is {what}: give --fresh to start over, or another --run-dir") from error
    return stored


def _is_stage_folder(folder: Path) -> bool:
    """Say whether a stage of ours made a folder."""
    if folder.name.startswith(".") or not (folder / MANIFEST).is_file():
        return False
    try:
        manifest = read_json(folder / MANIFEST)
    except ValueError:
        return False
    return isinstance(manifest, dict) and {"id", "kind", "fingerprint"} <= manifest.keys()


def _is_first_file(name: str) -> bool:
    return name in _FIRST_FILES or name.startswith(_TEMPORARY)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
