"""Models and tokenizers: loading whatever ``configs.model_places`` finds, and saving."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from vibethinker.configs.model_places import locate
from vibethinker.errors import InputError

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()


def load_model(reference: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a model in float32 and its tokenizer, with a padding token.

    Raises:
        InputError: If there is no such model or it cannot be read; code that a model folder ships is never run.
    """
    place = locate(reference)
    try:
        if isinstance(place, Path) and place.suffix == ".gguf":
            model, tokenizer = _load_gguf(place)
        else:
            model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot load model {reference}: {str(error).strip().splitlines()[0]}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _load_gguf(path: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return model, tokenizer


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, half: bool = False) -> None:
    """Write a model folder: safetensors, configuration, tokenizer and chat template; ``half`` writes float16."""
    if half:
        model = model.half()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
