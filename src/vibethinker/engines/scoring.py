"""Responses of a model to problems, judged: the rows that probing, validation and evaluation count from.

Rows are kept in a Parquet file as soon as a model is through, so that an interrupted comparison of several models
goes on with the next one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vibethinker.algos.ways import way_of
from vibethinker.configs.common import SamplingConfig
from vibethinker.data.tables import write_table
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import ModelSampler
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem

SAMPLE_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("problem_id", pa.string()),
        ("domain", pa.string()),
        ("level", pa.int32()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("text", pa.string()),
        ("correct", pa.bool_()),
        ("status", pa.string()),
        ("way", pa.string()),
        ("length", pa.int32()),
        ("truncated", pa.bool_()),
    ]
)


def score_model(
    name: str,
    reference: str,
    problems: Sequence[Problem],
    *,
    sampling: SamplingConfig,
    samples: int,
    seed: int,
    judge: Judge,
    context: StageContext,
    kept_in: Path,
) -> list[dict[str, Any]]:
    """Draw and judge ``samples`` responses to every problem; one row per response, see ``SAMPLE_SCHEMA``.

    Rows that ``kept_in`` already holds are taken from there. Progress counts responses.

    Raises:
        Interrupted: When the user asked to stop; this model's rows are then drawn anew next time.
    """
    if kept_in.is_file():
        rows: list[dict[str, Any]] = pq.read_table(kept_in).to_pylist()
        context.progress.advance(len(rows))
        return rows
    model, tokenizer = load_model(reference)
    sampler = ModelSampler(
        model,
        tokenizer,
        prompt=context.prompt,
        sampling=sampling,
        numerics=context.numerics,
        on_batch=lambda count: context.progress.advance(count, note=name),
    )
    responses = sampler.sample([problem.question for problem in problems], samples=samples, seed=seed)
    pairs = [(problem, sample) for problem, drawn in zip(problems, responses, strict=True) for sample in drawn]
    verdicts = judge(
        [problem.kind for problem, _ in pairs],
        [problem.answer for problem, _ in pairs],
        [sample.text for _, sample in pairs],
    )
    rows = [
        {
            "model": name,
            "problem_id": problem.id,
            "domain": problem.domain,
            "level": problem.level,
            "question": problem.question,
            "gold": problem.answer,
            "text": sample.text,
            "correct": verdict.correct,
            "status": verdict.status,
            "way": way_of(sample.text),
            "length": sample.length_tokens,
            "truncated": sample.truncated,
        }
        for (problem, sample), verdict in zip(pairs, verdicts, strict=True)
    ]
    write_table(kept_in, rows, SAMPLE_SCHEMA)
    return rows


def score_models(
    references: Mapping[str, str],
    problems: Sequence[Problem],
    *,
    sampling: SamplingConfig,
    samples: int,
    seed: int,
    judge: Judge,
    context: StageContext,
) -> dict[str, list[dict[str, Any]]]:
    """Score several models on the same problems with the same seed, and write all rows to ``samples.parquet``."""
    context.progress.start(len(references) * len(problems) * samples, unit="responses")
    folder = context.folder / "samples"
    found = {}
    for number, (name, reference) in enumerate(references.items()):
        found[name] = score_model(
            name,
            reference,
            problems,
            sampling=sampling,
            samples=samples,
            seed=seed,
            judge=judge,
            context=context,
            kept_in=folder / f"{number:03d}.parquet",
        )
    write_table(context.folder / "samples.parquet", [row for rows in found.values() for row in rows], SAMPLE_SCHEMA)
    for part in folder.glob("*.parquet"):
        part.unlink()
    folder.rmdir()
    return found
