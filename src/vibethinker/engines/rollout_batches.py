"""Batches of rollouts as tensors: joining, leaving out what has no gradient, cutting into micro-batches.

A batch is the dictionary that TRL's GRPOTrainer makes of a generation: prompts padded on the left, completions on the
right, one row per rollout, and numbers that are of the batch as a whole. None of what is done here changes the
gradient beyond rounding.
"""

from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import gather

Batch = dict[str, Any]

SHARE = "share"
"""Key of a micro-batch: what its loss is multiplied by, since a mean over fewer rows weighs each of them more."""


def is_per_rollout(value: Any, rows: int) -> bool:  # noqa: ANN401
    """Say whether a batch's entry has one row per rollout."""
    return isinstance(value, torch.Tensor) and value.ndim > 0 and len(value) == rows


def take_rows(batch: Batch, rows: torch.Tensor) -> Batch:
    """Return the batch with the given rows only, in their order."""
    size = len(batch["completion_ids"])
    return {key: value[rows] if is_per_rollout(value, size) else value for key, value in batch.items()}


def join_batches(parts: Sequence[Batch], *, pad: int) -> Batch:
    """Return one batch of the rows of all, padded to the longest; numbers of the whole are those of the first."""
    joined = dict(parts[0])
    for key, first in parts[0].items():
        if not is_per_rollout(first, len(parts[0]["completion_ids"])):
            continue
        values = [part[key] for part in parts]
        if first.ndim == 2:
            width = max(value.shape[1] for value in values)
            filler = pad if key.endswith("_ids") else 0
            left = key.startswith("prompt")
            values = [
                torch.nn.functional.pad(
                    value, (width - value.shape[1], 0) if left else (0, width - value.shape[1]), value=filler
                )
                for value in values
            ]
        joined[key] = torch.cat(values)
    return joined


def rows_with_gradient(batch: Batch, *, at_least: int) -> torch.Tensor:
    """Return the rows whose advantage is not 0 and of which a token counts, in order.

    Where these are fewer than ``at_least``, the shortest of the others make up for it: every micro-batch on every
    process needs a row to pass through the model.
    """
    lengths = batch["completion_mask"].sum(dim=1)
    signal = (batch["advantages"] != 0) & (lengths > 0)
    missing = at_least - int(signal.sum())
    if missing > 0:
        others = (~signal).nonzero()[:, 0]
        signal[others[lengths[others].argsort(stable=True)[:missing]]] = True
    return signal.nonzero()[:, 0]


def micro_batches(batch: Batch, *, count: int, skip: bool) -> list[Batch]:
    """Return ``count`` micro-batches of like length without needless padding; to be called by all processes.

    Args:
        batch: The rollouts of one process.
        count: Micro-batches; no more than there are rollouts.
        skip: Leave out the rollouts without a gradient, as far as all processes keep as many.
    """
    size = len(batch["completion_ids"])
    rows = torch.arange(size, device=batch["advantages"].device)
    if skip:
        kept = rows_with_gradient(batch, at_least=count)
        # TRL gathers numbers that there are one of per row, which fails or hangs where processes have unlike many; and
        # they wait for the one that has most in any case.
        most = int(gather(torch.tensor([len(kept)], device=rows.device)).max())
        rows = rows_with_gradient(batch, at_least=most)
    lengths = batch["completion_mask"][rows].sum(dim=1)
    rows = rows[lengths.argsort(stable=True)]
    parts = torch.tensor_split(rows, count)
    return [{**cut_padding(take_rows(batch, part)), SHARE: len(part) * count / size} for part in parts]


def cut_padding(batch: Batch) -> Batch:
    """Drop the columns that are padding in every row: on the left of prompts, on the right of completions."""
    first = int(batch["prompt_mask"].any(dim=0).int().argmax())
    longest = max(int(batch["completion_mask"].sum(dim=1).max()), 1)
    cut = dict(batch)
    for key in ("prompt_ids", "prompt_mask"):
        cut[key] = batch[key][:, first:]
    width = batch["completion_ids"].shape[1]
    for key, value in batch.items():
        if (
            isinstance(value, torch.Tensor)
            and value.ndim == 2
            and value.shape[1] == width
            and not key.startswith("prompt")
        ):
            cut[key] = value[:, :longest]
    return cut
