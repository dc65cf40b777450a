"""One program from a file, run in the sandbox, and what is shown of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError
from vibethinker.observe.formats import counted, decimal, printable
from vibethinker.sandbox import Job, Level, Outcome, Result, Sandbox
from vibethinker.verify.code import describe, minimum_level
from vibethinker.verify.code_tests import CodeGoldError, read_tests
from vibethinker.verify.program import MAX_PROGRAM_BYTES

MAX_TESTS_BYTES = 256 * 2**20
"""A larger file of tests is refused; rows of a flattened file may point at more."""

_SHOWN_LINES = 8
_REASON_CHARACTERS = 120


@dataclass(frozen=True)
class ProgramRun:
    """What came of a program.

    Attributes:
        result: What the sandbox found.
        level: How it was confined.
    """

    result: Result
    level: Level


def run_program_file(program: Path, tests: Path) -> ProgramRun:
    """Run a program against tests of any form that ``vibethinker.verify.code`` names.

    Raises:
        InputError: If a file is missing, too large or no UTF-8, or the tests are of no such form.
        SandboxUnavailableError: If this machine does not offer the confinement asked for.
    """
    source = _read(program, MAX_PROGRAM_BYTES)
    text = _read(tests, MAX_TESTS_BYTES)
    try:
        found = read_tests(text)
    except CodeGoldError as error:
        raise InputError(f"--tests {tests}: {error}") from error
    with Sandbox(workers=1, minimum_level=minimum_level()) as sandbox:
        (result,) = sandbox.run([Job(source, found.tests, found.limits)])
        return ProgramRun(result, sandbox.level)


def as_json(run: ProgramRun) -> dict[str, Any]:
    """Return what ``--json`` prints: the verdict, each test's outcome and reason, what it used and how it was confined.

    ``passed`` is null where the sandbox itself failed; ``stdout`` and ``stderr`` are of the first test that did not
    pass, or of the last.
    """
    result = run.result
    return {
        "passed": result.passed,
        "outcome": str(result.outcome),
        "tests": [
            {"outcome": str(outcome), "reason": reason}
            for outcome, reason in zip(result.tests, result.reasons, strict=True)
        ],
        "cpu_s": round(result.cpu_s, 4),
        "wall_s": round(result.wall_s, 4),
        "peak_mb": round(result.peak_mb, 1),
        "stdout": result.stdout,
        "stderr": result.stderr,
        "level": run.level.number,
        "confinement": run.level.description,
        "weak": run.level.weak,
    }


def result_lines(run: ProgramRun) -> list[str]:
    """Say what came of a program: a line per test, the last words of standard error, and what it used."""
    result = run.result
    width = max(len(outcome) for outcome in result.tests)
    lines = [
        f"{number:>4}  {outcome:<{width}}  {_one_line(reason)}".rstrip()
        for number, (outcome, reason) in enumerate(zip(result.tests, result.reasons, strict=True), start=1)
    ]
    if not result.passed and result.stderr.strip():
        lines += [f"      | {printable(line)}" for line in result.stderr.strip().split("\n")[-_SHOWN_LINES:]]
    passed = sum(outcome is Outcome.PASSED for outcome in result.tests)
    if result.passed:
        lines.append(describe(result))
    else:
        lines.append(f"{result.outcome}: {passed} of {counted(len(result.tests), 'test')} passed")
    used = f"cpu {decimal(result.cpu_s, 3)} s · wall {decimal(result.wall_s, 3)} s · peak {result.peak_mb:.0f} MB"
    return [*lines, f"{used} · level {run.level.number}: {run.level.description}"]


def _one_line(reason: str) -> str:
    text = printable(" ".join(reason.split()))
    return text if len(text) <= _REASON_CHARACTERS else f"{text[:_REASON_CHARACTERS]}..."


def _read(path: Path, limit: int) -> str:
    if not path.is_file():
        raise InputError(f"{path} is no file" if path.exists() else f"no file {path}")
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise InputError(f"{path} is larger than the {limit:,} bytes that are allowed")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte {error.start + 1} is none of it") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
