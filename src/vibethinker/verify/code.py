"""Judges programs: the last fenced block of a response is run in the sandbox against the tests that are its gold.

The gold of a code problem is its tests, as JSON text in one of these forms; no other key is allowed.

Calls of a function, ``f`` or ``Solution.f``; values are compared as Python's, a list is met by a tuple too::

    {"function": "f", "calls": [{"arguments": [1, 2], "expected": 3}, ...], "float_tolerance": 1e-6}

Runs of the whole program, compared token by token::

    {"stdio": [{"input": "1 2", "output": "3"}, ...], "float_tolerance": 1e-6}

Asserts that call ``candidate`` or the function by its name (MBPP), or that define ``check(candidate)`` (HumanEval); a
list of texts is as many tests; ``setup`` is code run before them, for names that they use::

    {"function": "f", "asserts": "assert candidate(1) == 2\\n...", "setup": "import math"}

A row of a flattened tests file, Parquet with the columns ``id`` and ``tests`` (a text of one of the forms above); the
path is relative to the working directory, and the file is read by row group when the row is needed::

    {"tests_in": "tests.parquet", "id": "train-17"}

``float_tolerance`` is optional: the difference, absolute or relative, that numbers may have. The first three forms may
also have ``limits``, an object with any of ``cpu_s``, ``wall_s``, ``memory_mb`` and ``output_mb``: what a program may
use instead of what the sandbox grants (``vibethinker.sandbox.Limits``), up to ``code_tests.LIMITS``.

A gold without tests, or whose tests a program that does nothing would pass, is a ``gold_error``.

``VIBETHINKER_SANDBOX_LEVEL`` is the weakest confinement to accept, 0 to 3; 2 where it is not set. A machine that does
not offer it raises ``SandboxUnavailableError`` instead of judging: only somebody who trusts the programs lowers it.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vibethinker.errors import InputError
from vibethinker.records import Verdict, VerdictStatus
from vibethinker.sandbox import Job, Outcome, Result, Sandbox
from vibethinker.verify.code_tests import CodeGoldError, read_tests
from vibethinker.verify.extract import Extraction
from vibethinker.verify.program import extract_program

LEVEL_VARIABLE = "VIBETHINKER_SANDBOX_LEVEL"
DEFAULT_LEVEL = 2

_STATUSES: Mapping[Outcome, VerdictStatus] = {
    Outcome.PASSED: "match",
    Outcome.COMPILE_ERROR: "unparseable",
    Outcome.NO_ENTRY_POINT: "unparseable",
    Outcome.CPU_LIMIT: "timeout",
    Outcome.TIMEOUT: "timeout",
    Outcome.INFRASTRUCTURE_ERROR: "infrastructure_error",
}
"""Statuses of outcomes; all others are a ``mismatch``."""

# Programs handed to the sandbox at once: their tests are held as long as they run.
_WAVE_CHARACTERS, _WAVE_PROGRAMS = 32 * 2**20, 512
_SHOWN_CHARACTERS = 60
_REASON_CHARACTERS = 200


@dataclass(frozen=True)
class Trial:
    """What came of one response.

    Attributes:
        verdict: The verdict.
        result: What the sandbox found; None where there was nothing to run.
    """

    verdict: Verdict
    result: Result | None = None


@dataclass
class _Wave:
    """Programs that run side by side, each with the places of the responses that hold it."""

    jobs: list[Job] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)
    characters: int = 0

    def full(self) -> bool:
        return self.characters >= _WAVE_CHARACTERS or len(self.jobs) >= _WAVE_PROGRAMS


class CodeVerifier:
    """Runs the program of a response against its tests; right where all of them pass.

    One sandbox with a worker per core is started with the first program and shared by all verifiers.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        """Choose the sandbox; the shared one by default."""
        self._sandbox = sandbox

    def __call__(self, gold: str, response: str) -> Verdict:
        """Return the verdict; never raises on what a gold or a response holds.

        Raises:
            SandboxUnavailableError: If this machine does not offer the confinement asked for.
        """
        return self.judge_many([gold], [response])[0]

    def judge_many(self, golds: Sequence[str], responses: Sequence[str]) -> list[Verdict]:
        """Return the verdicts in order; programs run side by side, and equal ones with equal golds once."""
        return [trial.verdict for trial in self.try_many(golds, responses, all_tests=False)]

    def check(self, gold: str) -> str | None:
        """Say in one line why a gold cannot be graded by; None where its form is right. Runs nothing."""
        try:
            read_tests(gold)
        except CodeGoldError as error:
            return str(error)
        return None

    def try_many(self, golds: Sequence[str], responses: Sequence[str], *, all_tests: bool = True) -> list[Trial]:
        """Return verdicts together with what the sandbox found, in order; see ``judge_many``.

        Without ``all_tests`` a program is run up to the first test that it fails: the verdict is the same.
        """
        trials: dict[int, Trial] = {}
        extractions: list[tuple[Extraction, float]] = []
        programs: dict[str, dict[str | None, list[int]]] = {}
        for place, (gold, response) in enumerate(zip(golds, responses, strict=True)):
            started = time.perf_counter()
            extraction = extract_program(response)
            extractions.append((extraction, (time.perf_counter() - started) * 1000))
            programs.setdefault(gold, {}).setdefault(extraction.answer, []).append(place)
        wave = _Wave()
        for gold, found in programs.items():
            try:
                tests = read_tests(gold)
            except CodeGoldError as error:
                reason = f"the tests {_short(gold)}: {error}"
                for place in (place for places in found.values() for place in places):
                    extraction, ms = extractions[place]
                    trials[place] = Trial(Verdict(None, "gold_error", extraction.answer, reason, ms=ms))
                continue
            wave.characters += tests.size
            for program, places in found.items():
                if program is None:
                    trials.update((place, _without_program(*extractions[place])) for place in places)
                    continue
                wave.jobs.append(Job(program, tests.tests, tests.limits, stop_at_failure=not all_tests))
                wave.places.append(places)
                if wave.full():
                    trials.update(self._run(wave, extractions))
                    wave = _Wave(characters=tests.size)
        trials.update(self._run(wave, extractions))
        return [trials[place] for place in range(len(extractions))]

    def _run(self, wave: _Wave, extractions: Sequence[tuple[Extraction, float]]) -> dict[int, Trial]:
        """Run the programs of a wave; of equal ones the first has the time that it took."""
        if not wave.jobs:
            return {}
        sandbox = self._sandbox if self._sandbox is not None else shared_sandbox()
        trials = {}
        for job, result, places in zip(wave.jobs, sandbox.run(wave.jobs), wave.places, strict=True):
            verdict = verdict_of(job.program, result)
            for place in places:
                ms = extractions[place][1] + (result.wall_s * 1000 if place == places[0] else 0)
                trials[place] = Trial(replace(verdict, ms=ms), result)
        return trials


