"""Who judges answers in the benchmark: ours, math-verify with its defaults and as verl calls it; killable."""

import contextlib
import importlib
import importlib.util
import logging
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from vibethinker.verify import verify_answer

Judge = Callable[[str, str], bool | None]
"""Takes a gold and a response; None where it says that it cannot tell."""

MEMORY_LIMIT = 4 * 2**30
"""Bytes that a judge's own process may map."""

START_S = 60.0
HUNG, DIED = "hung", "died"


def _ours() -> Judge:
    return lambda gold, response: verify_answer(gold, response).correct


def _ours_any() -> Judge:
    return lambda gold, response: verify_answer(gold, response, mode="any").correct


def _math_verify() -> Judge:
    """Use math-verify's defaults, the gold between dollars: bare LaTeX is not looked for in what it parses."""
    library = importlib.import_module("math_verify")

    def judge(gold: str, response: str) -> bool:
        return bool(library.verify(library.parse(f"${gold}$"), library.parse(response)))

    return judge


def _verl() -> Judge:
    """Do as verl/utils/reward_score/math_verify.py does; whatever is raised there is no reward."""
    library = importlib.import_module("math_verify")
    metric = importlib.import_module("math_verify.metric").math_metric(
        gold_extraction_target=(library.LatexExtractionConfig(),),
        pred_extraction_target=(library.ExprExtractionConfig(), library.LatexExtractionConfig()),
    )

    def judge(gold: str, response: str) -> bool:
        with contextlib.suppress(Exception):
            return bool(metric([rf"\boxed{{{gold}}}"], [response])[0])
        return False

    return judge


OURS, OURS_ANY, DEFAULTS, VERL = "ours", "ours, mode any", "math-verify", "math-verify, verl's call"
_MAKERS: dict[str, Callable[[], Judge]] = {OURS: _ours, OURS_ANY: _ours_any, DEFAULTS: _math_verify, VERL: _verl}


def peers() -> list[str]:
    """Return the names of those of the others that are installed."""
    return [DEFAULTS, VERL] if importlib.util.find_spec("math_verify") else []


def load_judge(name: str) -> Judge:
    """Return the judge of that name; math-verify's warnings of every answer that it cannot read are silenced."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    return _MAKERS[name]()


@dataclass(frozen=True)
class Judged:
    """What became of one pair: the answer or what was raised (``HUNG`` where it was killed), and wall seconds."""

    correct: bool | None
    error: str
    seconds: float


class JudgeProcess:
    """A judge in a process of its own that is killed, and started anew, when it takes longer than ``limit_s``."""

    def __init__(self, name: str, *, limit_s: float) -> None:
        self.name, self.limit_s = name, limit_s
        self.growth = 0
        """Most bytes by which a process's resident memory has grown over what it began with."""
        self._start()

    def __call__(self, gold: str, response: str) -> Judged:
        """Judge one pair."""
        start = time.perf_counter()
        self._connection.send((gold, response))
        try:
            answered = self._connection.recv() if self._connection.poll(self.limit_s) else None
        except EOFError:
            self._restart()
            return Judged(None, DIED, time.perf_counter() - start)
        self.growth = max(self.growth, self._peak() - self._first)
        if answered is None:
            self._restart()
            return Judged(None, HUNG, self.limit_s)
        return Judged(*answered)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.name, theirs), daemon=False)
        self._process.start()
        theirs.close()
        if not self._connection.poll(START_S):
            raise TimeoutError(f"{self.name} did not start within {START_S:.0f} s")
        self._connection.recv()
        self._first = self._peak()

    def _restart(self) -> None:
        self.close()
        self._start()

    def _peak(self) -> int:
        """Return the most resident memory that the process has had, in bytes; 0 where Linux's /proc is missing."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0


def _serve(name: str, connection: Connection) -> None:
    """Judge what comes until nothing comes any more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    judge = load_judge(name)
    # Whatever is only loaded or started for answers that are hard to read is so before the first is timed.
    judge("5", r"\boxed{\frac{10}{2}}")
    judge("5", r"\boxed{\int_0^1 x\,dx}")
    connection.send("ready")
    while True:
        try:
            gold, response = connection.recv()
        except EOFError:
            return
        start = time.perf_counter()
        correct, error = None, ""
        # Whatever a peer raises is a result here.
        try:
            correct = judge(gold, response)
        except BaseException as raised:
            error = type(raised).__name__
        connection.send((correct, error, time.perf_counter() - start))
