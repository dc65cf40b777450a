"""Models and tokenizers: loading whatever ``configs.model_places`` finds, and saving."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from vibethinker.configs.model_places import ADAPTER_BASE, ADAPTER_CONFIG, adapter_base, is_adapter, locate
from vibethinker.engines.adapter_config import read_lora_config
from vibethinker.errors import InputError
from vibethinker.files import sync_tree

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()


def load_model(reference: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a model in float32 and its tokenizer, with a padding token; of an adapter's folder, merged into its base.

    Raises:
        InputError: If there is no such model or it cannot be read, or an adapter is more than plain LoRA; code that a
            model folder ships is never run.
    """
    place = locate(reference)
    if isinstance(place, Path) and is_adapter(place):
        return _merged(place)
    try:
        if isinstance(place, Path) and place.suffix == ".gguf":
            place = _from_gguf(place)
        model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot load model {reference}: {str(error).strip().splitlines()[0]}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _merged(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    # Late: peft takes a while to import, and that module loads models through this one.
    from peft import PeftModel

    from vibethinker.engines.adapters import ADAPTER, merge_adapter

    read_lora_config(folder, str(folder))
    base, tokenizer = load_model(adapter_base(folder))
    try:
        merged = merge_adapter(PeftModel.from_pretrained(base, folder, adapter_name=ADAPTER))
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot load adapter {folder}: {str(error).strip().splitlines()[0]}") from error
    return merged, tokenizer


def model_digest(reference: str) -> str:
    """Return a hash of all that decides a model's responses, the same wherever its folder lies and whoever saved it.

    That is weights, configuration, tokenizer and chat template; of an adapter its factors and its base. Of a hub id
    it is the id, with the commit where a snapshot is in the local cache.

    Raises:
        InputError: If there is no such model, or it is an adapter of an adapter.
    """
    place = locate(reference)
    if isinstance(place, str):
        return _hub_digest(place)
    digest = hashlib.sha256()
    if place.is_dir() and is_adapter(place):
        digest.update(_without_origin(place / ADAPTER_CONFIG))
        digest.update(model_digest(adapter_base(place)).encode())
    elif place.is_dir():
        for path in _files_that_count(place):
            digest.update(f"{path.name} {hashlib.sha256(_without_origin(path)).hexdigest()}\n".encode())
    for path in _weight_files(place) if place.is_dir() else [place]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _hub_digest(hub_id: str) -> str:
    # Late: it takes a while to import, and most models are folders.
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = [try_to_load_from_cache(hub_id, name) for name in ("config.json", ADAPTER_CONFIG)]
    except HFValidationError:
        return hub_id
    # The folder of a snapshot is named after its commit.
    commits = [Path(path).parent.name for path in cached if isinstance(path, str)]
    return f"{hub_id}@{commits[0]}" if commits else hub_id


_COUNTING = ("config.json", "generation_config.json", "*.jinja", "additional_chat_templates/*.jinja", "*.model")
_COUNTING_TOKENIZER = ("tokenizer*", "special_tokens_map*", "added_tokens*", "vocab*", "merges*", "*.tiktoken")
_ORIGIN = frozenset(
    f"transformers_version peft_version _name_or_path name_or_path is_local local_files_only {ADAPTER_BASE} "
    # Saved in any order, and the factors' own names tell.
    f"target_modules".split()
)
"""Keys of configurations that tell where a model came from and who saved it, or what its weights tell anyway."""
# Of a training's state, which lies beside a checkpoint's weights.
_STATE_BEGINNINGS = ("training_args", "optimizer", "scheduler", "scaler", "random_states", "rng_state")


def _files_that_count(folder: Path) -> list[Path]:
    """Return the files beside the weights that decide a model's responses."""
    found = {path for pattern in (*_COUNTING, *_COUNTING_TOKENIZER) for path in folder.glob(pattern)}
    return sorted(path for path in found if path.is_file())


def _without_origin(path: Path) -> bytes:
    """Return a file's bytes; of a configuration, what it says but for who wrote it and where."""
    raw = path.read_bytes()
    if not path.name.endswith("config.json"):
        return raw
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if not isinstance(found, dict):
        return raw
    return json.dumps({key: value for key, value in found.items() if key not in _ORIGIN}, sort_keys=True).encode()


def _weight_files(folder: Path) -> Iterator[Path]:
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")]):
        if not path.name.startswith(_STATE_BEGINNINGS):
            yield path


def _from_gguf(path: Path) -> Path:
    """Return a model folder made from a GGUF file, from the cache where it was made before: unpacking is slow."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache_folder() / "gguf" / digest[:32]
    if folder.is_dir():
        return folder
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "model"
        save_model(model, tokenizer, made)
        sync_tree(made)
        # Another process may have been faster; then its folder is as good.
        with contextlib.suppress(OSError):
            made.rename(folder)
    return folder


def cache_folder() -> Path:
    """Return where things are kept that can be made again: ``VIBETHINKER_CACHE``, or in the user's cache folder."""
    own = os.environ.get("VIBETHINKER_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vibethinker"


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, half: bool = False) -> None:
    """Write a model folder: safetensors, configuration, tokenizer and chat template; ``half`` writes float16."""
    if half:
        model = model.half()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