def passed_share(result: Result) -> float | None:
    """Return the share of its tests that a program passed, in [0, 1]; None where that is not known.

    For analysis. As a reward it would pay for special cases: a verdict is right only where all tests pass.
    """
    if result.passed is None:
        return None
    return sum(outcome is Outcome.PASSED for outcome in result.tests) / len(result.tests)


def passed_shares(golds: Sequence[str], responses: Sequence[str], sandbox: Sandbox | None = None) -> list[float | None]:
    """Return for each response the share of the tests that it passes, in order; 0 for one without a program.

    None stands where the tests cannot be used or the sandbox itself failed. See ``passed_share``.
    """
    trials = CodeVerifier(sandbox).try_many(golds, responses)
    return [
        passed_share(trial.result) if trial.result is not None else (None if trial.verdict.correct is None else 0.0)
        for trial in trials
    ]


def verdict_of(program: str, result: Result) -> Verdict:
    """Return the verdict that a program's result comes to; correct is None where the sandbox itself failed."""
    status = _STATUSES.get(result.outcome, "mismatch")
    return Verdict(result.passed, status, program, describe(result), "sandbox")


def describe(result: Result) -> str:
    """Say in one line what came of a program: ``wrong_answer in test 3 of 6: returned 5``."""
    count = len(result.tests)
    if result.passed:
        return f"passed {count} of {count} tests"
    # A result that is not known may hold failures too: what it is called after is what counts.
    place = result.tests.index(result.outcome)
    about = " ".join(result.reasons[place].split())[:_REASON_CHARACTERS] if place < len(result.reasons) else ""
    return f"{result.outcome} in test {place + 1} of {count}" + (f": {about}" if about else "")


def minimum_level() -> int:
    """Return the weakest confinement to accept: what ``VIBETHINKER_SANDBOX_LEVEL`` says, or 2.

    Raises:
        InputError: If it says something else than 0, 1, 2 or 3.
    """
    text = os.environ.get(LEVEL_VARIABLE, "").strip() or str(DEFAULT_LEVEL)
    if text not in {"0", "1", "2", "3"}:
        raise InputError(f"{LEVEL_VARIABLE} must be 0, 1, 2 or 3, got {text!r}: unset it for {DEFAULT_LEVEL}")
    return int(text)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_SHARED: list[Sandbox] = []
_SHARED_LOCK = threading.Lock()


def shared_sandbox() -> Sandbox:
    """Return the process's sandbox; its processes start with the first program.

    Raises:
        InputError: If ``VIBETHINKER_SANDBOX_LEVEL`` says something else than 0, 1, 2 or 3.
    """
    with _SHARED_LOCK:
        if not _SHARED:
            _SHARED.append(Sandbox(workers=available_cores(), minimum_level=minimum_level()))
        return _SHARED[0]


def _without_program(extraction: Extraction, ms: float) -> Trial:
    status = "no_answer" if extraction.status == "found" else extraction.status
    return Trial(Verdict(False, status, None, extraction.reason, "extraction", ms))


def _short(gold: str) -> str:
    return repr(gold if len(gold) <= _SHOWN_CHARACTERS else f"{gold[:_SHOWN_CHARACTERS]}...")
