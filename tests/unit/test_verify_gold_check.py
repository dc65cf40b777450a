"""Reference answers: those that match themselves and miss what differs, and those that nobody can be graded by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.records import Verdict
from vibethinker.verify import get_verifier
from vibethinker.verify.gold_check import altered_copies, check_gold

MATH = get_verifier("math")


def rewards_everything(gold: str, response: str) -> Verdict:
    """Take any answer, as graders do that read neither and find nothing equal to nothing."""
    return Verdict(True, "match", response)


@pytest.mark.parametrize(
    "gold",
    [
        "7",
        "0",
        "-0",
        "00",
        "9",
        "-12",
        "0.333",
        "1,234",
        r"\frac{3}{4}",
        r"\frac34",
        r"2\sqrt{3}",
        r"\pi",
        r"\infty",
        "x",
        "x^2+1",
        r"\pm 3",
        "(1, 2)",
        r"\{1, 2\}",
        "[0, 1)",
        r"(-\infty, \infty)",
        "x=5",
        "2x+4y=3",
        r"5 \text{ cm}",
        r"12\%",
        r"90^\circ",
        "204_5",
        "3:2",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\text{Even}",
        r"\text{(C)}",
        "$7$",
    ],
)
def test_a_usual_reference_matches_itself_and_misses_an_altered_copy(gold):
    assert check_gold(gold, MATH) is None


@pytest.mark.parametrize("gold", ["", " ", "1/0", "}{", r"\frac{1}{", r"\boxed{"])
def test_a_reference_that_does_not_match_itself_is_told_in_one_line(gold):
    reason = check_gold(gold, MATH)
    assert reason is not None
    assert reason.startswith("does not match itself: ")
    assert "\n" not in reason
    assert len(reason) < 400


def test_a_reference_longer_than_any_answer_is_an_offender_under_every_verifier():
    assert check_gold("9" * 2001, rewards_everything) == "is longer than 2,000 characters, which no answer may be"
    assert check_gold("word " * 10**6, MATH) == "is longer than 2,000 characters, which no answer may be"


@pytest.mark.parametrize("gold", ["7", "Even", r"\pi", "?", "", "3" * 2000])
def test_a_reference_that_matches_every_altered_copy_is_told_in_one_line(gold):
    reason = check_gold(gold, rewards_everything)
    assert reason is not None
    assert reason.startswith("matches altered copies of itself too: ")
    assert "\n" not in reason
    assert len(reason) < 400


def test_one_copy_that_misses_is_enough():
    def ignores_digits(gold, response):
        return Verdict(True, "match") if "-" not in response else Verdict(False, "mismatch")

    assert check_gold("7", ignores_digits) is None


@pytest.mark.parametrize(
    ("kind", "gold"), [("choice", "C"), ("choice", "A"), ("integer", "0"), ("integer", "007"), ("text", "Even number")]
)
def test_the_other_kinds_have_references_that_can_be_graded_by(kind, gold):
    assert check_gold(gold, get_verifier(kind)) is None


@pytest.mark.parametrize(("kind", "gold"), [("choice", "none"), ("integer", "1/2"), ("integer", "-7"), ("text", "")])
def test_the_other_kinds_have_offenders_too(kind, gold):
    reason = check_gold(gold, get_verifier(kind))
    assert reason is not None
    assert reason.startswith("does not match itself: ")


@given(st.fractions(max_denominator=10**4).filter(lambda value: abs(value) < 10**9))
def test_every_fraction_is_a_reference_that_can_be_graded_by(value):
    assert check_gold(str(value), MATH) is None


@given(st.text(max_size=60))
def test_any_text_is_fine_or_an_offender_and_always_the_same(gold):
    reason = check_gold(gold, MATH)
    assert reason is None or (reason and "\n" not in reason)
    assert check_gold(gold, MATH) == reason


@given(st.text(max_size=60))
def test_altered_copies_differ_from_the_answer_and_from_one_another(gold):
    copies = list(altered_copies(gold))
    assert 1 <= len(copies) <= 4
    assert gold not in copies
    assert len(set(copies)) == len(copies)


def test_a_commands_letters_are_not_the_answers():
    assert list(altered_copies(r"\pi")) == [r"-\pi"]
    assert list(altered_copies(r"\text{No}")) == [r"\text{Np}", r"-\text{No}"]
