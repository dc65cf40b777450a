"""Traces for a curriculum's second stage: long ones, of problems that a reference model mostly gets wrong.

Source: VibeThinker-3B, section 2.1.2: traces of at least 5K tokens of problems with an error rate of at least .75 over
8 rollouts of a reference model. Ours: a problem gets no more rollouts than decide it (``algos.hard_problems``), and
counts are kept in the user's cache, since they depend on nothing that a training is tuned by. A stage whose training
has begun goes on with the counts in its own folder, whatever became of the cache.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from vibethinker.algos.hard_problems import Standing, decision_points, standing
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.sft import HardConfig
from vibethinker.data.tables import read_rows, tests_place, write_table
from vibethinker.engines.models import cache_folder, model_digest
from vibethinker.engines.solve_counts import Count, draw_counts, fingerprints
from vibethinker.errors import InputError
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem, Trace

FILE = "hard.parquet"
"""Name of the table of counts in an sft stage's folder."""

_CACHE = "solve_counts"
_CACHED = pa.schema([("of", pa.string()), ("right", pa.int32()), ("judged", pa.int32()), ("drawn", pa.int32())])
_SHOWN = pa.schema(
    [
        ("problem_id", pa.string()),
        ("domain", pa.string()),
        ("standing", pa.string()),
        ("right", pa.int32()),
        ("judged", pa.int32()),
        ("drawn", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Drawn:
    """A problem's count and how many rollouts it is of; those that could not be judged are in neither number of it."""

    count: Count
    rollouts: int

    def standing(self, hard: HardConfig) -> Standing:
        """Return where the problem stands."""
        return standing(
            self.count.right,
            self.count.judged,
            hard.samples - self.rollouts,
            samples=hard.samples,
            min_error_rate=hard.min_error_rate,
        )


_NOTHING = Drawn(Count(0, 0), 0)
_DECIDED = ("hard", "solved")


@dataclass(frozen=True)
class HardTraces:
    """The traces kept, and numbers: of traces by what became of them, of problems by where they stand, of rollouts."""

    traces: list[Trace]
    metrics: dict[str, Any]


def keep_hard(
    stage_id: str,
    hard: HardConfig,
    context: StageContext,
    reference: str,
    tokenizer: PreTrainedTokenizerBase,
    traces: Sequence[Trace],
    problems: Sequence[Problem],
    judge: Judge,
) -> HardTraces:
    """Return the long traces of hard problems, and write the problems' counts to ``hard.parquet``.

    Counts of these problems that are there already, some of them of hard ones, are taken: a training may have begun.

    Args:
        stage_id: The stage's id.
        hard: What is long and what is hard.
        context: The stage's context.
        reference: Where the reference model lies.
        tokenizer: Of the model that is trained; traces are measured by it.
        traces: To choose from.
        problems: Those that the traces solve, with their answers.
        judge: Judges the rollouts.

    Raises:
        InputError: If no trace is long enough, a problem has no gold answer, or no trace remains.
        Interrupted: When the user asked to stop.
    """
    long = [
        trace
        for trace in traces
        if len(tokenizer.encode(trace.text, add_special_tokens=False)) >= hard.min_trace_tokens
    ]
    if not long:
        raise InputError(
            f'stage "{stage_id}": hard: none of {len(traces)} traces has min_trace_tokens={hard.min_trace_tokens} '
            f"tokens: lower it, or give longer traces"
        )
    by_id = {problem.id: problem for problem in problems}
    asked = list(dict.fromkeys(trace.problem_id for trace in long))
    if missing := sum(name not in by_id for name in asked):
        raise InputError(
            f'stage "{stage_id}": hard: {missing} of {len(asked)} problems have no gold answer to judge rollouts by: '
            f"run the data stage again, with a column of answers"
        )
    drawn = _shown(context.folder / FILE, asked, hard)
    if drawn is None:
        drawn = _draw(stage_id, hard, context, reference, [by_id[name] for name in asked], judge)
    standings = {name: found.standing(hard) for name, found in drawn.items()}
    _write_shown(context.folder / FILE, drawn, standings, by_id)
    kept = [trace for trace in long if standings[trace.problem_id] == "hard"]
    became = Counter(standings[trace.problem_id] for trace in long)
    metrics = {
        "traces": len(traces),
        "kept": len(kept),
        "too_short": len(traces) - len(long),
        "solved_too_often": became["solved"],
        "not_judged": became["unjudged"],
        "problems": len(asked),
        "hard_problems": sum(found == "hard" for found in standings.values()),
        "rollouts": sum(found.rollouts for found in drawn.values()),
    }
    if not kept:
        raise InputError(
            f'stage "{stage_id}": hard: no trace remains of {len(traces)}: {metrics["too_short"]} are shorter than '
            f"min_trace_tokens={hard.min_trace_tokens}, {became['solved']} are of problems solved too often for "
            f"min_error_rate={hard.min_error_rate:g}, {became['unjudged']} of problems that could not be judged: "
            f"lower a bound, or give harder problems"
        )
    return HardTraces(kept, metrics)


def _draw(
    stage_id: str, hard: HardConfig, context: StageContext, reference: str, problems: Sequence[Problem], judge: Judge
) -> dict[str, Drawn]:
    """Return every problem's count, from the cache or drawn in rounds until all are decided."""
    parts = [model_digest(reference), context.prompt, hard.temperature, hard.max_new_tokens, hard.samples]
    of = fingerprints(_with_tests_content(problems), parts)
    cache = _Cache(parts, context)
    drawn = {problem.id: cache.known.get(of[problem.id], _NOTHING) for problem in problems}
    # Under another bound a kept count may leave a problem open: then it is drawn anew. So is what could not be judged.
    drawn = {name: found if found.standing(hard) in _DECIDED else _NOTHING for name, found in drawn.items()}
    done = 0
    for point in decision_points(hard.samples, min_error_rate=hard.min_error_rate):
        still_open = [problem for problem in problems if drawn[problem.id].standing(hard) == "open"]
        counts = draw_counts(
            stage_id,
            reference,
            still_open,
            sampling=hard,
            samples=point - done,
            seed=derive_seed(context.seed, stage_id, "hard", point),
            judge=judge,
            context=context,
            kept_in=context.folder / f"hard_samples_{point}.parquet",
        )
        drawn |= {name: Drawn(drawn[name].count + count, point) for name, count in counts.items()}
        done = point
    # What could not be judged says nothing of the model: a sandbox may have been broken.
    cache.add({of[name]: found for name, found in drawn.items() if found.standing(hard) in _DECIDED})
    return drawn


class _Cache:
    """Counts of one model, template and sampling, kept over runs; losing it costs time alone."""

    def __init__(self, parts: Sequence[Any], context: StageContext) -> None:
        self.path = cache_folder() / _CACHE / f"{hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:32]}.parquet"
        self.context = context
        self.known = self._read()

    def _read(self) -> dict[str, Drawn]:
        try:
            rows = read_rows(self.path) if self.path.is_file() else []
            return {row["of"]: Drawn(Count(row["right"], row["judged"]), row["drawn"]) for row in rows}
        except (InputError, OSError, KeyError) as error:
            self.context.progress.warn(f"counts kept in {self.path} cannot be read, all are drawn: {error}")
            return {}

    def add(self, counts: dict[str, Drawn]) -> None:
        # Read again: another run may have added to it meanwhile.
        rows = [
            {"of": of, "right": found.count.right, "judged": found.count.judged, "drawn": found.rollouts}
            for of, found in (self._read() | counts).items()
        ]
        try:
            write_table(self.path, rows, _CACHED)
        except OSError as error:
            self.context.progress.warn(f"counts are not kept for other runs: {self.path}: {error.strerror}")


def _with_tests_content(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with what identifies their gold answers: of tests in a file of their own, its content."""
    digests: dict[str, str] = {}
    found = []
    for problem in problems:
        if (place := tests_place(problem.answer)) is not None:
            file, name = place
            if file not in digests:
                digests[file] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            problem = replace(problem, answer=f"{digests[file]} {name}")
        found.append(problem)
    return found


def _shown(path: Path, asked: Sequence[str], hard: HardConfig) -> dict[str, Drawn] | None:
    """Return the counts that the stage's own table holds; None unless they are of these problems, some of them hard.

    Without a hard problem there was no training, and what kept problems from being judged may have been mended.
    """
    rows = read_rows(path) if path.is_file() else []
    drawn = {row["problem_id"]: Drawn(Count(row["right"], row["judged"]), row["drawn"]) for row in rows}
    standings = {found.standing(hard) for found in drawn.values()}
    if list(drawn) != list(asked) or "hard" not in standings or "open" in standings:
        return None
    return drawn


def _write_shown(
    path: Path, drawn: dict[str, Drawn], standings: dict[str, Standing], problems: dict[str, Problem]
) -> None:
    rows = [
        {
            "problem_id": name,
            "domain": problems[name].domain,
            "standing": standings[name],
            "right": found.count.right,
            "judged": found.count.judged,
            "drawn": found.rollouts,
        }
        for name, found in drawn.items()
    ]
    write_table(path, rows, _SHOWN)
