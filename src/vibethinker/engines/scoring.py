"""Responses of a model to problems, judged: the rows that probing, validation and evaluation count from.

Batches of prompts of like length are drawn one after the other; while one is drawn the one before is judged and its
rows are kept as a Parquet file of their own. However a scoring ends, the next one goes on after its last whole batch,
and since every prompt draws from a generator of its own, it comes to the same rows.
"""

import gc
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from vibethinker.algos.seeds import derive_seed
from vibethinker.algos.ways import way_of
from vibethinker.configs.common import SamplingConfig
from vibethinker.data.stage_files import SAMPLES_FILE
from vibethinker.data.tables import write_table
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import ModelSampler, render_prompt
from vibethinker.errors import Interrupted
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem, Sample, Verdict

SAMPLE_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("problem_id", pa.string()),
        ("domain", pa.string()),
        ("level", pa.int32()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("draw", pa.int32()),
        ("text", pa.string()),
        ("extracted", pa.string()),
        ("correct", pa.bool_()),
        ("status", pa.string()),
        ("way", pa.string()),
        ("length", pa.int32()),
        ("truncated", pa.bool_()),
    ]
)
"""``draw`` numbers a problem's responses from 0; ``extracted`` is the answer that the verifier found, or null."""

_WAITING = 2
"""Drawn batches that may wait for the verifier; then the sampling waits for it. Ours: they are small."""

Row = dict[str, Any]


class ModelScorer:
    """Scores one model, which is loaded when the first response is needed; a context manager that frees it."""

    def __init__(
        self, name: str, reference: str, *, sampling: SamplingConfig, judge: Judge, context: StageContext
    ) -> None:
        """Prepare for the model that ``reference`` leads to; rows call it ``name``."""
        self.name = name
        self.reference = reference
        self.sampling = sampling
        self.judge = judge
        self.context = context
        self._sampler: ModelSampler | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler = None
            # Modules refer to one another in circles: without this two models would be in memory for a while.
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def score(
        self, problems: Sequence[Problem], *, samples: int, seed: int, kept_in: Path, first_draw: int = 0
    ) -> list[Row]:
        """Draw and judge ``samples`` responses to every problem; one row per response, see ``SAMPLE_SCHEMA``.

        Rows that ``kept_in``, or a part of it beside it, already holds are taken from there. Progress counts responses.

        Args:
            problems: Any number of them.
            samples: Responses to each.
            seed: Decides, with question and ``first_draw``, what is drawn.
            kept_in: The Parquet file that the rows are kept in.
            first_draw: How many responses each has already had; another number draws other responses.

        Raises:
            Interrupted: When the user asked to stop; whole batches are kept.
        """
        parts = kept_in.with_suffix(".parts")
        if kept_in.is_file():
            shutil.rmtree(parts, ignore_errors=True)
            rows: list[Row] = pq.read_table(kept_in).to_pylist()
            self.context.progress.advance(len(rows))
            return rows
        drawn_by = derive_seed(seed, "after", first_draw) if first_draw else seed
        batches = self._batches(problems, samples)
        paths = [parts / f"{number:06d}.parquet" for number in range(len(batches))]
        with _judging() as waiting:
            for path, batch in zip(paths, batches, strict=True):
                asked = [problems[place] for place in batch]
                if not _holds(path, asked, samples):
                    drawn = self._loaded().sample(
                        [problem.question for problem in asked], samples=samples, seed=drawn_by
                    )
                    waiting.put(self._keep, path, asked, drawn, first_draw)
                self.context.progress.advance(len(batch) * samples, note=self.name)
        found: dict[int, list[Row]] = {}
        for path, batch in zip(paths, batches, strict=True):
            kept = pq.read_table(path).to_pylist()
            found |= {place: kept[number * samples : (number + 1) * samples] for number, place in enumerate(batch)}
        rows = [row for place in range(len(problems)) for row in found[place]]
        write_table(kept_in, rows, SAMPLE_SCHEMA)
        shutil.rmtree(parts, ignore_errors=True)
        return rows

    def _loaded(self) -> ModelSampler:
        if self._sampler is None:
            model, tokenizer = load_model(self.reference)
            self._sampler = ModelSampler(
                model,
                tokenizer,
                prompt=self.context.prompt,
                sampling=self.sampling,
                numerics=self.context.numerics,
            )
        return self._sampler

    def _batches(self, problems: Sequence[Problem], samples: int) -> list[list[int]]:
        """Return the places of the problems by batch, prompts of like length together: less padding."""
        tokenizer = self._loaded().tokenizer
        lengths = [
            len(
                tokenizer.encode(
                    render_prompt(tokenizer, self.context.prompt, problem.question), add_special_tokens=False
                )
            )
            for problem in problems
        ]
        order = sorted(range(len(problems)), key=lengths.__getitem__)
        size = max(1, self.sampling.batch_size // samples)
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _keep(
        self, path: Path, problems: Sequence[Problem], drawn: Sequence[Sequence[Sample]], first_draw: int
    ) -> None:
        """Judge a batch and write its rows."""
        triples = [
            (problem, draw, sample)
            for problem, samples in zip(problems, drawn, strict=True)
            for draw, sample in enumerate(samples, start=first_draw)
        ]
        verdicts = self.judge(
            [problem.kind for problem, _, _ in triples],
            [problem.answer for problem, _, _ in triples],
            [sample.text for _, _, sample in triples],
        )
        rows = [_row(self.name, *triple, verdict) for triple, verdict in zip(triples, verdicts, strict=True)]
        write_table(path, rows, SAMPLE_SCHEMA)


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
    first_draw: int = 0,
) -> list[Row]:
    """Score one model once, see ``ModelScorer.score``.

    Raises:
        Interrupted: When the user asked to stop; whole batches are kept.
    """
    with ModelScorer(name, reference, sampling=sampling, judge=judge, context=context) as scorer:
        return scorer.score(problems, samples=samples, seed=seed, kept_in=kept_in, first_draw=first_draw)


