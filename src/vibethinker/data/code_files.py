"""Code problems read from files of the usual data sets: flattened to one form, their solutions run.

``code_formats`` knows the data sets, docs/code_problems.md tells users.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vibethinker.configs.data import CodeColumnsConfig, CodeFileSource
from vibethinker.data.answer_lines import shortened
from vibethinker.data.code_formats import FORMATS, CodeProblem, Format, Row, recognise, whole
from vibethinker.data.code_golds import NO_TESTS, UnusableRowError
from vibethinker.data.problem_files import GoldError
from vibethinker.data.splits import bucket, question_hash
from vibethinker.data.tables import ABSENT, FLAT_SCHEMA, look_up, stream_rows, tests_pointer
from vibethinker.errors import InputError, WorkError
from vibethinker.records import Problem, Trace
from vibethinker.verify import get_verifier, verify_answers
from vibethinker.verify.gold_check import check_gold

INLINE_BYTES = 64 * 1024
"""Tests of more bytes stay in the flattened file; the problem's answer then says where. Ours."""

# A row group is read whole to get one problem's tests.
_GROUP_BYTES, _GROUP_ROWS = 8 << 20, 256
_CHECKED_AT_ONCE = 64
_REQUIRED = ("question", "tests", "function")


@dataclass(frozen=True)
class Flattened:
    """What ``flatten`` made of a file.

    Attributes:
        format: The format, also where it was recognised.
        rows: Rows that the file has.
        problems: Rows of the flattened file.
        excluded: Rows that make no problem, in order.
    """

    format: str
    rows: int
    problems: int
    excluded: list[GoldError]


@dataclass(frozen=True)
class CodeFileProblems:
    """What a file of code problems held.

    Attributes:
        problems: Those that can be used, in order.
        traces: Their solutions as responses, where there are any.
        gold_errors: The others.
        counts: How many rows, problems, excluded ones by reason, and solutions run or absent.
    """

    problems: list[Problem]
    traces: list[Trace]
    gold_errors: list[GoldError]
    counts: dict[str, Any]


@dataclass
class _Checked:
    """Problems so far, and what their solutions came to."""

    problems: list[Problem] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    failed: list[GoldError] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def read_code_file(source: CodeFileSource, *, flattened: Path, seed: int) -> CodeFileProblems:
    """Flatten a file and, unless told not to, run every solution against its own tests.

    A problem whose solution fails is left out: nobody can be graded by its tests. One without a solution, or whose
    solution the sandbox could not run, is kept and counted.

    Args:
        source: What to read.
        flattened: Where the flattened file goes, ``.parquet``; large tests stay there.
        seed: Chooses the problems where there is a limit.

    Raises:
        InputError: If the file or a column is missing, it is of no known format, or its tests must not be read.
        WorkError: If there is no sandbox to run solutions in.
    """
    made = flatten(
        Path(source.path),
        flattened,
        format=source.format,
        columns=source.columns,
        domain=source.domain,
        keep=lambda question: source.buckets[0] <= bucket(question) <= source.buckets[1],
    )
    checked = _Checked()
    for batch in _batches(flattened, _chosen(made.problems, source.limit, seed)):
        _check(batch, checked, run=source.check_solutions)
    excluded = [*made.excluded, *checked.failed]
    return CodeFileProblems(
        problems=checked.problems,
        traces=checked.traces,
        gold_errors=excluded,
        counts={
            "format": made.format,
            "rows": made.rows,
            "problems": len(checked.problems),
            "excluded": dict(Counter(_kind(error.reason) for error in excluded).most_common()),
            "solutions": {name: checked.tally[name] for name in ("passed", "failed", "not judged", "unchecked")},
        },
    )


def check_code_file(source: CodeFileSource, *, traces: bool) -> None:
    """Find out whether a file can be read and holds a problem to use; stops at the first and runs nothing.

    Args:
        source: What to read.
        traces: Whether its solutions are to be learned from, so that one is needed.

    Raises:
        InputError: As ``read_code_file``, and if there is no such problem.
    """
    path, first = Path(source.path), ""
    outside = 0
    for _, found in _problems(path, source.format, source.columns):
        if isinstance(found, GoldError):
            first = first or f", such as {found.id}: {found.reason}"
        elif not source.buckets[0] <= bucket(found.problem.question) <= source.buckets[1]:
            outside += 1
        elif found.problem.solution is not None or not traces:
            return
        else:
            first = first or f", such as {found.id}: no solution to learn from"
    beyond = f"; {outside} lie outside buckets {list(source.buckets)}" if outside else ""
    raise InputError(f"no problem of {path} can be used{first}{beyond}")


