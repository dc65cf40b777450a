"""Verdicts: wrong, right, and not to be judged."""

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vibethinker.records import Verdict
from vibethinker.verify import get_verifier, judge_responses, verify_answer, verify_answers

fractions = st.builds(Fraction, st.integers(-(10**6), 10**6), st.integers(1, 10**4))


@pytest.mark.parametrize(
    ("gold", "text", "correct", "status", "extracted", "path"),
    [
        ("7", r"3+4=7, so \boxed{7}.", True, "match", "7", "exact"),
        ("1/2", r"\boxed{\frac{2}{4}}", True, "match", r"\frac{2}{4}", "parsed"),
        (r"$\boxed{7}$", r"\boxed{7}", True, "match", "7", "exact"),
        ("no solution", r"\boxed{\text{No solution}}", True, "match", r"\text{No solution}", "text"),
        ("7", r"<think>\boxed{8}</think>\boxed{7}", True, "match", "7", "exact"),
        ("7", r"\boxed{8}", False, "mismatch", "8", "exact"),
        ("7", r"\boxed{7} no, \boxed{8}", False, "mismatch", "8", "exact"),
        ("1/3", r"\boxed{0.333333}", False, "mismatch", "0.333333", "parsed"),
        ("7", "the answer is 7", False, "no_answer", None, "extraction"),
        ("7", r"\boxed{}", False, "no_answer", None, "extraction"),
        ("7", "", False, "no_answer", None, "extraction"),
        ("7", r"\boxed{7", False, "unparseable", None, "extraction"),
        ("7", r"<think>\boxed{7}", False, "unparseable", None, "extraction"),
        ("7", r"\boxed{\frac{7}{0}}", False, "unparseable", r"\frac{7}{0}", "parsed"),
        ("7", r"\boxed{7+}", False, "unparseable", "7+", "parsed"),
        ("7", r"\boxed{9^{9^{9^9}}}", False, "refused", "9^{9^{9^9}}", "parsed"),
        ("7", r"\boxed{" + "1" * 3000 + "}", False, "refused", None, "extraction"),
        (r"\int_0^1 2x\,dx", r"\boxed{1}", True, "match", "1", "slow"),
        ("1", r"\boxed{\int_0^1 3x\,dx}", False, "mismatch", r"\int_0^1 3x\,dx", "slow"),
        ("", r"\boxed{7}", None, "gold_error", "7", ""),
        ("1/0", r"\boxed{1/0}", None, "gold_error", "1/0", ""),
        (r"\frac{1}{", "no box", None, "gold_error", None, ""),
        ("9" * 3000, r"\boxed{7}", None, "gold_error", "7", ""),
    ],
)
def test_the_verdict_says_how_it_came_about(
    gold: str, text: str, correct: bool | None, status: str, extracted: str | None, path: str
) -> None:
    verdict = verify_answer(gold, text)
    assert (verdict.correct, verdict.status, verdict.extracted, verdict.path) == (correct, status, extracted, path)
    assert "\n" not in verdict.reason
    assert verdict.ms > 0


def test_many_answers_come_back_in_order_with_their_times() -> None:
    golds = ["7", r"\int_0^1 2x\,dx", "1/2", "7"] * 5
    texts = [r"\boxed{7}", r"\boxed{1}", r"\boxed{0.5}", r"\boxed{8}"] * 5
    verdicts = verify_answers(golds, texts)
    assert [verdict.correct for verdict in verdicts] == [True, True, True, False] * 5
    assert all(verdict.ms > 0 for verdict in verdicts)
    assert verdicts == [verify_answer(gold, text) for gold, text in zip(golds, texts, strict=True)]


def test_problems_of_several_kinds_are_judged_by_their_own_verifier() -> None:
    kinds = ["math", "choice", "integer", "text", "math"]
    golds = ["1/2", "B", "042", "Paris", "3"]
    texts = [r"\boxed{0.5}", "The answer is (B)", r"\boxed{42}", r"\boxed{paris}", "B"]
    assert [verdict.correct for verdict in judge_responses(kinds, golds, texts)] == [True, True, True, True, False]


def test_lists_of_different_length_raise() -> None:
    with pytest.raises(ValueError, match="as many texts"):
        verify_answers(["7"], [])
    with pytest.raises(ValueError, match="shorter|longer"):
        judge_responses(["math"], ["7"], [])


def test_an_unknown_mode_raises_and_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="use boxed or any"):
        verify_answer("7", "7", mode="prose")  # type: ignore[arg-type]


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


@settings(max_examples=60)
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
    with pytest.raises(ValueError, match="use one of math, choice"):
        verify_answer("7", r"\boxed{7}", kind="maths")


def test_verifying_needs_no_tensor_library() -> None:
    program = "import sys; from vibethinker.verify import verify_answer; verify_answer('7', '7'); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    roots = {name.partition(".")[0] for name in printed.split()}
    assert "vibethinker" in roots
    assert not roots & {"torch", "transformers", "numpy", "pydantic", "sympy", "mpmath", "math_verify"}
