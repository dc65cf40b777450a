"""Problems read from a JSONL or Parquet file by a mapping of columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, get_args

from vibethinker.configs.data import AnswerKind, FileSource
from vibethinker.data.splits import bucket, question_hash
from vibethinker.data.tables import ABSENT, look_up, read_rows
from vibethinker.errors import InputError
from vibethinker.interfaces import Verifier
from vibethinker.records import Problem, Trace
from vibethinker.verify import get_verifier
from vibethinker.verify.gold_check import check_gold

_KINDS: tuple[str, ...] = get_args(AnswerKind)


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

    Args:
        source: Which file, and how it is read.
        verifier: Of the source's kind; that of a row which names its own kind is found here.
        seed: Chooses the rows where the source limits them.

    Raises:
        InputError: If the file or a column is missing, or a row holds no question or answer, or no known kind.
    """
    check = _GoldCheck(source, verifier)
    problems, traces, gold_errors = [], [], []
    for problem, solution in _read(source, seed):
        if (reason := check(problem)) is not None:
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
    check = _GoldCheck(source, verifier)
    if all(check(problem) is not None for problem, _ in read):
        first = read[0][0]
        raise InputError(
            f"no problem of {source.path} can be used: nobody can be graded by the answers of {len(read)}, such as "
            f"{first.answer!r:.60}, which {check(first)}; columns.answer must name the final answers"
        )


class _GoldCheck:
    """Says why a problem's reference answer cannot be graded by; None where it can."""

    def __init__(self, source: FileSource, verifier: Verifier) -> None:
        self.verifiers: dict[str, Verifier] = {source.kind: verifier}
        self.reasons: dict[tuple[str, str], str | None] = {}

    def __call__(self, problem: Problem) -> str | None:
        # Many problems of a file have the same answer.
        key = (problem.kind, problem.answer)
        if key not in self.reasons:
            if problem.kind not in self.verifiers:
                self.verifiers[problem.kind] = get_verifier(problem.kind)
            self.reasons[key] = check_gold(problem.answer, self.verifiers[problem.kind])
        return self.reasons[key]


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
    kind = _cell(row, columns["kind"], path, number) if "kind" in columns else source.kind
    if kind not in _KINDS:
        raise InputError(f"{path}: row {number}: kind must be one of {', '.join(_KINDS)}, got {kind!r:.60}")
    return Problem(
        id=_cell(row, columns["id"], path, number) if "id" in columns else question_hash(question),
        question=question,
        answer=_cell(row, columns["answer"], path, number),
        domain=_cell(row, columns["domain"], path, number) if "domain" in columns else source.domain,
        source=path.name,
        level=None if level is None else int(level),
        kind=kind,
    )


def _cell(row: Mapping[str, Any], name: str, path: Path, number: int) -> str:
    value = look_up(row, name)
    if value is ABSENT or value is None or not str(value).strip():
        raise InputError(f"{path}: row {number}: column {name!r} is empty")
    return str(value).strip()
