"""The models that are fused: where their tensors lie, and reading them block by block.

A model is a folder of safetensors or an adapter of one (``adapter.py``). Nothing is unpickled and no code of a model
is run.
"""

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from vibethinker.configs.model_places import adapter_base, is_adapter, locate
from vibethinker.engines.fusion.adapter import read_adapter
from vibethinker.engines.fusion.tensor_files import Tensor, read_layout
from vibethinker.errors import InputError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
# What a repository holds besides weights that are pickles, and code.
_DOWNLOADED = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken")


class Parent:
    """A model's tensors by name, in the order of its files; a context manager that holds the files open.

    Attributes:
        reference: What the user called it.
        folder: Its folder; of an adapter, the adapter's.
        weights_folder: Where the tensors lie: of an adapter, its base's folder.
        config: Its ``config.json``; of an adapter, the base's.
        tensors: Its tensors by name. ``alike.py`` adds names of tied tensors that only other models have.
        metadata: Of its file; only the format's where it has several.
        adapter: What is added to the tensors; None for a whole model.
    """

    def __init__(self, reference: str) -> None:
        """Read the configuration and the tensors' places; raises InputError where they are not as they should be."""
        self.reference = reference
        self.folder = _folder(reference)
        self.weights_folder = self.folder
        if is_adapter(self.folder):
            self.weights_folder = _folder(adapter_base(self.folder))
            if is_adapter(self.weights_folder):
                raise InputError(f"{reference} is an adapter of an adapter: merge that one first, or name its base")
        self.config = read_object(self.weights_folder / "config.json")
        if "quantization_config" in self.config:
            raise InputError(f"{reference} is quantised: fuse the models it was made from, and quantise the result")
        self.tensors, self.metadata = _read_tensors(self.weights_folder)
        is_plain = not is_adapter(self.folder)
        self.adapter = None if is_plain else read_adapter(self.folder, reference, self.tensors)
        self._files = ExitStack()
        self._descriptors: dict[Path, int] = {}

    def __enter__(self) -> "Parent":
        for path in {tensor.path for tensor in self.tensors.values()}:
            self._descriptors[path] = self._files.enter_context(path.open("rb", buffering=0)).fileno()
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    @property
    def is_tied(self) -> bool:
        """Whether its output head is its embedding."""
        return bool(self.config.get("tie_word_embeddings"))

    def change(self, name: str, start: int, count: int) -> torch.Tensor | None:
        """Return what the adapter adds to numbers of a tensor; None where there is none or it adds nothing."""
        return None if self.adapter is None else self.adapter.change(self.tensors[name], start, count)

    def read_into(self, name: str, start: int, buffer: memoryview) -> None:
        """Fill a buffer with a tensor's bytes from number ``start`` on, as they lie in the file."""
        tensor = self.tensors[name]
        descriptor, offset, done = self._descriptors[tensor.path], tensor.offset + start * tensor.item_bytes, 0
        while done < len(buffer):
            count = os.preadv(descriptor, [buffer[done:]], offset + done)
            if count == 0:
                raise InputError(f"{tensor.path} has become shorter while it was read: leave it alone and try again")
            done += count


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        InputError: If it is missing or holds anything else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file {path}: a Hugging Face model folder has one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"cannot read {path}: need a JSON object")
    return found


def _folder(reference: str) -> Path:
    """Return a model's folder, of a hub id after downloading it."""
    place = locate(reference)
    if isinstance(place, str):
        return _downloaded(place)
    if not place.is_dir():
        raise InputError(f"{reference} is a GGUF file: only folders of safetensors can be fused")
    return place.resolve()


def _downloaded(hub_id: str) -> Path:
    # Late: it takes a while to import, and most models are folders.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(_DOWNLOADED)))
    except (OSError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot download {hub_id}: {reason}: give a folder, or a hub id that exists") from error


def _read_tensors(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    paths = _weight_files(folder)
    for path in paths:
        found, metadata = read_layout(path)
        for tensor in found:
            if tensor.name in tensors:
                raise InputError(f"{folder}: {tensors[tensor.name].path.name} and {path.name} both have {tensor.name}")
            tensors[tensor.name] = tensor
    if not tensors:
        raise InputError(f"{folder}: its safetensors files hold no tensor")
    return tensors, metadata if len(paths) == 1 else {"format": "pt"}


def _weight_files(folder: Path) -> list[Path]:
    if (folder / INDEX).is_file():
        mapped = read_object(folder / INDEX).get("weight_map")
        if not isinstance(mapped, Mapping) or not all(_is_plain(name) for name in mapped.values()):
            raise InputError(f"cannot read {folder / INDEX}: need a weight_map from tensors to files of the folder")
        paths = [folder / name for name in sorted(set(mapped.values()))]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise InputError(f"{folder} has no {missing[0]}, which its {INDEX} names: download it again")
        return paths
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        pickles = sorted(path.name for path in folder.glob("*") if path.suffix in {".bin", ".pt", ".pth"})
        has = f", only {pickles[0]}, and pickles are not read" if pickles else ""
        raise InputError(
            f"{folder} has no safetensors file{has}: save the model with save_pretrained, which writes safetensors"
        )
    return paths


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name
