"""What the grading of a file shows: its place in the file, the time it still needs, the rates at the end."""

import io

import pytest
from rich.console import Console

from vibethinker.data.regrade import Grading
from vibethinker.observe.grading import ReadingProgress, closing_lines, malformed_lines, rates_table


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def progress(clock: Clock, *, terminal: bool = False) -> tuple[ReadingProgress, io.StringIO]:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=terminal, color_system=None)
    return ReadingProgress("answers.jsonl", console=console, clock=clock), file


def test_without_a_terminal_a_line_comes_every_ten_seconds() -> None:
    clock = Clock()
    shown, file = progress(clock)
    with shown:
        shown.start(4_000_000, unit="bytes")
        for _ in range(3):
            clock.now += 4
            shown.advance(500_000, note="1,234 lines")
        assert file.getvalue() == "answers.jsonl · 37 % of 4.0 MB · 1,234 lines · eta 20 s\n"
        clock.now += 4
        shown.advance(500_000)
    assert file.getvalue().count("\n") == 1


def test_on_a_terminal_the_line_lives_and_goes_away() -> None:
    clock = Clock()
    shown, file = progress(clock, terminal=True)
    with shown:
        shown.start(1000, unit="bytes")
        clock.now += 5
        shown.advance(500, note="3 lines")
    assert "50 % of 1.0 kB · 3 lines · eta 5 s" in file.getvalue()
    assert file.getvalue().endswith("\x1b[1A\x1b[2K")


def test_nothing_is_counted_before_a_file_is_begun() -> None:
    shown, _ = progress(Clock())
    with pytest.raises(ValueError, match="call start"):
        shown.advance(1)
    assert not shown.interrupt_requested()


def test_a_file_of_nothing_has_no_share() -> None:
    clock = Clock()
    shown, file = progress(clock)
    shown.start(0, unit="bytes")
    clock.now += 20
    shown.advance(0)
    assert file.getvalue() == "answers.jsonl\n"


def test_rates_stand_in_a_table_by_status() -> None:
    grading = Grading(total=8)
    grading.statuses.update(match=6, timeout=1, gold_error=1)
    grading.ms.update({"match": 3.0, "timeout": 2000.0, "gold_error": 0.1})
    file = io.StringIO()
    Console(file=file, width=100).print(rates_table(grading))
    assert [line.split() for line in file.getvalue().splitlines()] == [
        ["count", "share", "mean", "ms"],
        ["match", "6", ".750", ".50"],
        ["timeout", "1", ".125", "2000.00"],
        ["gold_error", "1", ".125", ".10"],
    ]
    assert closing_lines(grading)[0] == "accuracy .857 (6 of 7 judged)"


def test_nothing_judged_has_no_accuracy() -> None:
    grading = Grading(total=2)
    grading.statuses.update(gold_error=2)
    assert grading.accuracy is None
    assert closing_lines(grading)[0] == "accuracy - (0 of 0 judged)"


def test_what_is_listed_is_cut_and_what_is_not_is_counted() -> None:
    grading = Grading(total=30)
    for number in range(1, 26):
        grading.gold_errors.add({"id": "x\x1b", "line": number, "gold": "?"})
        grading.malformed.add({"line": number, "reason": "not JSON"})
    lines = closing_lines(grading)
    assert lines[1] == "gold error: line 1, id x␛: '?'"
    assert lines[21] == "and 5 gold errors more"
    assert len(malformed_lines(grading, "a.jsonl")) == 21
    assert malformed_lines(grading, "a.jsonl")[-1] == "25 of 55 lines of a.jsonl could not be read and are not counted"
