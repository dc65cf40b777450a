r"""Where the final answer is found: the last closed ``\boxed{}`` after the thought."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.extract import MAX_ANSWER_CHARACTERS, last_boxed

# Text with as many closing as opening braces, in an order that nests.
balanced = st.recursive(
    st.text(st.characters(exclude_characters="{}<\\")),
    lambda inner: st.lists(inner.map(lambda text: f"{{{text}}}"), max_size=3).map("".join),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{7}", "7"),
        (r"so \boxed{ 7 }.", "7"),
        (r"\boxed{}", ""),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{{{7}}}", "{{7}}"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{\{1}", r"\{1"),
        (r"\boxed{1\\}", r"1\\"),
        (r"\boxed{7}}}}", "7"),
        (r"<think>\boxed{1}</think>\boxed{2}", "2"),
        (r"\boxed{1}</think>\boxed{2}", "2"),
        ("\\boxed{1\n}", "1"),
        (r"\boxed{1}\boxed{", None),
        (r"\boxed{1} and \boxed{2", None),
        (r"\boxed{1\}", None),
        (r"<think>\boxed{1}</think> so it is 1", None),
        (r"<think> surely \boxed{1}", None),
        (r"</think><think>\boxed{1}", None),
        (r"the answer is 7", None),
        (r"\fbox{7} \boxed 7 boxed{7}", None),
        ("", None),
    ],
)
def test_the_answer_is_what_the_last_box_holds(text: str, answer: str | None) -> None:
    assert last_boxed(text) == answer


@given(st.text().filter(lambda text: "think>" not in text), balanced, st.text(st.characters(exclude_characters="\\<")))
def test_whatever_stands_around_a_closed_box_what_it_holds_is_found(before: str, answer: str, after: str) -> None:
    assert last_boxed(f"{before}\\boxed{{{answer}}}{after}") == answer.strip()


@given(st.text(), st.text(st.characters(exclude_characters="}")))
def test_an_unclosed_last_box_is_no_answer(before: str, rest: str) -> None:
    assert last_boxed(f"{before}\\boxed{{1}} or \\boxed{{{rest}") is None


@given(st.lists(st.sampled_from(["\\boxed{", "\\", "{", "}", "<think>", "</think>", "7", "\n"])).map("".join))
def test_no_text_raises(text: str) -> None:
    answer = last_boxed(text)
    assert answer is None or answer in text


def test_a_box_is_read_up_to_its_limit_and_not_beyond() -> None:
    assert last_boxed(f"\\boxed{{{'1' * MAX_ANSWER_CHARACTERS}}}") == "1" * MAX_ANSWER_CHARACTERS
    assert last_boxed(f"\\boxed{{{'1' * (MAX_ANSWER_CHARACTERS + 1)}}}") is None


@pytest.mark.parametrize(
    "unit", ["{", "}", "\\", r"\boxed{", r"\boxed{{}", "\\{", "<think>", "</think>", "{}", "\n", "x"], ids=repr
)
def test_megabytes_of_one_thing_are_read_through(unit: str) -> None:
    flood = unit * (5_000_000 // len(unit))
    assert last_boxed(flood + r"</think>\boxed{7}") == "7"
    assert last_boxed(r"</think>\boxed{7" + flood) in {None, "7", ""}
