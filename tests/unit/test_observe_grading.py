"""What the grading of a file shows at its end: rates, and what could not be graded by or read."""

import io

from rich.console import Console

from vibethinker.data.regrade import Grading
from vibethinker.observe.grading import closing_lines, malformed_lines, rates_table


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
