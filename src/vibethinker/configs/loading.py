"""A recipe file, with overrides, to a checked recipe or one line that says what is wrong and where.

Loads no tensor library: a recipe is checked before anything heavy starts.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from vibethinker.configs.explain import WRONG_VALUE, Explained, explain
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.references import RecipeError
from vibethinker.configs.suggest import suggest
from vibethinker.configs.yaml_tree import child, compose, graft, keys_of, override_value, place, to_data
from vibethinker.errors import InputError


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply overrides such as ``signal.steps=50`` or ``seed=8``, and check it whole.

    Raises:
        InputError: With one line that names file and line (or the override), what is wrong, and what is allowed.
    """
    root = compose(_read(path), str(path))
    if root is None:
        raise InputError(f"{path}: empty; a recipe has at least `name:` and `stages:`")
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{place(root, ())}: a recipe is keys and values, at least `name:` and `stages:`")
    for override in overrides:
        root = _override(root, override)
    data = to_data(root)
    try:
        # As JSON, in which strict checking takes a list for a tuple but no text for a number.
        return Recipe.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise InputError(_first_line(error, root, data)) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: give the path of a recipe, such as recipes/quickstart.yaml") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder: give the path of a recipe, such as recipes/quickstart.yaml") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: a recipe is a YAML file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _override(root: yaml.Node, override: str) -> yaml.Node:
    """Return the tree with one ``--set`` applied."""
    source = f"--set {' '.join(override.split())}"
    name, equals, text = override.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"{source}: need KEY=VALUE, such as seed=8 or signal.steps=50")
    value = override_value(text, source)
    ids = _stage_ids(root)
    if len(keys) > 1:
        if keys[0] not in ids:
            raise InputError(f'{source}: there is no stage "{keys[0]}"{suggest(keys[0], filter(None, ids))}')
        return graft(root, ["stages", ids.index(keys[0]), *keys[1:]], value, source)
    if keys[0] in ids:
        raise InputError(f'{source}: "{keys[0]}" is a stage: name one of its keys, such as {keys[0]}.KEY=VALUE')
    settable = sorted(set(Recipe.model_fields) - {"stages"})
    if keys[0] not in settable:
        raise InputError(f'{source}: unknown key "{keys[0]}"{suggest(keys[0], settable)}')
    return graft(root, keys, value, source)


def _stage_ids(root: yaml.Node) -> list[str | None]:
    """Return the ids of the recipe's stages, None where one has none."""
    stages = child(root, ["stages"])
    if not isinstance(stages, yaml.SequenceNode):
        return []
    found = [child(stage, ["id"]) for stage in stages.value]
    return [str(node.value) if isinstance(node, yaml.ScalarNode) else None for node in found]


def _first_line(error: ValidationError, root: yaml.Node, data: Any) -> str:  # noqa: ANN401 - as the file has it
    """Turn the first of a recipe's errors into a line with its place."""
    errors = error.errors(include_url=False)
    fault = errors[0].get("ctx", {}).get("error")
    if isinstance(fault, RecipeError):
        return _one_line(f"{place(root, ['stages', fault.stage, *fault.keys])}: {fault}")
    locations = [each["loc"] for each in errors]
    # Where the items of a list are wrong, pydantic also finds the list too short.
    inner = [each for each in errors if not any(_lies_in(other, each["loc"]) for other in locations)]
    found = min((explain(each, Recipe) for each in inner), key=lambda each: (_stage_index(each), each.rank))
    index = _stage_index(found)
    subject = found.keys[: found.depth] if index < 0 else found.keys[2 : found.depth]
    path = ".".join(key for key in subject if isinstance(key, str))
    parts = [place(root, _blamed(root, found)), _label(data, index), path, found.message]
    return _one_line(": ".join(part for part in parts if part))


def _lies_in(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _stage_index(found: Explained) -> int:
    """Return the index of the stage an error lies in, -1 for the recipe's own keys."""
    if len(found.keys) > 1 and found.keys[0] == "stages" and isinstance(found.keys[1], int):
        return found.keys[1]
    return -1


def _label(data: Any, index: int) -> str:  # noqa: ANN401 - as the file has it
    if index < 0:
        return ""
    stage = data["stages"][index]
    stage_id = stage.get("id") if isinstance(stage, dict) else None
    return f'stage "{stage_id}"' if isinstance(stage_id, str) else f"stage {index + 1}"


def _blamed(root: yaml.Node, found: Explained) -> tuple[str | int, ...]:
    """Return the keys to the line to point at; where several keys do not go together, the first that is named."""
    if found.rank != WRONG_VALUE:
        return found.keys
    keys = keys_of(child(root, found.keys))
    named = next((word for word in re.findall(r"\w+", found.message) if word in keys), None)
    return (*found.keys, named) if named is not None else found.keys


def _one_line(text: str) -> str:
    return " ".join(text.split())
