"""One place of a sandbox: a zygote for programs and, once asserts are met, one for checkers; runs one job at a time."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vibethinker.sandbox import values
from vibethinker.sandbox.jobs import AssertTest, CallTest, Job, Limits, Outcome, Result, StdioTest, source_problem
from vibethinker.sandbox.judging import (
    PASSED,
    Claims,
    Ending,
    Judgement,
    failure_of,
    judge_stdout,
    judge_value,
    whole_program_failed,
)
from vibethinker.sandbox.tasks import threads_of_this_user
from vibethinker.sandbox.zygote_process import ProcessReport, ZygoteError, ZygoteProcess, ZygoteSettings, scratch_file

_MEGABYTE = 1 << 20
# Every test may fill a file in memory up to the output limit, beyond what the memory limit counts.
_TESTS_PER_PROCESS = 20
_ATTEMPTS = 3
# A program that has run into a time limit twice is not given more of the machine.
_TIME_LIMITS_BORNE = 2
_TIME_LIMITS = (Outcome.CPU_LIMIT, Outcome.TIMEOUT)
# Longer than the program's own limit, so that the program's process is the one that is told to have run out of time.
_CHECKER_MARGIN_S = 2.0
_CHECKER_MEMORY_MB = 1024
_SHOWN_BYTES = 1 << 16


class NeverConfinedError(Exception):
    """The child did not get as far as being confined, so nothing of the program ran."""


@dataclass
class _Tally:
    """What a job has used so far, and what it printed where it first failed."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0
    stdout: str = ""
    stderr: str = ""
    settled: bool = False

    def add(self, report: ProcessReport) -> None:
        self.cpu_s += report.cpu_s
        self.peak_mb = max(self.peak_mb, report.peak_mb)

    def show(self, judgement: Judgement, stdout: bytes, stderr: bytes) -> None:
        """Keep this test's output unless one that failed is kept already."""
        if not self.settled:
            self.stdout = stdout[:_SHOWN_BYTES].decode("utf-8", "replace")
            self.stderr = stderr[:_SHOWN_BYTES].decode("utf-8", "replace")
            self.settled = judgement.outcome is not Outcome.PASSED


class _Files:
    """The descriptors passed with a job, closed when it is over."""

    def __init__(self, job: dict[str, Any], stdins: Sequence[bytes]) -> None:
        import json

        self.passed: list[int] = []
        try:
            self._add(scratch_file(json.dumps(job).encode(), sealed=True))
            self.claims_at = self._add(scratch_file())
            self.stderr_at = self._add(scratch_file())
            self.stdouts_at = []
            for stdin in stdins:
                self._add(scratch_file(stdin, sealed=True))
                self.stdouts_at.append(self._add(scratch_file()))
        except OSError:
            self.close()
            raise

    def _add(self, descriptor: int) -> int:
        self.passed.append(descriptor)
        return descriptor

    def close(self) -> None:
        for descriptor in self.passed:
            os.close(descriptor)
        self.passed.clear()


def _read(descriptor: int, limit: int) -> bytes:
    return os.pread(descriptor, min(limit, os.fstat(descriptor).st_size), 0)


