"""Multiple choice: boxes, options and verdicts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.choice import DEFAULT_LETTERS, ChoiceVerifier

FOUR, TEN = ChoiceVerifier("ABCD"), ChoiceVerifier()
CITIES = ["Paris", "The capital of Norway", "Vitamin C", "12 cm"]


def letter(text: str, judge: ChoiceVerifier = FOUR) -> str | None:
    return judge("A", text).extracted


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("[B]", "B"),
        ("B.", "B"),
        (r"\text{B}", "B"),
        (r"\textbf{(B)}", "B"),
        (r"\mathrm{B}", "B"),
        (r"\textbf{(B)}\ 12", "B"),
        ("B: a long text", "B"),
        (r"B: \text{A long text}", "B"),
        (r"\text{B. 12}", "B"),
        ("B) 12", "B"),
        ("(B) 12", "B"),
        ("B - 12", "B"),
        ("B (12 cm)", "B"),
        ("Option B", "B"),
        (r"\text{Answer: B}", "B"),
        (r"\text{The answer is B}", "B"),
        ("A long text", None),
        ("x = B", None),
        ("A + B", None),
        (r"\frac{A}{B}", None),
        ("P(A)", None),
        ("AB", None),
        ("B_1", None),
        ("A, B", None),
        (r"A \text{ and } B", None),
        ("B or C", None),
        ("(a)(b)", None),
        ("12", None),
        ("K", None),
    ],
)
def test_a_box_holds_a_letter_or_a_labelled_option_and_nothing_else(box: str, expected: str | None) -> None:
    verdict = FOUR("B", f"so $\\boxed{{{box}}}$")
    assert (verdict.extracted, verdict.status) == (expected, "match" if expected else "unparseable")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is A or B.",
        "Answer: A/B",
        "Answer: A, B",
        "Answer: A and B",
        "Answer: either A or C",
        "The answer is A, B and C.",
        "Answer: B\nAnswer: A/C",
        r"\boxed{A}, \boxed{B}",
        "A is correct. B is correct too.\nB is correct, and A is correct.",
    ],
)
def test_several_letters_are_unparseable(text: str) -> None:
    verdict = FOUR("B", text)
    assert (verdict.status, verdict.extracted) == ("unparseable", None)
    assert "several" in verdict.reason


@pytest.mark.parametrize(
    "text", ["G", "Answer: G", r"\boxed{G}", "Answer: B\nAnswer: G", r"The answer is B. \boxed{Z}"]
)
def test_a_letter_that_is_no_option_is_unparseable(text: str) -> None:
    assert (FOUR("B", text).status, FOUR("B", text).extracted) == ("unparseable", None)


@pytest.mark.parametrize("text", ["<think>The answer is B", r"\boxed{B", r"The answer is B. \boxed{"])
def test_a_response_that_broke_off_is_unparseable(text: str) -> None:
    assert FOUR("B", text).status == "unparseable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", "A"),
        ("paris.", "A"),
        (r"\boxed{\text{the capital of Norway}}", "B"),
        (r"\boxed{12\text{ cm}}", "D"),
        ("The answer is vitamin C.", "C"),
        ("Answer: **Paris**", "A"),
        ("The answer is Paris. Not Rome.", "A"),
        ("Answer: A Paris", "A"),
        (r"\boxed{A Paris}", "A"),
        (r"\boxed{B Paris}", None),
        (r"\boxed{A: Rome}", "A"),
        ("Paris is the capital of France.", None),
        ("The answer is the capital of Norway", "B"),
        ("The answer is Oslo", None),
    ],
)
def test_an_options_text_stands_for_its_letter(text: str, expected: str | None) -> None:
    assert letter(text, ChoiceVerifier(CITIES)) == expected


def test_a_text_that_two_options_share_stands_for_neither() -> None:
    assert letter(r"\boxed{yes}", ChoiceVerifier(["yes", "no", "Yes."])) is None


def test_a_small_letter_that_is_an_options_text_means_that_option() -> None:
    judge = ChoiceVerifier(["2", "e", "d", "1"])
    assert [letter(text, judge) for text in (r"\boxed{d}", "The answer is d.", "d")] == ["C", "C", "C"]
    assert [letter(text, judge) for text in (r"\boxed{D}", r"\boxed{(D)}", "The answer is (d).", "D")] == ["D"] * 4


@pytest.mark.parametrize(
    "choices",
    [
        ["Rome", "Oslo"],
        ["A. Rome", "B. Oslo"],
        ["(a) Rome", "(b) Oslo"],
        {"A": "Rome", "B": "Oslo"},
        {"b": "Oslo", "a": "Rome"},
    ],
)
def test_options_come_as_texts_with_or_without_labels_or_by_letter(choices: list[str] | dict[str, str]) -> None:
    judge = ChoiceVerifier(choices)
    assert [judge(gold, "B").status for gold in ("B", "(b)", "Oslo", r"\text{Oslo}", "B. Oslo")] == ["match"] * 5
    assert judge("Rome", "B").status == "mismatch"
    assert judge("C", "B").status == "gold_error"


@pytest.mark.parametrize("gold", ["E", "", "Oslo", "A or B", "AB", "12"])
def test_a_reference_that_is_no_option_judges_nobody(gold: str) -> None:
    verdict = FOUR(gold, "A")
    assert (verdict.correct, verdict.status) == (None, "gold_error")


@pytest.mark.parametrize("choices", ["", [], {}, "A1", "AA", {"AB": "x"}, {"1": "x"}, ["x"] * 27])
def test_choices_that_are_none_are_refused(choices: str | list[str] | dict[str, str]) -> None:
    with pytest.raises(ValueError, match="choices"):
        ChoiceVerifier(choices)


def test_verdicts_say_the_letter_and_that_it_was_a_choice() -> None:
    right, wrong = FOUR("(b)", "Answer: B"), FOUR("C", "Answer: B")
    assert (right.correct, right.status, right.extracted, right.path) == (True, "match", "B", "choice")
    assert (wrong.correct, wrong.status, wrong.extracted, wrong.path) == (False, "mismatch", "B", "choice")
    assert wrong.reason == "the choice B is not C"


@given(st.sampled_from(DEFAULT_LETTERS), st.sampled_from(DEFAULT_LETTERS))
def test_a_stated_letter_matches_itself_alone(gold: str, answer: str) -> None:
    for text in ("The answer is ({}).", "Answer: {}", r"\boxed{{{}}}", "I choose ({}).", "It rains.\n\n{}", "{}"):
        assert TEN(gold, text.format(answer)).correct is (gold == answer), text


@given(st.text())
def test_text_of_any_kind_is_judged(text: str) -> None:
    assert ChoiceVerifier(CITIES)("A", text).correct in {True, False}


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        "[",
        "*",
        "_",
        "$",
        "\\",
        "{",
        "answer is ",
        "Answer: ",
        "Answer: A, ",
        "the answer is clearly ",
        "so ",
        "if ",
        "I ",
        "答",
        "选",
        "<answer>",
        "A\n",
        "A) x\n",
        "wait, so B. ",
        "a, ",
        "not ",
        " ",
        "\n",
        "ﷺ",
        "\\boxed{A},",
        "option ",
    ],
    ids=repr,
)
def test_megabytes_of_one_thing_are_read_through(unit: str) -> None:
    flood = unit * (2_000_000 // len(unit))
    judge = ChoiceVerifier(CITIES)
    began = time.monotonic()
    judge("A", flood)
    judge("A", "Rain.\n" + flood + "Answer: B")
    judge("A", "The answer is " + flood[:19_900])
    assert time.monotonic() - began < 10
