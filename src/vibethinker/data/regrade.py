"""Verdicts on anybody's outputs: a JSONL file in, a JSONL file of verdicts out, in constant memory.

A line in is an object with ``gold`` (or ``answer``) and ``prediction``, and, where there are any, ``id`` and for
multiple choice ``choices``. A line that is none of that is reported by its number and does not stop the rest.
"""

import contextlib
import json
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, get_args

from vibethinker.data.answer_lines import AnswerLine, MalformedLineError, parse_line, raw_lines, shortened
from vibethinker.errors import InputError, Interrupted, WorkError
from vibethinker.interfaces import Progress
from vibethinker.records import VERDICT_STATUSES, Verdict
from vibethinker.verify import get_verifier, verify_answer, verify_answers
from vibethinker.verify.extract import MAX_ANSWER_CHARACTERS, Mode
from vibethinker.verify.gold_check import check_gold

MODES: tuple[Mode, ...] = get_args(Mode)

LISTED = 20
"""Malformed lines and gold errors that are listed; all are counted."""

# Lines judged together: few while they are slow, so that the progress moves, many while they are fast.
_FEWEST_LINES, _MOST_LINES = 8, 256
_FAST_S, _SLOW_S = 0.2, 1.0
_BATCH_BYTES = 4 * 2**20
# References that an audit remembers; a file of rollouts has each as often as there are rollouts.
_REMEMBERED = 256


Parse = Callable[[bytes, int], AnswerLine]
Work = Callable[[list[AnswerLine], IO[bytes] | None], None]


class RegradeInterrupted(Interrupted):
    """The user asked to stop; nothing was written."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__()
        self.args = ("interrupted; nothing was written",)


@dataclass
class Listing:
    """How many there are of something, and the first of them.

    Attributes:
        count: All.
        first: The first ``LISTED``.
    """

    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: dict[str, Any]) -> None:
        """Count one more, and keep it if it is one of the first."""
        self.count += 1
        if self.count <= LISTED:
            self.first.append(entry)


@dataclass
class Audit:
    """What the reference answers of a file came to.

    Attributes:
        total: Lines that could be read.
        malformed: The others: line, reason.
        gold_errors: Lines whose reference answer nobody can be graded by: id, line, gold, and in an audit the reason.
        seconds: Wall time.
        output: The file written, if any.
    """

    total: int = 0
    malformed: Listing = field(default_factory=Listing)
    gold_errors: Listing = field(default_factory=Listing)
    seconds: float = 0.0
    output: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "total": self.total,
            "malformed": self.malformed.first,
            "malformed_count": self.malformed.count,
            "gold_errors": self.gold_errors.first,
            "gold_error_count": self.gold_errors.count,
            "seconds": round(self.seconds, 3),
            "output": None if self.output is None else str(self.output),
        }


@dataclass
class Grading(Audit):
    """What the predictions of a file came to.

    Attributes:
        statuses: Verdicts by status.
        ms: Milliseconds spent on them, by status.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    ms: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def judged(self) -> int:
        """Verdicts that are right or wrong."""
        return self.total - self.statuses["gold_error"] - self.statuses["infrastructure_error"]

    @property
    def correct(self) -> int:
        """Verdicts that are right."""
        return self.statuses["match"]

    @property
    def accuracy(self) -> float | None:
        """Share of the judged that is right, in [0, 1]; None where nothing was judged."""
        return self.correct / self.judged if self.judged else None

    def mean_ms(self, status: str) -> float | None:
        """Return the mean time of a verdict of this status; None where there is none."""
        return self.ms[status] / self.statuses[status] if self.statuses[status] else None

    def as_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        means = {status: self.mean_ms(status) for status in VERDICT_STATUSES}
        return {
            "total": self.total,
            "judged": self.judged,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "statuses": {status: self.statuses[status] for status in VERDICT_STATUSES},
            "mean_ms": {status: None if mean is None else round(mean, 3) for status, mean in means.items()},
            **super().as_json(),
        }


