"""Verdicts: wrong, right, and not to be judged."""

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.records import Verdict
from vibethinker.verify import get_verifier, verify_answer

fractions = st.builds(Fraction, st.integers(-(10**6), 10**6), st.integers(1, 10**4))


@pytest.mark.parametrize(
    ("gold", "text", "correct", "status", "extracted"),
    [
        ("7", r"3+4=7, so \boxed{7}.", True, "match", "7"),
        ("1/2", r"\boxed{\frac{2}{4}}", True, "match", r"\frac{2}{4}"),
        ("0.5", r"\boxed{1/2}", True, "match", "1/2"),
        ("1{,}234", r"\boxed{1234}", True, "match", "1234"),
        ("7", r"\boxed{8} no, \boxed{7}", True, "match", "7"),
        ("7", r"<think>\boxed{8}</think>\boxed{7}", True, "match", "7"),
        ("7", r"\boxed{8}", False, "mismatch", "8"),
        ("7", r"\boxed{7} no, \boxed{8}", False, "mismatch", "8"),
        ("1/3", r"\boxed{0.333333}", False, "mismatch", "0.333333"),
        ("7", r"\boxed{-7}", False, "mismatch", "-7"),
        ("7", r"\boxed{700}", False, "mismatch", "700"),
        ("7", "the answer is 7", False, "no_answer", None),
        ("7", r"\boxed{7", False, "no_answer", None),
        ("7", "", False, "no_answer", None),
        ("7", r"\boxed{}", False, "unparseable", ""),
        ("7", r"\boxed{seven}", False, "unparseable", "seven"),
        ("7", r"\boxed{7 or 8}", False, "unparseable", "7 or 8"),
        ("7", r"\boxed{__import__('os').abort()}", False, "unparseable", "__import__('os').abort()"),
        ("x+1", r"\boxed{x+1}", None, "gold_error", None),
        ("", r"\boxed{7}", None, "gold_error", None),
        ("1/0", r"\boxed{1/0}", None, "gold_error", None),
        ("seven", "no box", None, "gold_error", None),
    ],
)
def test_the_verdict_says_how_it_came_about(
    gold: str, text: str, correct: bool | None, status: str, extracted: str | None
) -> None:
    verdict = verify_answer(gold, text)
    assert (verdict.correct, verdict.status, verdict.extracted) == (correct, status, extracted)
    assert verdict.reason
    assert "\n" not in verdict.reason


@given(fractions)
def test_every_readable_gold_answer_accepts_itself(number: Fraction) -> None:
    assert verify_answer(str(number), f"so \\boxed{{{number}}}").correct is True


@given(fractions, fractions)
def test_two_numbers_match_exactly_when_they_are_equal(gold: Fraction, answer: Fraction) -> None:
    response = f"\\boxed{{\\frac{{{answer.numerator}}}{{{answer.denominator}}}}}"
    assert verify_answer(str(gold), response).correct is (gold == answer)


@given(fractions, st.data())
def test_a_gold_answer_with_a_changed_digit_never_matches(gold: Fraction, data: st.DataObject) -> None:
    text = str(gold)
    place = data.draw(st.sampled_from([i for i, character in enumerate(text) if character.isdigit()]))
    digit = data.draw(st.sampled_from([other for other in "0123456789" if other != text[place]]))
    changed = text[:place] + digit + text[place + 1 :]
    assert verify_answer(text, f"\\boxed{{{changed}}}").correct is False


@given(st.text(), st.text())
def test_no_text_raises_and_only_an_unreadable_gold_answer_is_not_judged(gold: str, text: str) -> None:
    for response in (text, f"\\boxed{{{text}}}"):
        verdict = verify_answer(gold, response)
        assert isinstance(verdict, Verdict)
        assert (verdict.correct is None) == (verdict.status == "gold_error")
        assert (verdict.correct is True) == (verdict.status == "match")


@pytest.mark.parametrize(
    "flood", ["{" * 100_000 + "}" * 100_000, "9" * 5_000_000, r"\frac{" * 100_000, "\ud800" * 1000]
)
def test_hostile_answers_are_wrong_and_told_in_a_short_line(flood: str) -> None:
    verdict = verify_answer("7", f"\\boxed{{{flood}}}")
    assert verdict.correct is False
    assert len(verdict.reason) < 500


@given(fractions, st.text())
def test_a_verifier_says_the_same_as_verify_answer(number: Fraction, text: str) -> None:
    assert get_verifier("math")(str(number), text) == verify_answer(str(number), text, kind="math")


def test_an_unknown_kind_raises_and_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="no verifier of kind 'maths': use one of math"):
        get_verifier("maths")
    with pytest.raises(ValueError, match="use one of math"):
        verify_answer("7", r"\boxed{7}", kind="maths")


def test_verifying_needs_no_tensor_library() -> None:
    program = "import sys; from vibethinker.verify import verify_answer; verify_answer('7', '7'); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    roots = {name.partition(".")[0] for name in printed.split()}
    assert "vibethinker" in roots
    assert not roots & {"torch", "transformers", "numpy", "pydantic", "sympy"}
