"""Adapters' folders that say which model they are of, so that each can be loaded wherever it lies.

While a run trains, peft keeps no such name (it would ask the hub for it at every checkpoint).
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from vibethinker.configs.adapter import QloraAdapter
from vibethinker.configs.model_places import ADAPTER_CONFIG, locate
from vibethinker.configs.references import MICRO, PACKAGE_PREFIX
from vibethinker.configs.sft import SftConfig
from vibethinker.engines.adapters import load_with_adapter, merge_adapter
from vibethinker.engines.models import save_model
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import StageContext

_BASE_KEY = "base_model_name_or_path"
_ROUNDED = "base"


def name_base(
    config: SftConfig, context: StageContext, reference: str, adapters: Sequence[str], *, run_dir: Path
) -> None:
    """Write the base's name into the configuration of every adapter of a stage.

    A base inside the run directory is named by the path that leads there from the adapter's final place; any other by
    its reference. An adapter of 4-bit weights was trained against the rounded weights: these are written once, in
    float32, to ``base/`` in the stage's folder, and are its base.

    Args:
        config: The stage's configuration.
        context: The stage's context, whose folder is not at its final place yet.
        reference: The model that training started from.
        adapters: Paths of the adapters' folders in the stage's folder.
        run_dir: The run directory.
    """
    final = run_dir.resolve() / config.id
    rounded = isinstance(config.adapter, QloraAdapter)
    if rounded:
        _write_rounded(config, context, reference)
    for path in adapters:
        file = context.folder / path / ADAPTER_CONFIG
        base = os.path.relpath(final / _ROUNDED, final / path) if rounded else _named(reference, final / path, run_dir)
        write_json(file, {**read_json(file), _BASE_KEY: base})


def _named(reference: str, adapter: Path, run_dir: Path) -> str:
    place = locate(reference)
    if isinstance(place, str) or reference == MICRO or reference.startswith(PACKAGE_PREFIX):
        return reference
    place, root = place.resolve(), run_dir.resolve()
    return os.path.relpath(place, adapter) if place.is_relative_to(root) else str(place)


def _write_rounded(config: SftConfig, context: StageContext, reference: str) -> None:
    # A fresh adapter computes nothing: what remains of a merge are the weights that it was trained against.
    model, tokenizer = load_with_adapter(reference, config.adapter, seed=0, numerics=context.numerics)
    unfinished = context.folder / f".{_ROUNDED}"
    shutil.rmtree(unfinished, ignore_errors=True)
    save_model(merge_adapter(model), tokenizer, unfinished)
    shutil.rmtree(context.folder / _ROUNDED, ignore_errors=True)
    unfinished.replace(context.folder / _ROUNDED)
