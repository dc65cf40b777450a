"""The problems that checkpoints are probed on: those of a data stage, or of a file, cut to so many of each domain."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vibethinker.configs.data import AnswerKind, ColumnsConfig, FileSource
from vibethinker.data.problem_files import read_problem_file
from vibethinker.data.splits import question_hash
from vibethinker.data.tables import read_problems, stream_rows
from vibethinker.errors import InputError
from vibethinker.records import Problem
from vibethinker.verify import get_verifier


@dataclass(frozen=True)
class FileProbingSet:
    """What a file held.

    Attributes:
        problems: With different questions and ids.
        gold_errors: How many were left out because nobody can be graded by their reference answers.
        repeated: How many were left out because their question stands in the file before.
    """

    problems: list[Problem]
    gold_errors: int
    repeated: int


def probing_problems(folder: Path, *, per_domain: int | None = None) -> list[Problem]:
    """Return the probing problems of a data stage's folder, at most ``per_domain`` of each domain, in file order."""
    return _first_of_each_domain(read_problems(folder / "probing.parquet"), per_domain)


def read_probing_file(
    path: Path, *, kind: AnswerKind, domain_column: str | None = None, per_domain: int | None = None
) -> FileProbingSet:
    """Read probing problems from a JSONL or Parquet file with the columns ``question`` and ``answer``.

    Columns ``id``, ``domain``, ``kind`` and ``level`` are read where there are such; ``kind`` is that of the rows of
    a file without that column, and ``domain_column`` names another one for the domains.

    Raises:
        InputError: If the file or a column is missing, a row is incomplete, or no problem is left.
    """
    first = next(stream_rows(path), {})
    columns = ColumnsConfig(
        id="id" if first.get("id") is not None else None,
        domain=domain_column or ("domain" if "domain" in first else None),
        kind="kind" if "kind" in first else None,
        # "Level 3" of other people's files is no level of ours, and nothing depends on it.
        level="level" if isinstance(first.get("level"), int) else None,
    )
    read = read_problem_file(FileSource(path=str(path), kind=kind, columns=columns), get_verifier(kind), seed=0)
    if not read.problems:
        shown = next((f", such as {error.gold!r:.60}, which {error.reason}" for error in read.gold_errors), "")
        raise InputError(
            f"{path} has no problem to probe with: nobody can be graded by its answers{shown}; give final answers in "
            f"its column 'answer', and their --kind"
        )
    asked: dict[str, Problem] = {}
    for problem in read.problems:
        asked.setdefault(question_hash(problem.question), problem)
    problems = list(asked.values())
    if len({problem.id for problem in problems}) < len(problems):
        # Ids that are counted anew in every domain tell no problems apart.
        problems = [replace(problem, id=key) for key, problem in asked.items()]
    return FileProbingSet(
        _first_of_each_domain(problems, per_domain), len(read.gold_errors), len(read.problems) - len(problems)
    )


def _first_of_each_domain(problems: Iterable[Problem], per_domain: int | None) -> list[Problem]:
    taken: Counter[str] = Counter()
    kept = []
    for problem in problems:
        if per_domain is None or taken[problem.domain] < per_domain:
            taken[problem.domain] += 1
            kept.append(problem)
    return kept
