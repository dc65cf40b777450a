"""The report's section on a data stage: how many problems of what kind went where."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from vibethinker.observe.page import Cell, Fact, Facts, Grid, Section, stage_section
from vibethinker.observe.run_record import RunRecord, StageRecord

_SPLITS = {"train": "training", "probing": "probing", "rl": "RL", "heldout": "held out"}

Counts = dict[tuple[str, ...], int]


def data_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the problems of each split by domain and level, and the traces by way of solving."""
    files = {split: stage.folder / f"{split}.parquet" for split in _SPLITS}
    blocks = [
        _facts(stage),
        _split_grid("Problems by domain", "domain", {s: _counts(f, "domain", problems=True) for s, f in files.items()}),
        _split_grid("Problems by level", "level", {s: _counts(f, "level") for s, f in files.items()}),
        _ways_grid(_counts(files["train"], "domain", "way")),
    ]
    return stage_section(stage, "Data", blocks, lead="No problem is in two of these sets.")


def _facts(stage: StageRecord) -> Facts | None:
    metrics = stage.metrics
    facts = []
    if problems := metrics.get("problems"):
        splits = [f"{_SPLITS.get(split, split)} {count:,}" for split, count in problems.items() if count]
        facts.append(Fact("problems", f"{sum(problems.values()):,}", note=" · ".join(splits)))
    if metrics.get("traces"):
        facts.append(Fact("worked traces", f"{metrics['traces']:,}"))
    if "leaks" in metrics:
        facts.append(Fact("leaks between the sets", f"{metrics['leaks']:,}"))
    return Facts(facts) if facts else None


def _counts(path: Path, *columns: str, problems: bool = False) -> Counts:
    """Count the rows of a file, or its different problems, by some of its columns; empty where it lacks one."""
    if not path.is_file():
        return {}
    names = set(pq.read_schema(path).names)
    if not names.issuperset(columns):
        return {}
    distinct = problems and "problem_id" in names
    table = pq.read_table(path, columns=[*columns, *(["problem_id"] if distinct else [])])
    how = ("problem_id", "count_distinct") if distinct else ([], "count_all")
    rows = table.group_by(list(columns)).aggregate([how]).to_pylist()
    result = "problem_id_count_distinct" if distinct else "count_all"
    return {tuple("" if row[name] is None else str(row[name]) for name in columns): row[result] for row in rows}


def _split_grid(caption: str, label: str, counts: dict[str, Counts]) -> Grid | None:
    splits = [split for split in counts if counts[split]]
    keys = sorted({key for split in splits for (key,) in counts[split]})
    if not any(keys):
        return None
    rows = [
        [Cell(key or "not stated"), *(Cell(_number(counts[split].get((key,), 0))) for split in splits)] for key in keys
    ]
    if len(rows) > 1:
        rows.append([Cell("all", best=True), *(Cell(_number(sum(counts[split].values()))) for split in splits)])
    return Grid(caption, [label, *(_SPLITS[split] for split in splits)], rows)


def _ways_grid(counts: Counts) -> Grid | None:
    if not counts:
        return None
    domains = sorted({domain for domain, _ in counts})
    ways = _ordered_ways({way for _, way in counts})
    rows = [[Cell(domain), *(Cell(_number(counts.get((domain, way), 0))) for way in ways)] for domain in domains]
    return Grid("Training traces by way of solving", ["domain", *ways], rows)


def _ordered_ways(ways: set[str]) -> Sequence[str]:
    """Put the ways of solving in order, the longest first, others behind."""
    order = ("careful", "brief", "direct")
    return sorted(ways, key=lambda way: (order.index(way) if way in order else len(order), way))


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"
