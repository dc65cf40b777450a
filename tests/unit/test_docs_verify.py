"""Every example of docs/verify.md is a verdict that really comes out."""

import re
from pathlib import Path

import pytest

from vibethinker.records import VERDICT_STATUSES
from vibethinker.verify import KINDS, verify_answer, verify_answers

TEXT = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
ROWS = re.findall(r"^\|.*\| `(.+?)` \| `(.+?)` \| (yes|no) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("gold", "answer", "equal"), ROWS)
def test_a_convention_holds_as_the_table_says(gold, answer, equal):
    verdict = verify_answer(gold, f"so the answer is $\\boxed{{{answer}}}$.")
    assert verdict.correct is (equal == "yes"), verdict
    assert verdict.status in {"match", "mismatch"}


def test_the_table_is_read():
    assert len(ROWS) > 50
    assert {equal for _, _, equal in ROWS} == {"yes", "no"}


@pytest.mark.parametrize("name", [*VERDICT_STATUSES, *KINDS])
def test_every_status_and_kind_has_its_row(name):
    assert f"\n| `{name}` |" in TEXT


def test_the_python_examples_are_true():
    verdict = verify_answer(r"\frac{1}{2}", r"half of it, so \boxed{0.5}")
    assert f"# {verdict.correct}, {verdict.status!r}, {verdict.extracted!r}\n" in TEXT
    many = verify_answers(["1/2", "7"], [r"\boxed{0.5}", r"\boxed{8}"])
    assert [verdict.correct for verdict in many] == [True, False]
    choice = verify_answer("C", "The answer is (C).", kind="choice", choices=["red", "green", "blue"])
    assert choice.correct is True
    assert verify_answer("2, 3", r"\boxed{2} and \boxed{3}").correct is True