class Worker:
    """Runs jobs one after the other; used by one thread at a time."""

    def __init__(self, settings: ZygoteSettings, limits: Limits) -> None:
        """Prepare; zygotes start with the first job that needs them."""
        self._settings, self._limits = settings, limits
        self._zygotes: dict[str, ZygoteProcess] = {}

    def close(self) -> None:
        """End the zygotes."""
        for zygote in self._zygotes.values():
            zygote.close()
        self._zygotes.clear()

    def forget(self) -> None:
        """In a fork of the caller: let go of the parent's zygotes."""
        for zygote in self._zygotes.values():
            zygote.forget()
        self._zygotes.clear()

    def run(self, job: Job) -> Result:
        """Run a job to its result; trouble of the sandbox itself becomes a result with ``passed`` None."""
        start = time.monotonic()
        tally = _Tally()
        problem = source_problem(job.program)
        if problem is not None:
            judgements = [Judgement(Outcome.COMPILE_ERROR, problem)] * len(job.tests)
        else:
            judgements = _Run(self, job, job.limits or self._limits, tally).judgements()
        outcomes = tuple(judgement.outcome for judgement in judgements)
        first = next((outcome for outcome in outcomes if outcome is not Outcome.PASSED), Outcome.PASSED)
        unknown = Outcome.INFRASTRUCTURE_ERROR in outcomes
        return Result(
            passed=None if unknown else first is Outcome.PASSED,
            outcome=Outcome.INFRASTRUCTURE_ERROR if unknown else first,
            tests=outcomes,
            reasons=tuple(judgement.reason for judgement in judgements),
            stdout=tally.stdout,
            stderr=tally.stderr,
            cpu_s=tally.cpu_s,
            wall_s=time.monotonic() - start,
            peak_mb=tally.peak_mb,
        )

    def zygote(self, kind: str) -> ZygoteProcess:
        """Return the running zygote for "program" or "checker"."""
        if kind not in self._zygotes:
            self._zygotes[kind] = ZygoteProcess(self._settings)
        return self._zygotes[kind]

    def restart(self) -> None:
        """End zygotes that are in doubt; the next use starts new ones."""
        self.close()