def flatten(
    path: Path,
    output: Path,
    *,
    format: str = "auto",  # noqa: A002 - the recipe's word
    columns: CodeColumnsConfig | None = None,
    domain: str = "code",
    keep: Callable[[str], bool] | None = None,
) -> Flattened:
    """Write the problems of a file as Parquet with ``FLAT_SCHEMA``, row group by row group.

    Memory is bounded by the largest rows, not by the file. The output appears when it is whole.

    Args:
        path: A ``.jsonl`` or ``.parquet`` file.
        output: The file to write.
        format: One of ``FORMATS``, or ``auto``.
        columns: Names of columns where they are not the format's own.
        domain: Domain where no column gives one.
        keep: Which questions to keep; all by default.

    Raises:
        InputError: As ``read_code_file``.
    """
    rows, written, excluded = 0, 0, []
    name = format
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f".{output.name}.part")
    try:
        with pq.ParquetWriter(part, FLAT_SCHEMA, compression="zstd") as writer:
            group: list[dict[str, Any]] = []
            size = 0
            for row_format, found in _problems(path, format, columns or CodeColumnsConfig()):
                name, rows = row_format, rows + 1
                if isinstance(found, GoldError):
                    excluded.append(found)
                    continue
                if keep is not None and not keep(found.problem.question):
                    continue
                group.append(found.flat(path.name, domain))
                size += len(found.problem.tests) + len(found.problem.solution or "") + len(found.problem.question)
                written += 1
                if size >= _GROUP_BYTES or len(group) >= _GROUP_ROWS:
                    writer.write_table(pa.Table.from_pylist(group, schema=FLAT_SCHEMA))
                    group, size = [], 0
            if group:
                writer.write_table(pa.Table.from_pylist(group, schema=FLAT_SCHEMA))
        part.replace(output)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return Flattened(name, rows, written, excluded)


@dataclass(frozen=True)
class _Found:
    """A problem of a row, with what the format does not know of."""

    id: str
    problem: CodeProblem
    level: int | None
    domain: str | None

    def flat(self, source: str, domain: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "question": self.problem.question,
            "domain": self.domain or domain,
            "source": source,
            "level": self.level,
            "kind": "code",
            "tests": self.problem.tests,
            "solution": self.problem.solution,
        }


def _problems(path: Path, asked: str, columns: CodeColumnsConfig) -> Iterator[tuple[str, _Found | GoldError]]:
    """Yield, for every row, the format and the problem, or why there is none."""
    name, form, mapped = asked, None, {key: value for key, value in columns.model_dump().items() if value is not None}
    seen: set[str] = set()
    verifier = get_verifier("code")
    for number, values in enumerate(stream_rows(path), start=1):
        try:
            if form is None:
                name = recognise(values) if asked == "auto" else asked
                if name not in FORMATS:
                    raise InputError(f"no format {name!r}: use auto or one of {', '.join(FORMATS)}")
                form = _renamed(FORMATS[name], mapped)
                _check_columns(values, form, mapped)
            row = Row(values, form.names)
            try:
                found = _convert(row, form, mapped)
                if found.id in seen:
                    raise UnusableRowError("another problem before it has the same id, or the same question")
                seen.add(found.id)
                if (reason := check_gold(found.problem.tests, verifier)) is not None:
                    raise UnusableRowError(reason)
            except UnusableRowError as error:
                yield name, GoldError(*map(_writable, (_id(row, number), shortened(row.text("tests")), str(error))))
                continue
        except InputError as error:
            raise InputError(f"{path}: row {number}: {error}") from error
        yield name, found
    if form is None:
        raise InputError(f"{path} holds no rows")


