"""Responses to read: a few right and wrong ones of every model, picked by a hash and not by hand."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from vibethinker.observe.formats import counted, decimal
from vibethinker.observe.page import Block, Response, Responses

_PER_VERDICT = 2
"""Responses shown of each model and verdict."""
_LONGEST = 3000
"""Characters shown of a question or a response; a reasoning trace can have a hundred thousand."""

Row = dict[str, Any]


def sample_blocks(path: Path, models: Sequence[str]) -> list[Block]:
    """Pick from an evaluate stage's ``samples.parquet``: one problem put to every model, then some of each model."""
    index = _columns(path, ("model", "problem_id", "correct"))
    if not index:
        return []
    shared = _shared_problem(index, models)
    own = {model: _picked(index, "model", model) for model in models}
    rows = _rows(path, [*shared, *(number for numbers in own.values() for number in numbers)])
    blocks: list[Block] = []
    if shared:
        samples = [_sample(rows[number], name_model=True) for number in shared]
        blocks.append(Responses("One problem, every model", samples, shared=samples[0], unfolded=True))
    for model, numbers in own.items():
        if numbers:
            blocks.append(Responses(f"{model}: right and wrong", [_sample(rows[number]) for number in numbers]))
    return blocks


def rollout_blocks(path: Path) -> list[Block]:
    """Pick from an rl stage's ``rollouts.parquet``: some of its first and of its last step."""
    index = _columns(path, ("step", "prompt_id", "correct"))
    if not index:
        return []
    steps = sorted({row["step"] for row in index})
    blocks: list[Block] = []
    for name, step in dict.fromkeys((("first", steps[0]), ("last", steps[-1]))):
        numbers = _picked(index, "step", step)
        rows = _rows(path, numbers)
        blocks.append(
            Responses(f"Rollouts of the {name} step ({step})", [_rollout(rows[number]) for number in numbers])
        )
    return blocks if len(steps) > 1 else blocks[:1]


def clipped(text: str, longest: int = _LONGEST) -> str:
    """Leave out the middle of a long text and say how much.

    >>> clipped("abcdefghij", 4)
    'abc\\n[... 6 characters left out ...]\\nj'
    """
    if len(text) <= longest:
        return text
    tail = longest // 4
    return (
        f"{text[: longest - tail]}\n[... {len(text) - longest:,} characters left out ...]\n{text[len(text) - tail :]}"
    )


def _columns(path: Path, names: Sequence[str]) -> list[Row]:
    """Read the narrow columns of a file with a row's number in each; nothing where it lacks one."""
    if not path.is_file() or not set(pq.read_schema(path).names).issuperset(names):
        return []
    rows: list[Row] = pq.read_table(path, columns=list(names)).to_pylist()
    return rows


def _rows(path: Path, numbers: Iterable[int]) -> dict[int, Row]:
    """Read some rows of a file, a row group at a time: all texts together may not fit in memory."""
    wanted = sorted(set(numbers))
    rows: dict[int, Row] = {}
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            here = [number for number in wanted if first <= number < first + size]
            if here:
                taken = file.read_row_group(group).take([number - first for number in here]).to_pylist()
                rows.update(zip(here, taken, strict=True))
            first += size
    return rows


def _picked(index: Sequence[Row], column: str, value: object) -> list[int]:
    """Choose, among the rows with a value in a column, a few right ones and a few wrong ones of different problems."""
    own = [number for number, row in enumerate(index) if row[column] == value]
    numbers = sorted(own, key=lambda number: _order(index[number], number))
    picked: list[int] = []
    for verdict in (True, False):
        problems: dict[str, int] = {}
        for number in numbers:
            if index[number]["correct"] is verdict:
                problems.setdefault(_problem(index[number]), number)
            if len(problems) == _PER_VERDICT:
                break
        picked += problems.values()
    return picked


def _shared_problem(index: Sequence[Row], models: Sequence[str]) -> list[int]:
    """Find a problem all models answered, if possible one that the first gets wrong and the last right.

    Returns the row of each model's first sample of it; none where there is no such problem or only one model.
    """
    firsts: dict[str, dict[str, int]] = {}
    for number, row in enumerate(index):
        firsts.setdefault(_problem(row), {}).setdefault(row["model"], number)
    complete = [found for found in firsts.values() if len(models) > 1 and all(model in found for model in models)]
    if not complete:
        return []

    def preference(found: Mapping[str, int]) -> tuple[int, int]:
        first, last = index[found[models[0]]], index[found[models[-1]]]
        return (0 if last["correct"] and not first["correct"] else 1, _order(first, 0))

    best = min(complete, key=preference)
    return [best[model] for model in models]


def _problem(row: Row) -> str:
    return str(row["problem_id"] if "problem_id" in row else row["prompt_id"])


def _order(row: Row, number: int) -> int:
    return zlib.crc32(f"{_problem(row)}/{number}".encode())


def _sample(row: Row, *, name_model: bool = False) -> Response:
    level = f"level {row['level']}" if row.get("level") is not None else ""
    facts = [str(row["model"]) if name_model else "", _text(row, "domain"), level, _text(row, "way")]
    return _response(row, facts, gold=_text(row, "gold") or None)


def _rollout(row: Row) -> Response:
    numbers = [
        f"{name} {decimal(row[name])}" for name in ("reward", "advantage", "weight") if row.get(name) is not None
    ]
    return _response(row, [_text(row, "domain"), *numbers], gold=None)


def _response(row: Row, facts: Sequence[str], *, gold: str | None) -> Response:
    status = _text(row, "status").replace("_", " ")
    length = counted(row["length"], "token") if isinstance(row.get("length"), int) else ""
    truncated = "truncated" if row.get("truncated") else ""
    return Response(
        facts=[fact for fact in (*facts, status, length, truncated) if fact],
        question=clipped(_text(row, "question")),
        text=clipped(_text(row, "text")),
        correct=row.get("correct"),
        gold=gold,
    )


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)