def regrade_file(
    path: Path, output: Path | None, progress: Progress, *, kind: str = "math", mode: str = "boxed"
) -> Grading:
    """Write a verdict for every line of a file: id, correct, status, reason, extracted, ms.

    The output appears when it is whole; its lines are in the file's order, without the malformed ones. ``id`` is the
    line's number where the line has none.

    Raises:
        InputError: If there is no such kind or mode or file, no line of it can be read, or the output cannot be
            written there.
        RegradeInterrupted: If the user asked to stop.
        WorkError: If writing fails on the way, or the machine cannot confine programs as asked.
    """
    grading = Grading(output=output)
    where = _checked_mode(kind, mode)

    def grade(lines: list[AnswerLine], out: IO[bytes] | None) -> None:
        for line, verdict in zip(lines, _verdicts(lines, kind, where, grading), strict=True):
            if verdict is None:
                continue
            grading.total += 1
            grading.statuses[verdict.status] += 1
            grading.ms[verdict.status] += verdict.ms
            if verdict.status == "gold_error":
                grading.gold_errors.add({"id": line.id, "line": line.number, "gold": shortened(line.gold)})
            _write(out, {"id": line.id, **_columns(verdict)})

    parse = partial(parse_line, predictions=True, choices=kind == "choice", tests=kind == "code")
    _pass_over(path, grading, progress, parse, grade)
    return grading


def audit_file(path: Path, output: Path | None, progress: Progress, *, kind: str = "math") -> Audit:
    """Check the reference answer of every line of a file; write the offenders: id, line, gold, reason.

    Raises:
        InputError: As ``regrade_file``.
        RegradeInterrupted: If the user asked to stop.
        WorkError: If writing fails on the way.
    """
    audit = Audit(output=output)
    _checked_mode(kind, "boxed")
    known: dict[str, str | None] = {}

    def check(lines: list[AnswerLine], out: IO[bytes] | None) -> None:
        if len(known) > _REMEMBERED:
            known.clear()
        for line in lines:
            try:
                reason = _gold_error(line, kind, known)
            except ValueError as error:
                audit.malformed.add({"line": line.number, "reason": str(error)})
                continue
            audit.total += 1
            if reason is not None:
                offender = {"id": line.id, "line": line.number, "gold": line.gold, "reason": reason}
                audit.gold_errors.add({**offender, "gold": shortened(line.gold)})
                _write(out, offender)

    parse = partial(parse_line, predictions=False, choices=kind == "choice", tests=kind == "code")
    _pass_over(path, audit, progress, parse, check)
    return audit


def _checked_mode(kind: str, mode: str) -> Mode:
    try:
        get_verifier(kind)
    except ValueError as error:
        raise InputError(f"--kind: {error}") from error
    if mode not in MODES:
        raise InputError(f"--mode {mode}: there is no such mode; use one of {', '.join(MODES)}")
    return mode


def _verdicts(lines: Sequence[AnswerLine], kind: str, mode: Mode, grading: Grading) -> Iterator[Verdict | None]:
    """Judge lines in their order; None stands for one whose choices are none, which is then malformed."""
    together = [line for line in lines if line.choices is None]
    verdicts = iter(
        verify_answers([line.gold for line in together], [line.prediction for line in together], kind, mode=mode)
    )
    for line in lines:
        if line.choices is None:
            yield next(verdicts)
            continue
        try:
            yield verify_answer(line.gold, line.prediction, kind, choices=line.choices, mode=mode)
        except ValueError as error:
            grading.malformed.add({"line": line.number, "reason": str(error)})
            yield None


