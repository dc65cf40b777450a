"""Hostile answers: none is called right, none raises, none stalls, none runs, and none leaves memory behind."""

import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from hostile_answers import HostilePair, boxed, hostile_pairs
from hostile_code import python_payloads
from vibethinker.records import VERDICT_STATUSES, Verdict
from vibethinker.verify import verify_answer

pytestmark = pytest.mark.slow

BOUND_S = 2.5
"""The slow path's deadline is 2 s at most; the rest is for reading megabytes on a busy machine."""

GROWTH_BYTES = 48 * 2**20
"""Room for what allocators keep; one flood kept would be more than what is left of it over a thousand pairs."""


HANG_S = 10
"""A pair that takes so long is given up, so that a verifier that hangs fails this test instead of stopping it."""

SLOW_S, SLOW_AGAIN = 0.5, 6
"""Of the pairs over ``SLOW_S`` seconds on the main thread, so many are judged again in another."""


@dataclass(frozen=True)
class Outcome:
    """What came of one pair: the verdict or what was raised, and wall seconds."""

    name: str
    expect: str
    verdict: Verdict | None
    raised: str
    seconds: float


@dataclass(frozen=True)
class Rounds:
    """Pairs by name, on the main thread and once more in another, and resident bytes after each round."""

    here: dict[str, Outcome]
    in_a_thread: dict[str, Outcome]
    resident: list[int]
    canary: Path


class Hung(BaseException):
    """Nobody catches it by the way."""


def give_up(*_: object) -> None:
    raise Hung


def judge_on_main_thread(canary: Path) -> dict[str, Outcome]:
    before = signal.signal(signal.SIGALRM, give_up)
    outcomes = {}
    try:
        for pair in hostile_pairs(str(canary)):
            signal.alarm(HANG_S)
            outcomes[pair.name] = judge(pair)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return outcomes


def judge_some(canary: Path, names: set[str]) -> dict[str, Outcome]:
    return {pair.name: judge(pair) for pair in hostile_pairs(str(canary)) if pair.name in names}


def judge(pair: HostilePair) -> Outcome:
    start = time.perf_counter()
    verdict, raised = None, ""
    # SystemExit and KeyboardInterrupt would be the answer's doing as well.
    try:
        verdict = verify_answer(pair.gold, pair.response)
    except BaseException as error:
        raised = repr(error)[:200]
    return Outcome(pair.name, pair.expect, verdict, raised, time.perf_counter() - start)


def both(rounds: Rounds) -> list[Outcome]:
    return [*rounds.here.values(), *rounds.in_a_thread.values()]


def resident_bytes() -> int:
    """Return this process's resident memory; 0 where there is no /proc."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    canary = tmp_path_factory.mktemp("canary") / "written"
    # The workers of the slow path start with the first answer that needs them.
    verify_answer("5", boxed(r"\int_0^1 x\,dx"))
    here = judge_on_main_thread(canary)
    resident = [resident_bytes()]
    slow = [name for name, each in here.items() if each.seconds > SLOW_S]
    again = set(here) - set(slow[SLOW_AGAIN:]) - {name for name, each in here.items() if each.raised}
    with ThreadPoolExecutor(1) as pool:
        in_a_thread = pool.submit(judge_some, canary, again).result()
    resident.append(resident_bytes())
    return Rounds(here, in_a_thread, resident, canary)


def test_there_are_hundreds_and_each_has_a_name() -> None:
    names = [pair.name for pair in hostile_pairs()]
    assert len(set(names)) == len(names) >= 200


@pytest.mark.parametrize("number", range(len(python_payloads(""))))
def test_the_injected_code_would_write_the_canary_if_it_were_evaluated(number: int, tmp_path: Path) -> None:
    canary = tmp_path / "written"
    payload = python_payloads(str(canary))[number]
    subprocess.run([sys.executable, "-c", f"import warnings; eval({payload!r})"], check=False, capture_output=True)
    assert canary.exists()


def test_no_hostile_answer_raises_on_any_thread(rounds: Rounds) -> None:
    assert [(each.name, each.raised) for each in both(rounds) if each.raised] == []


def test_no_hostile_answer_is_called_right(rounds: Rounds) -> None:
    right = {each.name: each.verdict.extracted for each in both(rounds) if each.verdict and each.verdict.correct}
    open_to_convention = {each.name for each in both(rounds) if each.expect == "any"}
    assert {name: extracted for name, extracted in right.items() if name not in open_to_convention} == {}


def test_every_verdict_of_a_hostile_answer_is_whole(rounds: Rounds) -> None:
    for each in both(rounds):
        if each.verdict is None:
            continue
        assert each.verdict.status in VERDICT_STATUSES
        assert each.verdict.correct is {"match": True, "gold_error": None}.get(each.verdict.status, False)
        assert len(each.verdict.reason) <= 1_000


def test_no_hostile_answer_takes_longer_than_its_deadline(rounds: Rounds) -> None:
    slow = [(each.name, round(each.seconds, 2)) for each in both(rounds) if each.seconds > BOUND_S]
    assert slow == []


def test_no_hostile_answer_runs_code(rounds: Rounds) -> None:
    assert rounds.here
    assert not rounds.canary.exists()


def test_the_verdict_is_the_same_off_the_main_thread(rounds: Rounds) -> None:
    pairs = [(rounds.here[name], there) for name, there in rounds.in_a_thread.items()]
    # A deadline in wall time may fall either way on a busy machine.
    other = [
        (here.name, here.verdict, there.verdict)
        for here, there in pairs
        if here.verdict != there.verdict
        and not {"timeout"} & {each.verdict.status for each in (here, there) if each.verdict}
    ]
    assert other == []


def test_hostile_answers_leave_no_memory_behind(rounds: Rounds) -> None:
    first, second = rounds.resident
    assert second - first < GROWTH_BYTES


def test_a_good_answer_is_still_right_after_all_of_them(rounds: Rounds) -> None:
    assert rounds.here
    assert verify_answer("5", boxed(r"\frac{10}{2}")).correct
