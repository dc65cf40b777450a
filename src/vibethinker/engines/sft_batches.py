"""Traces as tokens, and the order in which a run takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from vibethinker.algos.seeds import derive_seed
from vibethinker.engines.planned_order import planned_order
from vibethinker.engines.sampler import render_prompt
from vibethinker.records import Trace

IGNORED = -100
"""The label of a token that is not learned."""


@dataclass(frozen=True)
class Encoded:
    """Traces as a dataset of ``input_ids`` and ``labels``, their lengths, and how many were longer than allowed."""

    dataset: Dataset
    lengths: list[int]
    dropped: int


def encode_traces(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], *, prompt: str, max_length: int
) -> Encoded:
    """Return the traces of at most ``max_length`` tokens, prompt and end token included, in the order given.

    Labels are -100 but on the assistant's tokens, its end token included.
    """
    rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    dropped = 0
    for trace in traces:
        before = tokenizer.encode(render_prompt(tokenizer, prompt, trace.question), add_special_tokens=False)
        after = [*tokenizer.encode(trace.text, add_special_tokens=False), tokenizer.eos_token_id]
        if len(before) + len(after) > max_length:
            dropped += 1
            continue
        rows["input_ids"].append(before + after)
        rows["labels"].append([IGNORED] * len(before) + after)
    return Encoded(Dataset.from_dict(rows), list(map(len, rows["input_ids"])), dropped)


def whole_passes(size: int, *, count: int, seed: int) -> list[int]:
    """Return ``count`` row numbers: pass after pass over all rows, each in an order of its own.

    Unlike ``planned_order`` it leaves no row of a pass out; a batch across two passes may hold a row twice.
    """
    order: list[int] = []
    for which in range(-(-count // size)):
        rows = list(range(size))
        Random(derive_seed(seed, "pass", which)).shuffle(rows)  # noqa: S311 - not for cryptography
        order += rows
    return list(islice(order, count))


def rows_in_order(
    lengths: Sequence[int], *, batch: int, micro_batch: int, steps: int, by_passes: bool, seed: int
) -> list[int]:
    """Return the rows of every step end to end.

    Within a step rows are sorted by length, longest first, where it has several micro-batches: these are then of like
    length, with little padding and equal work for all processes. The step's gradient is the same in any order.

    Args:
        lengths: Of the rows, in tokens.
        batch: Rows a step.
        micro_batch: Rows of one forward pass of one process.
        steps: Steps.
        by_passes: Whole passes (``whole_passes``), or batches of different rows (``planned_order``).
        seed: Of the run.

    Raises:
        ValueError: If there are fewer rows than a batch takes and whole passes are not asked for.
    """
    if by_passes:
        order = whole_passes(len(lengths), count=steps * batch, seed=seed)
    else:
        order = planned_order(len(lengths), batch=batch, batches=steps, seed=seed)
    if micro_batch == batch:
        return order
    return [
        row
        for start in range(0, len(order), batch)
        for row in sorted(order[start : start + batch], key=lengths.__getitem__, reverse=True)
    ]
