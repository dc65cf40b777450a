"""How often a model solves problems, and of what such a count is: the model, its prompt, the sampling, the problem.

Shared by the filter before reinforcement learning and by the choice of hard problems. Rows of a draw are kept in a
file, so that a stage that was interrupted between two draws takes the first from there. What could not be judged of
them is judged again: a sandbox may have been mended since.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from vibethinker.configs.common import SamplingConfig
from vibethinker.data.tables import read_rows, write_table
from vibethinker.engines.scoring import SAMPLE_SCHEMA, Row, score_model
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem


@dataclass(frozen=True)
class Count:
    """How often a model solved a problem, among the samples that could be judged."""

    right: int
    judged: int

    @property
    def mixed(self) -> bool:
        """Whether it solved it sometimes."""
        return 0 < self.right < self.judged

    def __add__(self, other: "Count") -> "Count":
        """Return the count of both draws."""
        return Count(self.right + other.right, self.judged + other.judged)


def draw_counts(
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
) -> dict[str, Count]:
    """Return by problem how many of ``samples`` responses were right and how many judged; see ``score_model``.

    Raises:
        Interrupted: When the user asked to stop.
    """
    if not problems:
        return {}
    context.progress.start(len(problems) * samples, unit="responses")
    if kept_in.is_file() and set(_problem_ids(kept_in)) != {problem.id for problem in problems}:
        # Of a time when other problems were undecided: what is known elsewhere may have changed since.
        kept_in.unlink()
    # Parts of it, too, are of an earlier attempt.
    begun = kept_in.is_file() or kept_in.with_suffix(".parts").is_dir()
    rows = score_model(
        name,
        reference,
        problems,
        sampling=sampling,
        samples=samples,
        seed=seed,
        judge=judge,
        context=context,
        kept_in=kept_in,
    )
    if begun and _judge_again(rows, problems, judge):
        write_table(kept_in, rows, SAMPLE_SCHEMA)
    verdicts: dict[str, list[bool]] = {problem.id: [] for problem in problems}
    for row in rows:
        if row["correct"] is not None:
            verdicts[row["problem_id"]].append(row["correct"])
    return {name: Count(sum(found), len(found)) for name, found in verdicts.items()}


def _judge_again(rows: Sequence[Row], problems: Sequence[Problem], judge: Judge) -> int:
    """Judge once more what could not be judged; return how much of it could be now."""
    open_rows = [row for row in rows if row["correct"] is None]
    by_id = {problem.id: problem for problem in problems}
    asked = [by_id[row["problem_id"]] for row in open_rows]
    verdicts = judge(
        [problem.kind for problem in asked],
        [problem.answer for problem in asked],
        [row["text"] for row in open_rows],
    )
    for row, verdict in zip(open_rows, verdicts, strict=True):
        row.update(extracted=verdict.extracted, correct=verdict.correct, status=verdict.status)
    return sum(row["correct"] is not None for row in open_rows)


def _problem_ids(path: Path) -> list[str]:
    ids: list[str] = pq.read_table(path, columns=["problem_id"])["problem_id"].to_pylist()
    return ids


def fingerprints(problems: Sequence[Problem], parts: Sequence[Any]) -> dict[str, str]:
    """Return by problem a hash of what its count depends on; ``parts`` are what is the same for all.

    Not of the seed: another draw is as good a count. Of the question too: an id may be another question's elsewhere.
    """
    return {
        problem.id: hashlib.sha256(repr([*parts, problem.question, problem.answer, problem.kind]).encode()).hexdigest()
        for problem in problems
    }


def known_counts(path: Path, of: Mapping[str, str]) -> dict[str, Count]:
    """Return the counts in a table that are of the given kinds; none where there is no table."""
    if not path.is_file():
        return {}
    return {
        row["prompt_id"]: Count(row["correct"], row["samples"])
        for row in read_rows(path)
        if row["of"] == of.get(row["prompt_id"])
    }
