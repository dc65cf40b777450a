"""Rows of several traces that do not see one another.

Source: VibeThinker-3B, section 2.1.2, trains with sequence packing and does not say how. Here rows are filled by TRL's
best-fit decreasing; positions begin anew with every trace, and attention is computed trace by trace, so that a packed
trace computes what it computes alone. The rows of a micro-batch lie end to end as one, without padding. A mask over
such a row would cost its length squared.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from peft import PeftModel
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from vibethinker.engines.adapters import MERGE_TOLERANCE, exactly
from vibethinker.errors import InputError

# One progress bar is enough, and it is ours.
disable_progress_bars()

ATTENTION = "vibethinker_packed"
"""Name of the attention that is computed trace by trace, among those of transformers."""

# Attention of which ours is the same, computed trace by trace.
_REPLACED = ("sdpa", "eager")


def pack(dataset: Dataset, *, length: int) -> Dataset:
    """Return rows of at most ``length`` tokens, each of whole traces, with the traces' lengths as ``seq_lengths``.

    Every trace is in exactly one row. The same traces give the same rows.
    """
    # TRL packs each batch of a map by itself: all traces are one.
    return pack_dataset(dataset, length, strategy="bfd", map_kwargs={"batch_size": len(dataset)})


def packed_collator(pad: int) -> DataCollatorForLanguageModeling:
    """Return what lays packed rows end to end; no trace's first token is a label, so that none predicts another."""
    return DataCollatorForLanguageModeling(pad_token_id=pad, padding_free=True)


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001 - transformers' signature
    cu_seq_lens_q: torch.Tensor | None = None,
    **options: Any,  # noqa: ANN401
) -> tuple[torch.Tensor, None]:
    """Compute causal attention of every trace of one row by itself.

    Args:
        module: The attention layer.
        query: (1, heads, tokens, size); ``key`` and ``value`` alike, of as many heads or fewer.
        key: See ``query``.
        value: See ``query``.
        attention_mask: None; there is no padding.
        cu_seq_lens_q: Where traces begin, and the number of tokens.
        options: What transformers hands to every attention.

    Returns:
        (1, tokens, heads, size), and no attention weights.

    Raises:
        ValueError: If the traces' lengths are not given.
    """
    if cu_seq_lens_q is None or len(query) != 1:
        raise ValueError(f"packed attention needs one row and cu_seq_lens_q, got {len(query)} rows")
    lengths = cu_seq_lens_q.diff().tolist()
    pieces = [
        sdpa_attention_forward(module, *parts, None, **{**options, "is_causal": True})[0]
        for parts in zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True)
    ]
    return torch.cat(pieces, dim=1), None


AttentionInterface.register(ATTENTION, packed_attention)


def attend_within_traces(model: PreTrainedModel, traces: Sequence[Sequence[int]]) -> None:
    """Let a model compute attention trace by trace, and check on some traces that none of them sees another.

    Args:
        model: The model; under an adapter, the base.
        traces: Token ids of two traces or more.

    Raises:
        InputError: If the model's kind cannot be packed, or the check fails.
    """
    name = type(model).__name__
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise InputError(f"packing: {name} has layers of {', '.join(sorted(kinds))}; need full attention: set it false")
    implementation = model.config._attn_implementation
    if implementation not in _REPLACED:
        raise InputError(f"packing: attention {implementation} of {name} is unknown: set it false")
    alone = [_logits(model, {"input_ids": torch.tensor([list(trace)])}) for trace in traces]
    try:
        model.set_attn_implementation(ATTENTION)
    except ValueError as error:
        raise InputError(f"packing: attention of {name} cannot be set: {error}; set it false") from error
    rows = [{"input_ids": list(trace), "seq_lengths": [len(trace)]} for trace in traces]
    batch = packed_collator(pad=0)(rows)
    del batch["labels"], batch["seq_idx"]
    expected, found = torch.cat(alone, dim=1), _logits(model, batch)
    difference, scale = float((found - expected).abs().max()), float(expected.abs().max())
    if not difference <= MERGE_TOLERANCE * scale:
        raise InputError(
            f"packing: packed traces of {name} compute other logits than alone (by {difference:.2g} of {scale:.2g}), "
            f"so that they see one another: set it false"
        )


@contextmanager
def whole_rows(model: PreTrainedModel | PeftModel) -> Iterator[None]:
    """Let a model that attends within traces attend to whole rows for a while, as sampling needs it."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    packed = base.config._attn_implementation == ATTENTION
    if packed:
        base.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        if packed:
            base.set_attn_implementation(ATTENTION)


@torch.no_grad()  # type: ignore[untyped-decorator]
def _logits(model: PreTrainedModel, batch: dict[str, Any]) -> torch.Tensor:
    inputs = {key: value.to(model.device) if isinstance(value, torch.Tensor) else value for key, value in batch.items()}
    # In the layers' own type rounding alone would differ by more than is allowed.
    with exactly(model):
        logits: torch.Tensor = model(**inputs, use_cache=False).logits
    return logits
