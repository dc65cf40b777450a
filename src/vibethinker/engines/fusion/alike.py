"""Whether models can be fused: the same tensors, the same function of them, the same tokens.

Each check raises InputError at the first thing that differs, with both values and both models.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vibethinker.engines.fusion.parents import Parent, read_object
from vibethinker.engines.fusion.tensor_files import Tensor, content
from vibethinker.errors import InputError

FLOATS = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
"""Types whose numbers are fused, by the format's name and by torch's."""
_COPIED = frozenset("BOOL U8 I8 U16 I16 U32 I32 U64 I64".split())
# Weights of the output head and of the embedding, by the end of their names in Hugging Face's models.
_HEADS = ("lm_head.weight", "embed_out.weight")
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")
# Of a configuration: who made it and with what, how it is trained or run, which ids generation begins and ends with.
_WITHOUT_EFFECT = frozenset(
    "_name_or_path transformers_version architectures auto_map torch_dtype dtype use_cache initializer_range "
    "_attn_implementation attn_implementation _attn_implementation_autoset bos_token_id eos_token_id pad_token_id "
    "attention_dropout hidden_dropout resid_pdrop embd_pdrop attn_pdrop hidden_dropout_prob "
    "attention_probs_dropout_prob output_attentions output_hidden_states return_dict torchscript id2label label2id "
    "num_labels problem_type chunk_size_feed_forward use_return_dict".split()
)
_SPECIAL = ("bos_token", "eos_token", "unk_token")
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt")
_ABSENT = "nothing"
_SHOWN = 60


def check_tensors(models: Sequence[Parent], base: Parent | None) -> None:
    """Check that all hold the same tensors in the same shapes and types as the first; a base may be of another type.

    A head that is tied to the embedding need not be there; one that only others have is left out, for the result has
    what the first has. It must then be equal to the embedding.
    """
    first = models[0]
    others = [*models[1:], *([base] if base is not None else [])]
    for model in [first, *others]:
        _check_adapted_tie(model)
    for model in others:
        _settle_tied_head(first, model)
    for name, tensor in first.tensors.items():
        if tensor.dtype not in FLOATS and tensor.dtype not in _COPIED:
            raise InputError(
                f"tensor {name} is {tensor.dtype} in {first.reference}, which cannot be fused: "
                f"save the model in one of {', '.join(FLOATS)}"
            )
        for model in others:
            other = model.tensors.get(name)
            if other is None:
                raise _differ(f"{model.reference} has no tensor {name}, {first.reference} has")
            if other.shape != tensor.shape:
                raise _differ(
                    f"tensor {name} is {list(tensor.shape)} in {first.reference} and {list(other.shape)} in "
                    f"{model.reference}"
                )
            if other.dtype != tensor.dtype and not (model is base and {other.dtype, tensor.dtype} <= FLOATS.keys()):
                raise _differ(
                    f"tensor {name} is {tensor.dtype} in {first.reference} and {other.dtype} in {model.reference}: "
                    f"save them in one type"
                )
    for model in others:
        if more := [name for name in model.tensors if name not in first.tensors]:
            raise _differ(f"{first.reference} has no tensor {more[0]}, {model.reference} has")


def _differ(what: str) -> InputError:
    return InputError(f"models differ: {what}")


def head_and_embedding(model: Parent) -> tuple[Tensor | None, Tensor | None]:
    """Return the tensors of a model's output head and embedding, by their names."""
    found = [
        next((tensor for name, tensor in model.tensors.items() if name.endswith(ends)), None)
        for ends in (_HEADS, _EMBEDDINGS)
    ]
    return found[0], found[1]


def _check_adapted_tie(model: Parent) -> None:
    """Check that an adapter changes neither of two tensors that are one: the adapted model has two different ones."""
    adapter = model.adapter
    is_tied = model.is_tied or not any(name.endswith(_HEADS) for name in model.tensors)
    if adapter is None or not is_tied:
        return
    for name in model.tensors:
        if name.endswith((*_HEADS, *_EMBEDDINGS)) and adapter.changes(name):
            raise InputError(
                f"{model.reference} changes {name} alone, but its base's output head is its embedding: merge it with "
                f"peft first, and save the result with tie_word_embeddings false"
            )


def _settle_tied_head(first: Parent, model: Parent) -> None:
    """Make the other model's tensors those of the first where they differ by a tied head only."""
    (head, embedding), (other_head, other_embedding) = head_and_embedding(first), head_and_embedding(model)
    if not first.is_tied or not model.is_tied or (head is None) == (other_head is None):
        return
    if head is None and other_head is not None and other_embedding is not None:
        _check_tie(model, other_head, other_embedding)
        del model.tensors[other_head.name]
    if head is not None and embedding is not None and other_embedding is not None:
        _check_tie(first, head, embedding)
        model.tensors[head.name] = other_embedding