def score_models(
    references: Mapping[str, str],
    problems: Sequence[Problem],
    *,
    sampling: SamplingConfig,
    samples: int,
    seed: int,
    judge: Judge,
    context: StageContext,
) -> dict[str, list[Row]]:
    """Score several models on the same problems with the same seed, and write all rows to ``samples.parquet``.

    Where that is there already, what came after the scoring was stopped: its rows are returned.
    """
    context.progress.start(len(references) * len(problems) * samples, unit="responses")
    table, folder = context.folder / SAMPLES_FILE, context.folder / "samples"
    if table.is_file() and (kept := read_samples(table, references)):
        asked = [problem.id for problem in problems for _ in range(samples)]
        if all([row["problem_id"] for row in rows] == asked for rows in kept.values()):
            context.progress.advance(sum(map(len, kept.values())))
            shutil.rmtree(folder, ignore_errors=True)
            return kept
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
    write_table(table, [row for rows in found.values() for row in rows], SAMPLE_SCHEMA)
    shutil.rmtree(folder)
    return found


def read_samples(path: Path, names: Iterable[str]) -> dict[str, list[Row]]:
    """Return the rows of a file of ``SAMPLE_SCHEMA`` by model, in order; none where it is of other models."""
    found: dict[str, list[Row]] = {name: [] for name in names}
    for row in pq.read_table(path).to_pylist():
        if row["model"] not in found:
            return {}
        found[row["model"]].append(row)
    return found


class _Waiting:
    """Work for a thread of its own, of which only so much may wait."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._futures: deque[Future[None]] = deque()

    def put(self, work: Any, *arguments: object) -> None:  # noqa: ANN401 - any function
        """Hand work over; raises what earlier work raised, and waits while too much is waiting."""
        while self._futures and (len(self._futures) >= _WAITING or self._futures[0].done()):
            self._futures.popleft().result()
        self._futures.append(self._executor.submit(work, *arguments))

    def finish(self) -> None:
        """Wait for all work; raises what any of it raised."""
        while self._futures:
            self._futures.popleft().result()


@contextmanager
def _judging() -> Iterator[_Waiting]:
    """Judge on a thread beside the sampling; on leaving everything handed over is done, unless something broke."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="judging")
    waiting = _Waiting(executor)
    try:
        yield waiting
        waiting.finish()
    except Interrupted:
        # What is drawn is worth the moment that judging it takes.
        with suppress(Exception):
            waiting.finish()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _holds(path: Path, problems: Sequence[Problem], samples: int) -> bool:
    """Say whether a part is there and of these problems."""
    if not path.is_file():
        return False
    found: list[str] = pq.read_table(path, columns=["problem_id"]).column(0).to_pylist()
    return found == [problem.id for problem in problems for _ in range(samples)]


def _row(name: str, problem: Problem, draw: int, sample: Sample, verdict: Verdict) -> Row:
    return {
        "model": name,
        "problem_id": problem.id,
        "domain": problem.domain,
        "level": problem.level,
        "question": problem.question,
        "gold": problem.answer,
        "draw": draw,
        "text": sample.text,
        "extracted": verdict.extracted,
        "correct": verdict.correct,
        "status": verdict.status,
        "way": way_of(sample.text),
        "length": sample.length_tokens,
        "truncated": sample.truncated,
    }
