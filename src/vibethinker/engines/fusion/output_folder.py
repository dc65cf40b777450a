"""A model's folder that appears whole or not at all, and what goes into it beside the weights."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vibethinker.configs.model_places import ADAPTER_CONFIG
from vibethinker.engines.fusion.parents import Parent
from vibethinker.errors import InputError, WorkError
from vibethinker.files import sync_folder, sync_tree

MANIFEST = "fusion.json"
# Weights in any form, the fused ones take their place; pickles; archives of arrays.
_NOT_COPIED_SUFFIXES = frozenset(
    ".safetensors .bin .pt .pth .pkl .pickle .ckpt .gguf .h5 .msgpack .onnx .joblib .npy .npz .ot .tar .zip .gz".split()
)
# State of a training, and what tells of the parent only: where it comes from, how it was made, how good it is.
_NOT_COPIED = frozenset(
    f"trainer_state.json training_args.json README.md manifest.json all_results.json train_results.json "
    f"eval_results.json {MANIFEST} {ADAPTER_CONFIG}".split()
)
_NOT_COPIED_BEGINNINGS = (".", "optimizer", "scheduler", "rng_state", "scaler", "events.out", "mgpo_state")
_TOKENIZER_BEGINNINGS = ("tokenizer", "chat_template", "special_tokens_map", "added_tokens", "vocab", "merges")
_SPARE_BYTES = 2**20
"""For the manifest, the index and the folder itself; ours."""


def check_output(output: Path, models: Sequence[Parent]) -> Path:
    """Return where to write, links followed.

    Raises:
        InputError: If there is something, the place lies in a model, or the file system does not take the name.
    """
    try:
        return _checked(output, models)
    except (OSError, RuntimeError) as error:
        raise _refused(output, error) from error


def _checked(output: Path, models: Sequence[Parent]) -> Path:
    place = output.expanduser().resolve()
    for folder in {folder for model in models for folder in (model.folder, model.weights_folder)}:
        if place == folder or folder in place.parents:
            raise InputError(f"output {output} lies in the model {folder}: choose a folder outside the models")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"output {output} is there already: remove it or choose another")
    above = next(parent for parent in place.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"output {output}: {above} is no folder that can be written to: choose another")
    for name in (*place.relative_to(above).parts, _unfinished(place).name):
        # Of a name that is too long the system says so even where there is nothing.
        (above / name).exists()
    return place


def _refused(output: Path, error: OSError | RuntimeError) -> InputError:
    reason = error.strerror if isinstance(error, OSError) else error
    return InputError(f"output {output}: {reason}: choose another")


def _unfinished(place: Path) -> Path:
    """Return where a folder is before it is whole."""
    return place.with_name(f".{place.name}.fusing")


def check_space(place: Path, needed: int) -> None:
    """Raise InputError unless the file system of a folder that need not exist has the space, with a little to spare."""
    above = next(parent for parent in place.parents if parent.exists())
    free = shutil.disk_usage(above).free
    if free < needed + _SPARE_BYTES:
        raise InputError(
            f"disk too small: the fused model takes {needed / 1e9:.2f} GB, {above} has {free / 1e9:.2f} GB free: "
            f"free some space or choose another output"
        )


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``place`` that takes its name when all went well, and goes away when not.

    One that a killed fusion has left is cleared; the lock on it shows that nobody writes to it any more.

    Raises:
        InputError: If another fusion writes to the same place, or the folder cannot be made.
        WorkError: If the system does not let it write.
    """
    temporary = _unfinished(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(exist_ok=True)
        # It is cleared below: not what a link of that name leads to.
        lock = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _refused(place, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another fusion writes to {place}: wait for it or choose another output") from None
        try:
            _clear(temporary)
            yield temporary
            sync_tree(temporary)
            temporary.rename(place)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if isinstance(error, OSError):
                raise WorkError(f"cannot write {place}: {error}; nothing was written") from error
            raise
    finally:
        os.close(lock)
    sync_folder(place.parent)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def files_beside(model: Parent) -> list[Path]:
    """Return the files of a model's folder that the fused one has too: configuration, tokenizer, chat template.

    Of an adapter they are its base's, but for a tokenizer that it brings.
    """
    found = {path.name: path for path in sorted(model.weights_folder.iterdir()) if _is_copied(path)}
    if model.folder != model.weights_folder:
        own = [path for path in sorted(model.folder.iterdir()) if _is_copied(path)]
        own = [path for path in own if path.name.startswith(_TOKENIZER_BEGINNINGS)]
        if own:
            found = {name: path for name, path in found.items() if not name.startswith(_TOKENIZER_BEGINNINGS)}
        found.update({path.name: path for path in own})
    return list(found.values())


def _is_copied(path: Path) -> bool:
    return (
        path.is_file()
        and path.suffix not in _NOT_COPIED_SUFFIXES
        and not path.name.endswith(".safetensors.index.json")
        and path.name not in _NOT_COPIED
        and not path.name.startswith(_NOT_COPIED_BEGINNINGS)
    )