def _gold_error(line: AnswerLine, kind: str, known: dict[str, str | None]) -> str | None:
    if line.choices is not None:
        return check_gold(line.gold, partial(verify_answer, kind=kind, choices=line.choices))
    if len(line.gold) > MAX_ANSWER_CHARACTERS:  # not to be kept
        return check_gold(line.gold, get_verifier(kind))
    if line.gold not in known:
        known[line.gold] = check_gold(line.gold, get_verifier(kind))
    return known[line.gold]


def _pass_over(path: Path, audit: Audit, progress: Progress, parse: Parse, work: Work) -> None:
    """Read a file once, give its lines to ``work`` in batches with the file to write to, and count the malformed."""
    began = time.monotonic()
    _check_places(path, audit.output)
    lines: list[AnswerLine] = []
    size, batch = 0, _FEWEST_LINES
    with path.open("rb") as file, _written_whole(audit.output) as out:
        progress.start(os.fstat(file.fileno()).st_size, unit="bytes")
        for number, raw, length in raw_lines(file):
            size += length
            try:
                if raw.strip():
                    lines.append(parse(raw, number))
            except MalformedLineError as error:
                audit.malformed.add({"line": number, "reason": str(error)})
            if len(lines) >= batch or size >= _BATCH_BYTES:
                started = time.monotonic()
                work(lines, out)
                batch = _next_batch(batch, time.monotonic() - started)
                progress.advance(size, note=f"{number:,} lines")
                lines, size = [], 0
        work(lines, out)
        progress.advance(size)
        if audit.total == 0:
            raise InputError(_nothing_read(path, audit))
    audit.seconds = time.monotonic() - began


def _next_batch(lines: int, seconds: float) -> int:
    """Return how many lines to judge together after so many took so long."""
    if seconds < _FAST_S:
        return min(2 * lines, _MOST_LINES)
    return max(lines // 2, _FEWEST_LINES) if seconds > _SLOW_S else lines


def _nothing_read(path: Path, audit: Audit) -> str:
    if not audit.malformed.count:
        return f"{path} holds no lines"
    first = audit.malformed.first[0]
    what = "its only line" if audit.malformed.count == 1 else f"none of its {audit.malformed.count:,} lines"
    verb = "cannot" if audit.malformed.count == 1 else "can"
    return f"{path}: {what} {verb} be read; line {first['line']}: {first['reason']}"


def _check_places(path: Path, output: Path | None) -> None:
    if not path.is_file():
        what = f"{path} is no file" if path.exists() else f"no file {path}"
        raise InputError(f"{what}: give the path of a JSONL file with a gold and a prediction in each line")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read: change its permissions or give a copy")
    if output is None:
        return
    if not output.parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {output.parent}: make it first")
    if output.exists():
        if not output.is_file():
            raise InputError(f"--output {output} is no file: name a file to write")
        if output.samefile(path):
            raise InputError(f"--output {output} is the file to read: name another")


@contextlib.contextmanager
def _written_whole(path: Path | None) -> Iterator[IO[bytes] | None]:
    """Give a file to write under a temporary name that takes its own at the end; nothing stays where that fails."""
    try:
        with contextlib.nullcontext() if path is None else _renamed_at_the_end(path.resolve()) as file:
            yield file
    except KeyboardInterrupt as error:
        raise RegradeInterrupted from error
    except OSError as error:
        raise WorkError(f"{error}; nothing was written") from error


@contextlib.contextmanager
def _renamed_at_the_end(path: Path) -> Iterator[IO[bytes]]:
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:64]}.", dir=path.parent)
    except OSError as error:
        raise InputError(f"--output {path}: cannot write there: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _columns(verdict: Verdict) -> dict[str, Any]:
    return {
        "correct": verdict.correct,
        "status": verdict.status,
        "reason": verdict.reason,
        "extracted": verdict.extracted,
        "ms": round(verdict.ms, 3),
    }


def _write(out: IO[bytes] | None, row: Mapping[str, Any]) -> None:
    if out is not None:
        # Half a surrogate pair, which JSON can hold, is no UTF-8; escaped it is JSON again.
        out.write(json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")
