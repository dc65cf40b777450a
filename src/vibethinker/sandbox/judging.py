"""From a process report and claims to outcomes: the only place where expected values meet what a program wrote."""

import math
import os
import signal
from dataclasses import dataclass
from typing import Any

from vibethinker.sandbox import values
from vibethinker.sandbox.jobs import CallTest, Limits, Outcome, StdioTest
from vibethinker.sandbox.zygote_process import ProcessReport

_KINDS = {
    "memory": Outcome.MEMORY_LIMIT,
    "recursion": Outcome.RECURSION_LIMIT,
    "threads": Outcome.THREAD_LIMIT,
    "output": Outcome.OUTPUT_LIMIT,
    "protocol": Outcome.PROTOCOL_ERROR,
    "wrong": Outcome.WRONG_ANSWER,
}
_EXCERPT = 200
_LINE_LIMIT = 4096  # of a claim that is no value
# The kernel counts processor time in ticks; it kills a little before or after the limit.
_CPU_SLACK_S = 0.05


@dataclass(frozen=True)
class Judgement:
    """One test's outcome and a line about it."""

    outcome: Outcome
    reason: str = ""


PASSED = Judgement(Outcome.PASSED)


@dataclass(frozen=True)
class Ending:
    """How a process ended, with what it left.

    Attributes:
        report: What the zygote saw.
        limits: Its limits.
        full: Whether standard output, error or the claims reached the size limit.
    """

    report: ProcessReport
    limits: Limits
    full: bool

    def abnormal(self) -> Judgement | None:
        """Return the judgement of a process that did not end by itself; None for one that exited."""
        report = self.report
        if report.ended_by == "cpu":
            return Judgement(Outcome.CPU_LIMIT, f"used its {self.limits.cpu_s:g} s of processor time")
        if report.ended_by == "wall":
            return Judgement(Outcome.TIMEOUT, f"not done after {self.limits.wall_limit_s:g} s")
        if not os.WIFSIGNALED(report.status):
            return Judgement(Outcome.OUTPUT_LIMIT, _over_output(self.limits)) if self.full else None
        number = os.WTERMSIG(report.status)
        if number == signal.SIGSYS:
            return Judgement(Outcome.SANDBOX_VIOLATION, "made a system call that only an attack makes")
        if number in (signal.SIGKILL, signal.SIGXCPU):
            if report.cpu_s >= self.limits.cpu_s - _CPU_SLACK_S:
                return Judgement(Outcome.CPU_LIMIT, f"used its {self.limits.cpu_s:g} s of processor time")
            return Judgement(Outcome.MEMORY_LIMIT, "killed by the kernel, which ran out of memory")
        if self.full:
            return Judgement(Outcome.OUTPUT_LIMIT, _over_output(self.limits))
        return Judgement(
            Outcome.CRASH, f"ended by {signal.Signals(number).name if number in set(signal.Signals) else number}"
        )

    def early(self) -> Judgement:
        """Return the judgement of a test whose process ended before it said anything about it."""
        status = os.waitstatus_to_exitcode(self.report.status) if not self.report.ended_by else 0
        return self.abnormal() or Judgement(
            Outcome.RUNTIME_ERROR, f"exited with status {status} before the test was done"
        )


def _over_output(limits: Limits) -> str:
    return f"wrote more than {limits.output_mb:g} MB"


class Claims:
    """The lines that a child wrote, read one at a time, so that a flood of them costs nothing."""

    def __init__(self, text: bytes) -> None:
        """Start at the first one."""
        self._text, self._position = text, 0

    def next(self) -> tuple[str, bytes] | None:
        """Return the letter and the rest of the next whole line; None at the end."""
        end = self._text.find(b"\n", self._position)
        if end < 0:
            return None
        line = self._text[self._position : end]
        self._position = end + 1
        return line[:1].decode("latin-1"), line[1:]


def failure_of(letter: str, content: bytes) -> Judgement:
    """Return the judgement of a claim that is not a value; whatever it holds, it is no pass."""
    try:
        data = values.parse(content[:_LINE_LIMIT])
        kind, text = str(data["kind"]), f"{data['type']}: {data['text']}"[:_EXCERPT]
    except (values.ValueFormatError, KeyError, TypeError):
        return Judgement(Outcome.PROTOCOL_ERROR, f"claimed {(letter.encode() + content[:60])!r}")
    if letter == "C":
        return Judgement(Outcome.COMPILE_ERROR, text)
    if letter == "N":
        return Judgement(Outcome.NO_ENTRY_POINT, str(data["text"])[:_EXCERPT])
    if letter == "F" and kind == "wrong":
        return Judgement(Outcome.WRONG_ANSWER, text.removeprefix(": "))
    if letter in ("E", "L", "F") and kind not in ("wrong", "protocol"):
        return Judgement(_KINDS.get(kind, Outcome.RUNTIME_ERROR), text)
    return Judgement(Outcome.PROTOCOL_ERROR, text)


def whole_program_failed(letter: str) -> bool:
    """Return whether a claim is about the program as a whole, so that no further test needs to run."""
    return letter in ("C", "L")


def judge_value(test: CallTest, content: bytes) -> Judgement:
    """Compare a claimed value with the expected one."""
    expected: Any = values.to_json(test.expected)
    if not values.may_equal(len(content), len(values.encode(test.expected))):
        return Judgement(Outcome.WRONG_ANSWER, f"returned {_shown(content)}")
    try:
        if values.equal(values.parse(content), expected, float_tolerance=test.float_tolerance):
            return PASSED
    except values.ValueFormatError as error:
        return Judgement(Outcome.PROTOCOL_ERROR, str(error))
    except (TypeError, ValueError, AttributeError, RecursionError, OverflowError, LookupError, MemoryError):
        return Judgement(Outcome.PROTOCOL_ERROR, "what it wrote is no value")
    return Judgement(Outcome.WRONG_ANSWER, f"returned {_shown(content)}")


def _shown(content: bytes) -> str:
    text = content[:_EXCERPT].decode("ascii", "replace")
    return text if len(content) <= _EXCERPT else text + "..."


def judge_stdout(test: StdioTest, printed: bytes) -> Judgement:
    """Compare what was printed with what was expected, token by token."""
    expected = test.expected.encode()
    if printed == expected:
        return PASSED
    wanted = expected.split()
    # One more than wanted is enough to know that there are too many; the rest is never split.
    got = printed.split(None, len(wanted) + 1)[: len(wanted) + 1]
    if len(got) == len(wanted) + 1 or len(got) < len(wanted):
        more = "more" if len(got) > len(wanted) else f"{len(got)}"
        return Judgement(Outcome.WRONG_ANSWER, f"printed {more} tokens, expected {len(wanted)}")
    for number, (a, b) in enumerate(zip(got, wanted, strict=True), start=1):
        if a != b and not _close(a, b, test.float_tolerance):
            shown = a[:60].decode("utf-8", "replace")
            return Judgement(Outcome.WRONG_ANSWER, f"token {number} is {shown!r}")
    return PASSED


def _close(got: bytes, wanted: bytes, tolerance: float | None) -> bool:
    if tolerance is None or len(got) > _EXCERPT:
        return False
    try:
        return math.isclose(float(got), float(wanted), rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return False
