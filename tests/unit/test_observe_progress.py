"""The display of a run or of a reading: the time left, its lines, and how it passes on the wish to stop."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vibethinker.errors import Interrupted
from vibethinker.observe.progress import Pace, ReadingProgress, RunDisplay

STAGES = [("problems", "data"), ("signal", "rl")]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def display(clock: Clock, **console: bool) -> tuple[RunDisplay, io.StringIO]:
    file = io.StringIO()
    made = Console(file=file, width=100, force_terminal=console.get("terminal", False), color_system=None)
    return RunDisplay(
        "quickstart", 7, Path("runs/quickstart"), "2 cores, fp32", STAGES, console=made, clock=clock
    ), file


def never() -> bool:
    return False


@given(
    done=st.integers(0, 10**6),
    counts=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    left=st.integers(0, 10**4),
    per_unit=st.floats(0.001, 100),
)
def test_at_a_steady_pace_the_estimate_is_exact_whatever_was_there_before(
    done: int, counts: list[int], left: int, per_unit: float
) -> None:
    now = 5.0
    pace = Pace(done + sum(counts) + left, done, now)
    for count in counts:
        now += count * per_unit
        pace.advance(count, now)
    assert pace.remaining_s(now) == pytest.approx(left * per_unit, rel=1e-6, abs=1e-6)


@given(
    advances=st.lists(st.tuples(st.integers(1, 9), st.floats(0, 100)), min_size=1, max_size=40),
    waits=st.tuples(st.floats(0, 1000), st.floats(0, 1000)),
)
def test_between_two_advances_the_estimate_falls_but_never_below_zero(
    advances: list[tuple[int, float]], waits: tuple[float, float]
) -> None:
    now = 0.0
    pace = Pace(100, 0, now)
    for count, seconds in advances:
        now += seconds
        pace.advance(count, now)
    sooner, later = (pace.remaining_s(now + wait) for wait in sorted(waits))
    assert sooner is not None
    assert later is not None
    # Times up to some thousand seconds carry rounding of about 1e-12.
    assert sooner >= later - 1e-9
    assert later >= -1e-9


def test_the_estimate_follows_the_recent_past() -> None:
    pace = Pace(1000, 0, 0.0)
    now = 0.0
    for seconds in [10.0] * 20 + [2.0] * 60:
        now += seconds
        pace.advance(1, now)
    assert pace.remaining_s(now) == pytest.approx(920 * 2.0)


def test_nothing_is_estimated_before_anything_is_done() -> None:
    assert Pace(10, 4, 0.0).remaining_s(50.0) is None


def test_a_log_has_a_header_and_lines_at_start_now_and_then_and_at_the_end() -> None:
    clock = Clock()
    shown, file = display(clock)
    with shown:
        shown.finish("problems", "kept", "4 domains", 4.0)
        progress = shown.stage("signal", never)
        progress.start(50, unit="step", done=20)
        for step in range(21, 51):
            clock.now += 1.0
            progress.advance(note=f"reward .{step}")
        shown.finish("signal", "done", "50 steps", 30.0)
    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert lines == [
        "quickstart · seed 7 · 2 cores, fp32 · runs/quickstart",
        "1 problems data 4 domains kept 4 s",
        "2 signal rl started",
        "2 signal rl step 30/50 · reward .30 60 % eta 20 s",
        "2 signal rl step 40/50 · reward .40 80 % eta 10 s",
        "2 signal rl step 50/50 · reward .50 100 % eta 0 s",
        "2 signal rl 50 steps done 30 s",
    ]
    assert "\x1b" not in file.getvalue()


def test_the_columns_of_a_log_stand_below_one_another() -> None:
    shown, file = display(Clock())
    with shown:
        for id_, _ in STAGES:
            shown.finish(id_, "done", "fine", 1.0)
    rows = file.getvalue().splitlines()[1:]
    assert len({row.index("fine") for row in rows}) == len({row.index("done") for row in rows}) == 1


def test_on_a_terminal_the_line_at_work_is_live_and_finished_ones_stay() -> None:
    clock = Clock()
    shown, file = display(clock, terminal=True)
    with shown:
        progress = shown.stage("problems", never)
        progress.start(4, unit="domain")
        clock.now += 1.0
        progress.advance(3, note="[bold]loss[/bold] .4")
        shown.console.print("a word between")
        with shown.console.capture() as live:
            shown.console.print(shown._unfinished())
        assert shown._live is not None
        shown._live.refresh()  # as its thread does four times a second
        shown.finish("problems", "done", "4 domains", 71.0)
    text = live.get()
    assert "domain 3/4 · [bold]loss[/bold] .4" in text
    assert "75 %" in text
    assert "eta <1 s" in text
    assert "━" in text
    assert "signal" in text
    final = file.getvalue().rpartition("4 domains")
    assert "done" in final[2]
    assert "71 s" in final[2]
    assert "domain 3/4" not in final[2]
    assert "a word between" in final[0]


def test_on_a_narrow_terminal_no_line_is_wider_than_the_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, color_system=None)
    with RunDisplay("quickstart", 7, Path("run"), "fp32", STAGES, console=console) as shown:
        progress = shown.stage("signal", never)
        progress.start(50, unit="step")
        progress.advance(note="reward .58 · no signal .37 · and more than fits in here")
        with console.capture() as live:
            console.print(shown._unfinished())
    rows = [row for row in live.get().splitlines() if "step" in row]
    assert len(rows) == 1
    assert len(rows[0]) <= 60


def test_a_warning_is_one_line_of_a_log_at_once_and_moves_nothing() -> None:
    clock = Clock()
    shown, file = display(clock)
    with shown:
        progress = shown.stage("signal", never)
        progress.warn("before any task")
        progress.start(50, unit="step")
        clock.now += 9.0
        progress.warn("signal step 9: [bold]reward[/bold]\x1b[2J stuck\nat 0; " + "give easier prompts " * 9)
        clock.now += 1.0
        progress.advance(note="reward .00")
    lines = file.getvalue().splitlines()[2:]
    told = "give easier prompts " * 9
    assert lines[0] == "warning: before any task"
    assert lines[1] == f"warning: signal step 9: [bold]reward[/bold]␛[2J stuck at 0; {told.strip()}"
    # The line that was due after ten seconds still comes.
    assert " ".join(lines[2].split()) == "2 signal rl step 1/50 · reward .00 2 % eta 8 min 10 s"
    assert len(lines) == 3


@pytest.mark.parametrize("width", [60, 100])
def test_on_a_terminal_a_warning_stands_above_the_live_lines_which_go_on(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    with RunDisplay("quickstart", 7, Path("run"), "fp32", STAGES, console=console) as shown:
        progress = shown.stage("signal", never)
        progress.start(50, unit="step")
        progress.advance(3)
        assert shown._live is not None
        shown._live.refresh()  # as its thread does four times a second
        before = len(file.getvalue())
        progress.warn("signal step 3: " + "the mean reward was at most .01; " * 6)
        written = file.getvalue()[before:]
        progress.advance(4)
        with console.capture() as live:
            console.print(shown._unfinished())
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written).replace("\r", "")
    rows = [row.rstrip() for row in plain.splitlines()]
    assert 0 <= plain.find("warning: signal step 3:") < plain.rfind("step 3/50")
    assert plain.count("reward") == 6
    assert max(len(row) for row in rows) <= width
    assert "step 7/50" in live.get()


def test_a_new_task_of_a_stage_counts_from_its_own_beginning() -> None:
    clock = Clock()
    shown, file = display(clock)
    with shown:
        progress = shown.stage("signal", never)
        progress.start(10, unit="prompt")
        clock.now += 500.0
        progress.advance(10, note="of the first task")
        progress.start(10, unit="step")
        clock.now += 11.0
        progress.advance(1)
    assert " ".join(file.getvalue().splitlines()[-1].split()) == "2 signal rl step 1/10 10 % eta 99 s"


def test_advance_counts_and_then_raises_when_the_user_has_asked_to_stop() -> None:
    wishes = [False]
    clock = Clock()
    shown, file = display(clock)
    with shown:
        progress = shown.stage("signal", lambda: wishes[-1])
        progress.start(50, unit="step")
        progress.advance()
        assert not progress.interrupt_requested()
        wishes.append(True)
        assert progress.interrupt_requested()
        clock.now += 20.0
        with pytest.raises(Interrupted):
            progress.advance()
        shown.finish("signal", "interrupted", "stopped", 20.0)
    assert "stopping · step 2/50" in file.getvalue()


def test_a_task_cannot_begin_behind_its_end_nor_advance_before_it_began() -> None:
    shown, _ = display(Clock())
    progress = shown.stage("signal", never)
    with pytest.raises(ValueError, match="call start"):
        progress.advance()
    with pytest.raises(ValueError, match="done=11, total=10"):
        progress.start(10, unit="step", done=11)


def test_a_task_of_nothing_is_shown_without_a_share() -> None:
    clock = Clock()
    shown, file = display(clock)
    progress = shown.stage("signal", never)
    progress.start(0, unit="prompt")
    clock.now += 12.0
    progress.advance(0)
    assert " ".join(file.getvalue().splitlines()[-1].split()) == "2 signal rl prompt 0/0 12 s"


def reading(clock: Clock, *, terminal: bool = False) -> tuple[ReadingProgress, io.StringIO]:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=terminal, color_system=None)
    return ReadingProgress("answers.jsonl", console=console, clock=clock), file


def test_without_a_terminal_the_reading_of_a_file_has_a_line_every_ten_seconds() -> None:
    clock = Clock()
    shown, file = reading(clock)
    with shown:
        shown.start(4_000_000, unit="bytes")
        for _ in range(3):
            clock.now += 4
            shown.advance(500_000, note="1,234 lines")
        assert file.getvalue() == "answers.jsonl · 37 % of 4.0 MB · 1,234 lines · eta 20 s\n"
        clock.now += 4
        shown.advance(500_000)
    assert file.getvalue().count("\n") == 1


def test_on_a_terminal_the_line_of_a_reading_lives_and_goes_away() -> None:
    clock = Clock()
    shown, file = reading(clock, terminal=True)
    with shown:
        shown.start(1000, unit="bytes")
        clock.now += 5
        shown.advance(500, note="3 lines")
    assert "50 % of 1.0 kB · 3 lines · eta 5 s" in file.getvalue()
    assert file.getvalue().endswith("\x1b[1A\x1b[2K")


def test_nothing_is_counted_before_a_file_is_begun() -> None:
    shown, _ = reading(Clock())
    with pytest.raises(ValueError, match="call start"):
        shown.advance(1)
    assert not shown.interrupt_requested()


def test_a_file_of_nothing_has_no_share() -> None:
    clock = Clock()
    shown, file = reading(clock)
    shown.start(0, unit="bytes")
    clock.now += 20
    shown.advance(0)
    assert file.getvalue() == "answers.jsonl\n"