def _check_tie(model: Parent, head: Tensor, embedding: Tensor) -> None:
    if head.shape != embedding.shape or head.dtype != embedding.dtype or content(head) != content(embedding):
        raise _differ(
            f"{model.reference} says that its output head is its embedding, but {head.name} is not {embedding.name}"
        )


def check_configs(models: Sequence[Parent], base: Parent | None) -> None:
    """Check that the configurations make the same function of the same tensors.

    The base's need only be of the same kind of model: the result's configuration is the first model's.
    """
    first = models[0]
    for model in models[1:]:
        # Of different versions of transformers, they may say the same in different words.
        if _first_difference(first.config, model.config) is None:
            continue
        difference = _first_difference(_as_loaded(first), _as_loaded(model))
        if difference is not None:
            key, value, other = difference
            raise _differ(
                f"config.json has {key} {_brief(value)} in {first.reference} and {_brief(other)} in {model.reference}"
            )
    kinds = [model.config.get("model_type") for model in (first, base) if model is not None]
    if base is not None and len(set(kinds)) > 1:
        raise _differ(f"{first.reference} is a {kinds[0]} model, the base {base.reference} a {kinds[1]} model")


def _first_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    left, right = (dict(_leaves(config)) for config in (one, other))
    # The kind of model first, which decides what else there is.
    for key in dict.fromkeys(["model_type", *left, *right]):
        if left.get(key) != right.get(key):
            return key, left.get(key), right.get(key)
    return None


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what has an effect, by dotted key."""
    for key, value in config.items():
        if key in _WITHOUT_EFFECT:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _as_loaded(model: Parent) -> dict[str, Any]:
    """Return a configuration as transformers understands it, with its defaults; as it stands where it does not."""
    # Late: it takes seconds to import.
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    try:
        found: dict[str, Any] = AutoConfig.from_pretrained(model.weights_folder, trust_remote_code=False).to_dict()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StrictDataclassError):
        return model.config
    return found


def check_tokenizers(models: Sequence[Parent]) -> None:
    """Check that all models read the same tokens and are spoken to in the same way."""
    first = dict(_tokenizer_parts(models[0]))
    for model in models[1:]:
        for (part, value), (_, other) in zip(first.items(), _tokenizer_parts(model), strict=True):
            if value != other:
                raise _differ(
                    f"their {part} is not the same in {models[0].reference} ({_brief(value)}) and in "
                    f"{model.reference} ({_brief(other)}): fuse models with one tokenizer"
                )


def _tokenizer_parts(model: Parent) -> list[tuple[str, Any]]:
    """Return what makes a tokenizer, by what it is called."""
    # An adapter without a tokenizer of its own is used with its base's.
    own = (model.folder / "tokenizer_config.json").is_file() or (model.folder / "tokenizer.json").is_file()
    folder = model.folder if own else model.weights_folder
    config = _json_or_nothing(folder / "tokenizer_config.json")
    special = {**_json_or_nothing(folder / "special_tokens_map.json"), **config}
    vocabulary = dict(_json_or_nothing(folder / "tokenizer.json"))
    added = vocabulary.pop("added_tokens", None)
    for state in ("truncation", "padding"):
        vocabulary.pop(state, None)
    parts: list[tuple[str, Any]] = [(f"special token {name}", _token(special.get(name))) for name in _SPECIAL]
    parts.append(("list of added tokens", added))
    parts.append(("chat template", _chat_template(folder, config)))
    if vocabulary:
        parts.append(("tokenizer.json", vocabulary))
    else:
        parts.append(("tokenizer.json", None))
    # Slow tokenizers' files say the same again where there is a tokenizer.json.
    other = _VOCABULARIES[1:] if not vocabulary else ()
    found = [(name, (folder / name).read_bytes()) for name in other if (folder / name).is_file()]
    parts.append(("vocabulary", found or None))
    return parts


def _json_or_nothing(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _token(value: object) -> object:
    """Return a special token's text: it may stand alone or with its properties."""
    return value.get("content") if isinstance(value, Mapping) else value


def _chat_template(folder: Path, config: Mapping[str, Any]) -> object:
    file = folder / "chat_template.jinja"
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else config.get("chat_template")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {file}: {error}") from error


def _brief(value: object) -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, str | int | float | bool):
        text = str(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    content = hashlib.sha256(repr(value).encode()).hexdigest()[:8]
    text = repr(value)
    return text if len(text) <= _SHOWN else f"content {content}"
