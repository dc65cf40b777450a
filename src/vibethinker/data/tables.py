"""Records to Parquet and back, and rows from files of other people's making."""

import io
import json
from collections.abc import Mapping, Sequence
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
DRILL_SCHEMA = pa.schema([("pieces", pa.list_(pa.string()))])


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema | None = None) -> None:
    """Write rows as a Parquet file, whole or not at all."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def write_records(path: Path, records: Sequence[Problem] | Sequence[Trace]) -> None:
    """Write problems or traces as a Parquet file."""
    schema = TRACE_SCHEMA if records and isinstance(records[0], Trace) else PROBLEM_SCHEMA
    write_table(path, [asdict(record) for record in records], schema)


def read_problems(path: Path) -> list[Problem]:
    """Read problems written by ``write_records``."""
    return [Problem(**row) for row in pq.read_table(path).to_pylist()]


def read_traces(path: Path) -> list[Trace]:
    """Read traces written by ``write_records``."""
    return [Trace(**row) for row in pq.read_table(path).to_pylist()]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a JSONL or Parquet file.

    Raises:
        InputError: If the file is missing, of another type, or cannot be read; names the line of bad JSON.
    """
    if not path.is_file():
        raise InputError(f"no problem file {path}: give the path of a .jsonl or .parquet file")
    if path.suffix == ".parquet":
        try:
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        except pa.ArrowException as error:
            raise InputError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from error
        return rows
    if path.suffix in {".jsonl", ".ndjson"}:
        return _read_jsonl(path)
    raise InputError(f"{path} has the ending {path.suffix!r}; problem files end in .jsonl or .parquet")


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number}: a line must be a JSON object, got {type(row).__name__}")
            rows.append(row)
    return rows
