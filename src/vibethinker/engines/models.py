"""Models and tokenizers: loading whatever ``configs.model_places`` finds, and saving."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from vibethinker.configs.model_places import ADAPTER_CONFIG, adapter_base, is_adapter, locate
from vibethinker.errors import InputError
from vibethinker.files import sync_tree

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()


def load_model(reference: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a model in float32 and its tokenizer, with a padding token; of an adapter's folder, merged into its base.

    Raises:
        InputError: If there is no such model or it cannot be read; code that a model folder ships is never run.
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

    base, tokenizer = load_model(adapter_base(folder))
    try:
        merged = merge_adapter(PeftModel.from_pretrained(base, folder, adapter_name=ADAPTER))
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot load adapter {folder}: {str(error).strip().splitlines()[0]}") from error
    return merged, tokenizer


def model_digest(reference: str) -> str:
    """Return a hash of a model's weights, the same wherever its folder lies; of a hub id, the id."""
    place = locate(reference)
    if isinstance(place, str):
        return place
    digest = hashlib.sha256()
    if place.is_dir() and is_adapter(place):
        digest.update((place / ADAPTER_CONFIG).read_bytes())
        digest.update(model_digest(adapter_base(place)).encode())
    weights = sorted([*place.glob("*.safetensors"), *place.glob("*.bin")]) if place.is_dir() else [place]
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


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
