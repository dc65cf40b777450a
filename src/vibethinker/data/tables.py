"""Records to Parquet and back, and rows from files of other people's making."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from vibethinker.errors import InputError
from vibethinker.files import write_whole
from vibethinker.records import Problem, Trace

Record = TypeVar("Record", Problem, Trace)

PROBLEM_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("domain", pa.string()),
        ("source", pa.string()),
        ("level", pa.int32()),
        ("kind", pa.string()),
    ]
)
TRACE_SCHEMA = pa.schema([(field.name, pa.string()) for field in fields(Trace)])
FLAT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("question", pa.string()),
        ("domain", pa.string()),
        ("source", pa.string()),
        ("level", pa.int32()),
        ("kind", pa.string()),
        ("tests", pa.string()),
        ("solution", pa.string()),
    ]
)
"""Code problems of whatever origin: ``tests`` is the reference answer as JSON, ``solution`` a program or null."""
TRAIN_PROBLEMS = "train_problems.parquet"
"""Name of the table of the problems that a data stage's training traces solve."""
DRILL_SCHEMA = pa.schema([("pieces", pa.list_(pa.string()))])


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema | None = None) -> None:
    """Write rows as a Parquet file, whole or not at all."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def write_records(path: Path, records: Sequence[Problem] | Sequence[Trace]) -> None:
    """Write problems or traces as a Parquet file.

    Where tests lie in a file of their own, that is named by its absolute path, or beside ``path`` by its name alone.
    """
    schema = TRACE_SCHEMA if records and isinstance(records[0], Trace) else PROBLEM_SCHEMA
    rows = [asdict(record) for record in records]
    for row in rows:
        if "answer" in row and (place := tests_place(row["answer"])) is not None:
            file = Path(place[0]).absolute()
            # A stage's folder gets its final name later, and a run directory may move.
            row["answer"] = tests_pointer(file.name if file.parent == path.parent.absolute() else str(file), place[1])
    write_table(path, rows, schema)


def read_problems(path: Path) -> list[Problem]:
    """Read problems written by ``write_records``; tests in a file beside it are found wherever the folder is."""
    problems = []
    for row in pq.read_table(path).to_pylist():
        if (place := tests_place(row["answer"])) is not None:
            row["answer"] = tests_pointer(str(path.parent.absolute() / place[0]), place[1])
        problems.append(Problem(**row))
    return problems


_POINTER = '{"tests_in":'


def tests_pointer(path: str, problem_id: str) -> str:
    """Return the answer of a code problem whose tests are too large for it: the file they are in, and their id."""
    return f'{_POINTER}{json.dumps(path)},"id":{json.dumps(problem_id)}}}'


def tests_place(answer: str) -> tuple[str, str] | None:
    """Return file and id of an answer that says where the tests are, None for any other answer."""
    if not answer.startswith(_POINTER):
        return None
    try:
        place = json.loads(answer)
    except ValueError:
        return None
    path, problem_id = place["tests_in"], place.get("id")
    return (path, problem_id) if isinstance(path, str) and isinstance(problem_id, str) else None


def read_traces(path: Path) -> list[Trace]:
    """Read traces written by ``write_records``."""
    return [Trace(**row) for row in pq.read_table(path).to_pylist()]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a JSONL or Parquet file.

    Raises:
        InputError: If the file is missing, of another type, or cannot be read; names the line of bad JSON.
    """
    return list(stream_rows(path))


def stream_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL or Parquet file one by one; memory does not grow with the file.

    Raises:
        InputError: As ``read_rows``.
    """
    if not path.is_file():
        raise InputError(f"no problem file {path}: give the path of a .jsonl or .parquet file")
    if path.suffix == ".parquet":
        yield from _stream_parquet(path)
    elif path.suffix in {".jsonl", ".ndjson"}:
        yield from _stream_jsonl(path)
    else:
        raise InputError(f"{path} has the ending {path.suffix!r}; problem files end in .jsonl or .parquet")


def _stream_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        # Without pre_buffer a row group is read by the batch.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise InputError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from error


_BATCH_ROWS = 64


def _stream_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise InputError(f"{path}:{number}: not UTF-8: {error.reason}: save the file as UTF-8") from error
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number}: a line must be a JSON object, got {type(row).__name__}")
            yield row


ABSENT = object()
"""What ``look_up`` returns where there is nothing, which is not the same as None."""


def look_up(row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the value of a column, or of a place inside one: ``reward_model.ground_truth``, ``prompt.0.content``."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value
