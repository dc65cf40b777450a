"""Problems read from a JSONL or Parquet file by a mapping of columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from vibethinker.configs.data import FileSource
from vibethinker.data.splits import bucket, question_hash
from vibethinker.data.tables import ABSENT, look_up, read_rows
from vibethinker.errors import InputError
from vibethinker.interfaces import Verifier
from vibethinker.records import Problem, Trace
from vibethinker.verify.gold_check import check_gold


@dataclass(frozen=True)
class GoldError:
    """A problem left out because responses cannot be graded by its reference answer.

    Attributes:
        id: The problem's.
        gold: The reference answer.
        reason: One line for a person.
    """

    id: str
    gold: str
    reason: str


@dataclass(frozen=True)
class FileProblems:
    """What a file held.

    Attributes:
        problems: Those whose reference answer matches itself and misses altered copies of itself.
        traces: Their worked solutions, where a column holds them.
        gold_errors: The others, in the file's order.
    """

    problems: list[Problem]
    traces: list[Trace]
    gold_errors: list[GoldError]


def read_problem_file(source: FileSource, verifier: Verifier, *, seed: int) -> FileProblems:
    """Read the problems of a file and check each reference answer.

    Raises:
        InputError: If the file or a column is missing, or a row holds no question or answer.
    """
    reasons: dict[str, str | None] = {}
    problems, traces, gold_errors = [], [], []
    for problem, solution in _read(source, seed):
        # Many problems of a file have the same answer.
        if problem.answer not in reasons:
            reasons[problem.answer] = check_gold(problem.answer, verifier)
        if (reason := reasons[problem.answer]) is not None:
            gold_errors.append(GoldError(problem.id, problem.answer, reason))
            continue
        problems.append(problem)
        if solution is not None:
            traces.append(Trace(problem.id, problem.question, problem.domain, "file", solution))
    return FileProblems(problems, traces, gold_errors)


def check_problem_file(source: FileSource, verifier: Verifier) -> None:
    """Find out whether a file can be read and holds a problem to use; stops checking answers at the first good one.

    Raises:
        InputError: As ``read_problem_file``, and if no problem is left of the file.
    """
    read = _read(source, seed=0)
    if not read:
        raise InputError(f"no problem of {source.path} lies inside buckets {list(source.buckets)}")
    golds = list(dict.fromkeys(problem.answer for problem, _ in read))
    if all(check_gold(gold, verifier) is not None for gold in golds):
        raise InputError(
            f"no problem of {source.path} can be used: nobody can be graded by the answers of {len(read)}, such as "
            f"{golds[0]!r:.60}, which {check_gold(golds[0], verifier)}; columns.answer must name the final answers"
        )


def _read(source: FileSource, seed: int) -> list[tuple[Problem, str | None]]:
    """Return the problems that the source's buckets and limit let through, with their worked solutions."""
    path = Path(source.path)
    rows = read_rows(path)
    if not rows:
        raise InputError(f"{path} holds no rows")
    columns = {key: name for key, name in source.columns.model_dump().items() if name is not None}
    for key, name in columns.items():
        if look_up(rows[0], name) is ABSENT:
            raise InputError(f"{path} has no column {name!r} (for {key}); it has {', '.join(map(repr, rows[0]))}")
    numbered = [
        (number, row)
        for number, row in enumerate(rows, start=1)
        if source.buckets[0] <= bucket(_cell(row, columns["question"], path, number)) <= source.buckets[1]
    ]
    if source.limit is not None and source.limit < len(numbered):
        numbered = sorted(Random(seed).sample(numbered, source.limit), key=lambda item: item[0])  # noqa: S311
    return [
        (
            _problem(row, columns, source, path, number),
            _cell(row, columns["trace"], path, number) if "trace" in columns else None,
        )
        for number, row in numbered
    ]


def _problem(
    row: Mapping[str, Any], columns: Mapping[str, str], source: FileSource, path: Path, number: int
) -> Problem:
    question = _cell(row, columns["question"], path, number)
    level = look_up(row, columns["level"]) if "level" in columns else None
    level = None if level is ABSENT else level
    if level is not None and (isinstance(level, bool) or not str(level).lstrip("-").isdigit()):
        raise InputError(f"{path}: row {number}: level must be a whole number, got {level!r}")
    return Problem(
        id=_cell(row, columns["id"], path, number) if "id" in columns else question_hash(question),
        question=question,
        answer=_cell(row, columns["answer"], path, number),
        domain=_cell(row, columns["domain"], path, number) if "domain" in columns else source.domain,
        source=path.name,
        level=None if level is None else int(level),
        kind=source.kind,
    )


def _cell(row: Mapping[str, Any], name: str, path: Path, number: int) -> str:
    value = look_up(row, name)
    if value is ABSENT or value is None or not str(value).strip():
        raise InputError(f"{path}: row {number}: column {name!r} is empty")
    return str(value).strip()
