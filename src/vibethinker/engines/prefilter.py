"""Prompts that a stage can learn from: they fit the window, and the starting model solves them sometimes.

Source: VibeThinker-1.5B, section 3.4, and VibeThinker-3B, section 2.2.1: before each stage, prompts whose accuracy
under its starting checkpoint is exactly 0 or 1 are left out. Ours: samples are drawn in two rounds, since a prompt
that was solved sometimes in the first stays whatever comes; and the counts say of what model, template and sampling
they are, so that another stage can take them over.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.common import SamplingConfig
from vibethinker.configs.prompts import PrefilterConfig
from vibethinker.configs.rl import RlConfig
from vibethinker.data.tables import write_table
from vibethinker.engines.model_parts import load_tokenizer, window_tokens
from vibethinker.engines.models import model_digest
from vibethinker.engines.sampler import render_prompt
from vibethinker.engines.solve_counts import Count, draw_counts, fingerprints, known_counts
from vibethinker.errors import InputError
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem

FILE = "prefilter.parquet"
"""Name of the table of counts in an rl stage's folder."""

_SCHEMA = pa.schema([("prompt_id", pa.string()), ("correct", pa.int32()), ("samples", pa.int32()), ("of", pa.string())])


def drop_long_prompts(
    config: RlConfig, context: StageContext, reference: str, problems: Sequence[Problem]
) -> tuple[list[Problem], int]:
    """Return the problems whose prompts fit the window, and how many do not.

    Raises:
        InputError: If a larger share does not than the stage allows.
    """
    window, limit = window_tokens(reference), config.max_prompt_tokens
    if limit is None:
        limit = window - config.max_new_tokens
        if limit < 1:
            raise InputError(
                f'stage "{config.id}": max_new_tokens={config.max_new_tokens} leaves no room for a prompt in '
                f"the model's window of {window} tokens: lower it"
            )
    elif limit + config.max_new_tokens > window:
        # No error: training on longer and longer texts is how a window is stretched.
        context.progress.warn(
            f"max_prompt_tokens + max_new_tokens = {limit + config.max_new_tokens} is beyond the model's window of "
            f"{window} tokens: lower one, or raise max_position_embeddings in the model's config.json"
        )
    tokenizer = load_tokenizer(reference)
    texts = [render_prompt(tokenizer, context.prompt, problem.question) for problem in problems]
    lengths = [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    kept = [problem for problem, length in zip(problems, lengths, strict=True) if length <= limit]
    dropped = len(problems) - len(kept)
    if dropped > config.max_dropped_share * len(problems):
        raise InputError(
            f'stage "{config.id}": {dropped} of {len(problems)} prompts are longer than {limit} tokens (the longest '
            f"has {max(lengths)}), allowed is a share of max_dropped_share={config.max_dropped_share}: raise "
            f"max_prompt_tokens, lower max_new_tokens, or allow more"
        )
    return kept, dropped


def count_right(
    config: RlConfig,
    prefilter: PrefilterConfig,
    context: StageContext,
    reference: str,
    problems: Sequence[Problem],
    judge: Judge,
) -> dict[str, Count]:
    """Return every problem's count under the starting model, and write them to ``prefilter.parquet``.

    Counts that are there already are taken, from an interrupted run of the stage or from the stage that ``counts_from``
    names, as far as they are of the same model, template and sampling.

    Raises:
        InputError: If no response to any problem could be judged.
    """
    path = context.folder / FILE
    of = _fingerprints(config, prefilter, context, reference, problems)
    known = known_counts(path, of)
    if prefilter.counts_from is not None:
        taken = known_counts(context.inputs[prefilter.counts_from] / FILE, of)
        if not taken:
            context.progress.warn(
                f'prefilter.counts_from="{prefilter.counts_from}" has no count of the same model, template, sampling '
                f"and prompts: all are drawn"
            )
        known = taken | known
    rest = [problem for problem in problems if problem.id not in known]
    first = min(prefilter.first, prefilter.samples)
    drawn = _draw(config, prefilter, context, reference, rest, judge, samples=first, number=1)
    undecided = [problem for problem in rest if not drawn[problem.id].mixed]
    if prefilter.samples > first and undecided:
        again = _draw(
            config, prefilter, context, reference, undecided, judge, samples=prefilter.samples - first, number=2
        )
        drawn |= {name: drawn[name] + count for name, count in again.items()}
    counts = {problem.id: known.get(problem.id) or drawn[problem.id] for problem in problems}
    if not any(count.judged for count in counts.values()):
        raise InputError(
            f'stage "{config.id}": none of the responses to {len(problems)} prompts could be judged: check the kind '
            f"and reference answers of the problems (vibethinker verify), for code the sandbox too (vibethinker doctor)"
        )
    rows = [
        {"prompt_id": name, "correct": count.right, "samples": count.judged, "of": of[name]}
        for name, count in counts.items()
    ]
    write_table(path, rows, _SCHEMA)
    return counts


def _draw(
    config: RlConfig,
    prefilter: PrefilterConfig,
    context: StageContext,
    reference: str,
    problems: Sequence[Problem],
    judge: Judge,
    *,
    samples: int,
    number: int,
) -> dict[str, Count]:
    return draw_counts(
        config.id,
        reference,
        problems,
        sampling=SamplingConfig(
            temperature=config.temperature, max_new_tokens=config.max_new_tokens, batch_size=prefilter.batch_size
        ),
        samples=samples,
        seed=derive_seed(context.seed, config.id, "prefilter", number),
        judge=judge,
        context=context,
        kept_in=context.folder / f"prefilter_samples_{number}.parquet",
    )


def _fingerprints(
    config: RlConfig, prefilter: PrefilterConfig, context: StageContext, reference: str, problems: Sequence[Problem]
) -> dict[str, str]:
    parts: list[Any] = [
        model_digest(reference),
        context.prompt,
        config.temperature,
        config.max_new_tokens,
        prefilter.first,
        prefilter.samples,
    ]
    return fingerprints(problems, parts)


Counts = Mapping[str, Count]
