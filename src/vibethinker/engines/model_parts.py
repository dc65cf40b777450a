"""What a model brings besides its weights, found without loading them: its tokenizer and its window."""

from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from vibethinker.configs.model_places import adapter_base, is_adapter, locate
from vibethinker.errors import InputError


def load_tokenizer(reference: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer that ``load_model`` gives, with a padding token; of an adapter's folder, its base's.

    Raises:
        InputError: If there is no such model or its tokenizer cannot be read; code that it ships is never run.
    """
    place, options = _source(reference)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False, **options)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot load tokenizer of {reference}: {str(error).strip().splitlines()[0]}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def window_tokens(reference: str) -> int:
    """Return how many tokens a model was made for; of an adapter's folder, its base.

    Raises:
        InputError: If there is no such model or its configuration cannot be read.
    """
    place, options = _source(reference)
    try:
        config = AutoConfig.from_pretrained(place, trust_remote_code=False, **options)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot load configuration of {reference}: {str(error).strip().splitlines()[0]}") from error
    # Of a model of several parts, the language model's.
    return int(config.get_text_config().max_position_embeddings)


def _source(reference: str) -> tuple[Path | str, dict[str, str]]:
    """Return where transformers finds configuration and tokenizer, and what it must be told besides."""
    place = locate(reference)
    if isinstance(place, Path) and is_adapter(place):
        place = locate(adapter_base(place))
    if isinstance(place, Path) and place.suffix == ".gguf":
        return place.parent, {"gguf_file": place.name}
    return place, {}
