"""Problems in disjoint sets, and traces to learn from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from random import Random
from typing import Any

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.data import CodeFileSource, DataConfig, ProceduralSource
from vibethinker.data.answer_lines import shortened
from vibethinker.data.code_files import CodeFileProblems, read_code_file
from vibethinker.data.mix import distinct_problems
from vibethinker.data.preflight import check_sources
from vibethinker.data.problem_files import FileProblems, GoldError, read_problem_file
from vibethinker.data.procedural import Drawn, choose_families, draw_drills, draw_problems, draw_traces
from vibethinker.data.splits import BUCKETS, SPLITS, Split, drop_shared, question_hash, shared_questions
from vibethinker.data.tables import DRILL_SCHEMA, TRACE_SCHEMA, TRAIN_PROBLEMS, write_records, write_table
from vibethinker.errors import InputError
from vibethinker.interfaces import StageContext
from vibethinker.records import Problem, Trace
from vibethinker.verify import get_verifier

_SHOWN_GOLD_ERRORS = 20
"""Offenders of a set that stand in the manifest; all of them are in ``gold_errors.parquet``."""


def run(config: DataConfig, context: StageContext) -> dict[str, Any]:
    """Write ``<set>.parquet`` for every set, ``train.parquet`` with traces, and ``drills.parquet`` when asked for.

    The problems of the traces, with their answers, are in ``train_problems.parquet``.
    Problems of a file that nobody can be graded by are left out and listed in ``gold_errors.parquet``. A file of code
    problems also leaves ``<set>_tests.parquet``, where large tests are.
    """
    check_sources(config)
    sources = {split: getattr(config, split) for split in SPLITS if getattr(config, split) is not None}
    context.progress.start(len(sources) + 1, unit="sets")
    found: dict[Split, list[Problem]] = {}
    traces: list[Trace] = []
    drawn_for_training: list[Drawn] = []
    gold_errors: dict[str, list[GoldError]] = {}
    code_files: dict[str, dict[str, Any]] = {}
    for split, source in sources.items():
        seed = derive_seed(context.seed, config.id, split)
        if isinstance(source, ProceduralSource):
            drawn = _draw(config, source, split, Random(seed))  # noqa: S311 - not for cryptography
            found[split] = [item.problem for item in drawn]
            if split == "train":
                drawn_for_training = drawn
                shares = config.ways.model_dump()
                rng = Random(derive_seed(seed, "traces"))  # noqa: S311
                traces = draw_traces(drawn, shares, per_problem=config.traces_per_problem, rng=rng)
        else:
            read: FileProblems | CodeFileProblems
            if isinstance(source, CodeFileSource):
                flattened = context.folder / f"{split}_tests.parquet"
                read = read_code_file(source, flattened=flattened, seed=seed)
                code_files[split] = read.counts
            else:
                read = read_problem_file(source, get_verifier(source.kind), seed=seed)
            found[split] = read.problems
            if split == "train":
                traces = read.traces
            if read.gold_errors:
                gold_errors[split] = read.gold_errors
        context.progress.advance()
    if "train" in found:
        # Several rows of a question are several traces of one problem, not problems that leak.
        found["train"] = distinct_problems(found["train"])
    sets, leaks = drop_shared(found)
    _check(config, sets, list(sources))
    traces = _traces_of(sets["train"], traces)
    for split in sources:
        if split == "train":
            write_records(context.folder / TRAIN_PROBLEMS, sets["train"])
            write_table(context.folder / "train.parquet", [vars(trace) for trace in traces], TRACE_SCHEMA)
        else:
            write_records(context.folder / f"{split}.parquet", sets[split])
    if config.drills:
        rng = Random(derive_seed(context.seed, config.id, "drills"))  # noqa: S311
        drills = [{"pieces": row} for row in draw_drills(drawn_for_training, count=config.drills, rng=rng)]
        write_table(context.folder / "drills.parquet", drills, DRILL_SCHEMA)
    if gold_errors:
        rows = [{"set": split, **asdict(error)} for split, errors in gold_errors.items() for error in errors]
        write_table(context.folder / "gold_errors.parquet", rows)
    context.progress.advance()
    everything = [problem for rows in sets.values() for problem in rows]
    return {
        "problems": {split: len(sets[split]) for split in sources},
        "traces": len(traces),
        "ways": dict(sorted(Counter(trace.way for trace in traces).items())),
        "drills": config.drills,
        "domains": sorted({problem.domain for problem in everything}),
        "levels": {
            str(level): count
            for level, count in sorted(Counter(p.level for p in everything if p.level is not None).items())
        },
        "leaks": leaks,
        "gold_errors": {
            split: {
                "count": len(errors),
                "first": [asdict(error) | {"gold": shortened(error.gold)} for error in errors[:_SHOWN_GOLD_ERRORS]],
            }
            for split, errors in gold_errors.items()
        },
        "code_files": code_files,
    }


def _traces_of(problems: Sequence[Problem], traces: Sequence[Trace]) -> list[Trace]:
    """Return the traces of these problems' questions under their problems' ids; a file's rows may have their own."""
    ids = {question_hash(problem.question): problem.id for problem in problems}
    keys = [question_hash(trace.question) for trace in traces]
    return [replace(trace, problem_id=ids[key]) for trace, key in zip(traces, keys, strict=True) if key in ids]


def _draw(config: DataConfig, source: ProceduralSource, split: Split, rng: Random) -> list[Drawn]:
    try:
        families = choose_families(source.domains, source.families)
        return draw_problems(families, source.levels, BUCKETS[split], count=source.count, rng=rng)
    except InputError as error:
        raise InputError(f'stage "{config.id}": {split}: {error}') from error


def _check(config: DataConfig, sets: dict[Split, list[Problem]], asked: list[Split]) -> None:
    for split in asked:
        if not sets[split]:
            raise InputError(
                f'stage "{config.id}": the {split} set is empty: every problem was a duplicate of another set\'s, '
                f"outside the buckets, or had an answer that nobody can be graded by"
            )
    shared = shared_questions(sets.values())
    assert not shared, f"{len(shared)} questions stand in two sets"  # noqa: S101 - our own guarantee