def _convert(row: Row, form: Format, mapped: Mapping[str, str]) -> _Found:
    try:
        problem = form.convert(row)
    except RecursionError:
        raise UnusableRowError("its tests are nested too deeply") from None
    own, domain = row.text("id").strip(), row.text("domain").strip()
    try:
        "".join((problem.question, problem.tests, problem.solution or "", own, domain)).encode()
    except UnicodeEncodeError:
        raise UnusableRowError("its text holds halves of characters (lone surrogates)") from None
    level = row.get("level")
    if "level" in mapped and level is not None and whole(level) is None and form.level(level) is None:
        raise InputError(f"level must be a whole number, got {level!r:.60}")
    return _Found(
        id=own or question_hash(problem.question),
        problem=problem,
        level=None if level is None else form.level(level),
        domain=domain or None,
    )


def _id(row: Row, number: int) -> str:
    return row.text("id").strip() or f"row {number}"


def _writable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _renamed(form: Format, mapped: Mapping[str, str]) -> Format:
    names = {key: (value,) for key, value in mapped.items()}
    return Format({"domain": ("",), **form.names, **names}, form.convert, form.level)


def _check_columns(row: Mapping[str, Any], form: Format, mapped: Mapping[str, str]) -> None:
    for key, names in form.names.items():
        if key not in mapped and key not in _REQUIRED:
            continue
        if all(look_up(row, name) is ABSENT for name in names):
            raise InputError(
                f"no column {' or '.join(map(repr, names))} (for {key}); there are {', '.join(map(repr, row))}"
            )


def _chosen(count: int, limit: int | None, seed: int) -> set[int] | None:
    """Return the numbers of the rows to keep, None for all."""
    if limit is None or limit >= count:
        return None
    return set(Random(seed).sample(range(count), limit))  # noqa: S311 - not for cryptography


def _batches(flattened: Path, chosen: set[int] | None) -> Iterator[list[tuple[Problem, str | None]]]:
    """Yield the problems of a flattened file, with their solutions, some at a time."""
    number = 0
    with pq.ParquetFile(flattened, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=_CHECKED_AT_ONCE):
            pairs = []
            for row in batch.to_pylist():
                if chosen is None or number in chosen:
                    pairs.append((_problem(row, flattened), row["solution"]))
                number += 1
            yield pairs


def _problem(row: dict[str, Any], flattened: Path) -> Problem:
    tests = row.pop("tests")
    large = len(tests.encode()) > INLINE_BYTES
    answer = tests_pointer(str(flattened.absolute()), row["id"]) if large else tests
    return Problem(answer=answer, **{key: row[key] for key in row if key != "solution"})


def _check(batch: list[tuple[Problem, str | None]], checked: _Checked, *, run: bool) -> None:
    """Run the solutions of some problems and sort these by what came of it."""
    responses = [None if solution is None else fenced(solution) for _, solution in batch]
    judged = [place for place, response in enumerate(responses) if run and response is not None]
    verdicts = dict(
        zip(
            judged,
            verify_answers([batch[i][0].answer for i in judged], [responses[i] or "" for i in judged], "code"),
            strict=True,
        )
    )
    if verdicts and all(verdict.status == "infrastructure_error" for verdict in verdicts.values()):
        reason = next(iter(verdicts.values())).reason
        raise WorkError(
            f"none of {len(verdicts)} solutions could be run: {reason}; `vibethinker doctor` says what is missing, "
            f"check_solutions: false takes the problems unchecked"
        )
    for place, (problem, _) in enumerate(batch):
        verdict, response = verdicts.get(place), responses[place]
        if verdict is None:
            checked.tally["unchecked"] += 1
        elif verdict.correct is None and verdict.status != "gold_error":
            checked.tally["not judged"] += 1
        elif verdict.correct:
            checked.tally["passed"] += 1
        else:
            checked.tally["failed"] += 1
            reason = " ".join(verdict.reason.split())
            checked.failed.append(GoldError(problem.id, shortened(problem.answer), f"{_FAILED}: {reason}"))
            continue
        checked.problems.append(problem)
        if response is not None:
            checked.traces.append(Trace(problem.id, problem.question, problem.domain, "file", response))


_FAILED = "its solution fails its own tests"


def _kind(reason: str) -> str:
    return next((kind for kind in (_FAILED, NO_TESTS) if reason.startswith(kind)), "unusable row")


def fenced(program: str) -> str:
    """Return a program as a response: in a fenced block that nothing in it closes."""
    fence = "```"
    while fence in program:
        fence += "`"
    return f"{fence}python\n{program.rstrip()}\n{fence}"