class _Run:
    """One job on its way through a worker."""

    def __init__(self, worker: Worker, job: Job, limits: Limits, tally: _Tally) -> None:
        self._worker, self._job, self._limits, self._tally = worker, job, limits, tally
        self._found: dict[int, Judgement] = {}
        self._output_bytes = int(limits.output_mb * _MEGABYTE)

    def judgements(self) -> list[Judgement]:
        for kind, run in ((StdioTest, self._run_stdio), (CallTest, self._run_calls), (AssertTest, self._run_asserts)):
            indices = [index for index, test in enumerate(self._job.tests) if isinstance(test, kind)]
            for first in range(0, len(indices), _TESTS_PER_PROCESS):
                together = indices[first : first + _TESTS_PER_PROCESS]
                if self._worn_out():
                    self._skip(together)
                else:
                    self._attempt(run, together)
        return [self._found[index] for index in range(len(self._job.tests))]

    def _attempt(self, run: Callable[[list[int]], None], indices: list[int]) -> None:
        """Run tests that share a process, again when the sandbox itself fails."""
        trouble = ""
        for _ in range(_ATTEMPTS):
            todo = [index for index in indices if index not in self._found]
            try:
                if todo:
                    run(todo)
                return
            except (ZygoteError, NeverConfinedError, OSError) as error:
                trouble = str(error)
                self._worker.restart()
        for index in indices:
            self._found.setdefault(index, Judgement(Outcome.INFRASTRUCTURE_ERROR, trouble))

    def _worn_out(self) -> bool:
        """Tell whether no further test is to be run."""
        outcomes = [found.outcome for found in self._found.values()]
        if self._job.stop_at_failure and any(outcome is not Outcome.PASSED for outcome in outcomes):
            return True
        return sum(outcome in _TIME_LIMITS for outcome in outcomes) >= _TIME_LIMITS_BORNE

    def _skip(self, indices: Sequence[int], judgement: Judgement | None = None) -> None:
        for index in indices:
            self._found[index] = judgement or Judgement(Outcome.NOT_REACHED, "an earlier test ended it")

    def _request(self, limits: Limits, descriptors: Sequence[int]) -> dict[str, Any]:
        return {
            "cpu_s": limits.cpu_s,
            "wall_s": limits.wall_limit_s,
            "memory_mb": limits.memory_mb,
            "output_mb": limits.output_mb,
            "threads": limits.threads,
            "descriptors": len(descriptors),
            "foreign_tasks": threads_of_this_user() if self._worker.zygote("program").counts_all_threads else 0,
        }

    def _execute(self, files: _Files) -> Ending:
        zygote = self._worker.zygote("program")
        zygote.send(self._request(self._limits, files.passed), files.passed)
        return self._ending(zygote.receive(self._limits.wall_limit_s), files)

    def _ending(self, report: ProcessReport, files: _Files) -> Ending:
        if not report.confined:
            words = _read(files.stderr_at, 300).decode("utf-8", "replace")
            raise NeverConfinedError(f"the program's process was not confined (status {report.status}) {words}")
        self._tally.add(report)
        written = (files.claims_at, files.stderr_at, *files.stdouts_at)
        full = any(os.fstat(descriptor).st_size >= self._output_bytes for descriptor in written)
        return Ending(report, self._limits, full)

    def _run_stdio(self, indices: list[int]) -> None:
        """Run tests in one process; from the first that fails on, if it was not alone, each in its own."""
        judged = self._stdio_process(indices)
        for index in indices[judged:]:
            if self._worn_out():
                self._skip([index])
            else:
                self._stdio_process([index])

    def _stdio_process(self, indices: list[int]) -> int:
        """Judge tests up to the first failure, which is left open if it shared the process; return how many."""
        tests: list[StdioTest] = [self._job.tests[index] for index in indices]  # type: ignore[misc]
        payload = {"mode": "stdio", "program": self._job.program, "tests": len(tests)}
        files = _Files(payload, [test.stdin.encode() for test in tests])
        try:
            ending = self._execute(files)
            claims = Claims(_read(files.claims_at, self._output_bytes))
            # A process that did not end well may have claimed the end of tests that never ended.
            ended_well = ending.abnormal() is None and not ending.report.status
            for number, test in enumerate(tests):
                judgement = self._stdio_judgement(test, claims, ending, files.stdouts_at[number], alone=len(tests) == 1)
                passed = judgement.outcome is Outcome.PASSED
                if judgement.outcome is Outcome.COMPILE_ERROR:
                    self._skip(indices, judgement)
                    return len(indices)
                if (number > 0 and not passed) or (passed and not ended_well):
                    return number
                stdout, stderr = (_read(fd, _SHOWN_BYTES) for fd in (files.stdouts_at[number], files.stderr_at))
                self._tally.show(judgement, stdout, stderr)
                self._found[indices[number]] = judgement
                if not passed:
                    return 1
        finally:
            files.close()
        return len(indices)

    def _stdio_judgement(
        self, test: StdioTest, claims: Claims, ending: Ending, stdout: int, *, alone: bool
    ) -> Judgement:
        """Judge a test by how it ended (by how the process did, if it was alone or the last) and what it printed."""
        error: Judgement | None = None
        claim = claims.next()
        while claim is not None and claim[0] != "D":
            error = error or failure_of(*claim)
            claim = claims.next()
        if claim is None or alone:
            abnormal, failed = ending.abnormal(), bool(ending.report.status)
        else:
            abnormal, failed = None, claim[1] != b"0"
        if abnormal is not None:
            return abnormal
        if error is not None or failed:
            return error or Judgement(Outcome.RUNTIME_ERROR, "ended with an exit status other than 0")
        return judge_stdout(test, _read(stdout, self._output_bytes))

    def _run_calls(self, indices: list[int]) -> None:
        """Run calls in one process; one that ended the process, and what follows it, go on in a new one."""
        todo = indices
        while todo:
            if self._worn_out():
                self._skip(todo)
                return
            done = self._calls_process(todo)
            todo = todo[done:]

    def _calls_process(self, indices: list[int]) -> int:
        tests: list[CallTest] = [self._job.tests[index] for index in indices]  # type: ignore[misc]
        calls = [{"function": t.function, "arguments": values.to_json(list(t.arguments))} for t in tests]
        payload = {"mode": "calls", "program": self._job.program, "calls": calls}
        files = _Files(payload, [b""])
        try:
            ending = self._execute(files)
            claims = Claims(_read(files.claims_at, self._output_bytes))
            stdout, stderr = _read(files.stdouts_at[0], _SHOWN_BYTES), _read(files.stderr_at, _SHOWN_BYTES)
        finally:
            files.close()
        for number, test in enumerate(tests):
            claim = claims.next()
            if claim is None:
                if number > 0:
                    # The calls before it used up part of what it may have: it starts the next process.
                    return number
                judgement = ending.early()
            elif claim[0] == "V":
                judgement = judge_value(test, claim[1])
            else:
                judgement = failure_of(*claim)
            self._tally.show(judgement, stdout, stderr)
            if claim is not None and whole_program_failed(claim[0]):
                self._skip(indices[number:], judgement)
                return len(indices)
            self._found[indices[number]] = judgement
            if claim is None:
                return 1
        if ending.abnormal() is not None:
            # It returned every value, then was killed on the way out or wrote too much: not a program that works.
            self._fail_last(indices, ending)
        return len(indices)

    def _fail_last(self, indices: list[int], ending: Ending) -> None:
        self._found[indices[-1]] = ending.early()

    def _run_asserts(self, indices: list[int]) -> None:
        todo = indices
        while todo:
            if self._worn_out():
                self._skip(todo)
                return
            todo = todo[self._assert_processes(todo) :]

    def _assert_processes(self, indices: list[int]) -> int:
        """Run the program and the checker side by side; return for how many tests there is a judgement now."""
        tests: list[AssertTest] = [self._job.tests[index] for index in indices]  # type: ignore[misc]
        serve = {"mode": "serve", "program": self._job.program, "frame_limit": self._output_bytes}
        asserts = [{"function": t.function, "code": t.code, "setup": t.setup} for t in tests]
        check = {"mode": "check", "tests": asserts, "frame_limit": self._output_bytes}
        program, checker = _Files(serve, [b""]), _Files(check, [b""])
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            own = self._limits
            checker_limits = Limits(
                own.cpu_s + _CHECKER_MARGIN_S,
                own.wall_limit_s + _CHECKER_MARGIN_S,
                _CHECKER_MEMORY_MB,
                own.output_mb,
                own.threads,
            )
            zygotes = self._worker.zygote("program"), self._worker.zygote("checker")
            for zygote, files, end, limits in zip(
                zygotes, (program, checker), ends, (own, checker_limits), strict=True
            ):
                passed = [*files.passed, end.fileno()]
                zygote.send(self._request(limits, passed), passed)
                end.close()
            program_report = zygotes[0].receive(own.wall_limit_s)
            checker_report = zygotes[1].receive(checker_limits.wall_limit_s)
            ending = self._ending(program_report, program)
            checker_ending = self._ending(checker_report, checker)
            verdicts = Claims(_read(checker.claims_at, self._output_bytes))
            said = Claims(_read(program.claims_at, self._output_bytes)).next()
            stdout, stderr = _read(program.stdouts_at[0], _SHOWN_BYTES), _read(program.stderr_at, _SHOWN_BYTES)
        finally:
            for end in ends:
                end.close()
            program.close()
            checker.close()
        for number in range(len(tests)):
            verdict = verdicts.next()
            judgement, over = self._assert_judgement(verdict, said, ending, checker_ending)
            if over and number > 0:
                return number
            self._tally.show(judgement, stdout, stderr)
            whole = over and said is not None and (whole_program_failed(said[0]) or said[0] == "N")
            for index in indices[number:] if whole else [indices[number]]:
                self._found[index] = judgement
            if over:
                return len(indices) if whole else 1
        if ending.abnormal() is not None:
            self._fail_last(indices, ending)
        return len(indices)

    def _assert_judgement(
        self, verdict: tuple[str, bytes] | None, said: tuple[str, bytes] | None, ending: Ending, checker: Ending
    ) -> tuple[Judgement, bool]:
        """Return a test's judgement and whether the processes were over with it."""
        if verdict is None:
            return checker.early(), True
        if verdict[0] == "P":
            return PASSED, False
        if b'"kind": "gone"' not in verdict[1]:
            return failure_of(*verdict), b'"kind": "protocol"' in verdict[1]
        return (ending.abnormal() or (failure_of(*said) if said is not None else ending.early())), True
