"""Where a recipe's reference to a model outside the run leads, found without loading anything.

A reference is ``micro`` (the base shipped with this package), a Hugging Face model folder, a peft adapter's folder, a
``.gguf`` file, ``package:NAME/FILE.gguf`` for a file that an installed Python package ships, or a hub id.
"""

import importlib.util
import json
from importlib.resources import files
from pathlib import Path

from vibethinker.configs.references import MICRO, PACKAGE_PREFIX
from vibethinker.errors import InputError


def micro_folder() -> Path:
    """Return the folder of the micro base that the package ships."""
    return Path(str(files("vibethinker") / "assets" / "micro-base"))


ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_BASE = "base_model_name_or_path"


def is_adapter(folder: Path) -> bool:
    """Say whether a folder holds a peft adapter instead of a model."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_base(folder: Path) -> str:
    """Return the reference to the model that an adapter is of; a relative path leads from the adapter's own folder.

    Raises:
        InputError: If the adapter does not say, its base is an adapter too, or its configuration cannot be read.
    """
    try:
        named = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8")).get(ADAPTER_BASE)
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise InputError(f"cannot read {folder / ADAPTER_CONFIG}: need JSON with {ADAPTER_BASE}") from error
    if not isinstance(named, str) or not named:
        raise InputError(f"{folder / ADAPTER_CONFIG} does not name the adapter's base: set its {ADAPTER_BASE}")
    try:
        beside = folder / named
        base = beside if beside.is_dir() else Path(named).expanduser()
        is_nested = is_adapter(base)
    except OSError as error:
        raise InputError(f"{folder / ADAPTER_CONFIG}: {ADAPTER_BASE} is no model: {error.strerror}") from error
    if is_nested:
        raise InputError(f"{folder} is an adapter of an adapter, {base}: merge that one first, or name its base")
    return str(beside) if base is beside else named


def locate(reference: str) -> Path | str:
    """Return the folder or file a reference names, or the hub id it is.

    Raises:
        InputError: If a folder, file or package is missing, or a folder holds no model.
    """
    if reference.startswith(PACKAGE_PREFIX):
        return _in_package(reference)
    path = micro_folder() if reference == MICRO else Path(reference).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise InputError(f"no model {reference}: {error.strerror}: give an existing folder or a hub id") from error
    if is_folder:
        if not (path / "config.json").is_file() and not is_adapter(path):
            raise InputError(f"{path} holds no model: a Hugging Face model folder has a config.json")
        return path
    if is_file:
        if path.suffix != ".gguf":
            raise InputError(f"{path} is no model: give a model folder, a .gguf file or a hub id")
        return path
    if reference == MICRO or _is_local(reference):
        raise InputError(f"no model folder {path}: give an existing folder, a hub id (owner/name) or {MICRO}")
    return reference


def _is_local(reference: str) -> bool:
    """Say whether a reference that leads nowhere was meant for a folder or file: no hub id has that form."""
    path = Path(reference)
    first = Path(path.parts[0])
    return (
        path.is_absolute()
        or reference.startswith((".", "~"))
        or reference.endswith((".gguf", "/"))
        or reference.count("/") != 1
        or first.is_dir()
    )


def _in_package(reference: str) -> Path:
    name, _, file = reference.removeprefix(PACKAGE_PREFIX).partition("/")
    found = importlib.util.find_spec(name) if name.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise InputError(f"model {reference}: package {name!r} is not installed: install it (see the recipe's head)")
    root = Path(found.submodule_search_locations[0])
    ends = f"/{file}" if file else ".gguf"
    matches = [path for path in sorted(root.rglob("*.gguf")) if f"/{path.relative_to(root).as_posix()}".endswith(ends)]
    if len(matches) != 1:
        raise InputError(f"model {reference}: package {name!r} holds {len(matches)} files of that name, need one")
    return matches[0]
