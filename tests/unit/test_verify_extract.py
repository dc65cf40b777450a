r"""Where the final answer is found: in the last closed ``\boxed{}`` after the thought, with its neighbours."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.extract import (
    MAX_ANSWER_CHARACTERS,
    MAX_TAIL_CHARACTERS,
    Extraction,
    closing_brace,
    extract_answer,
)

# Text with as many closing as opening braces, in an order that nests.
balanced = st.recursive(
    st.text(st.characters(exclude_characters="{}<\\")),
    lambda inner: st.lists(inner.map(lambda text: f"{{{text}}}"), max_size=3).map("".join),
    max_leaves=8,
)
filled = balanced.filter(lambda text: text.strip(" \t\r\n{}~$") != "" and text.strip() != "")
words = st.text("abcdefgh .,xyz\n", max_size=60)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{7}", "7"),
        (r"so \boxed{ 7 }.", "7"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{{{7}}}", "{{7}}"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\fbox{7}}", "7"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{\{\}}", r"\{\}"),
        (r"\boxed{\{1}", r"\{1"),
        (r"\boxed{1\\}", r"1\\"),
        (r"\boxed{7}}}}", "7"),
        (r"<think>\boxed{1}</think>\boxed{2}", "2"),
        (r"\boxed{1}</think>\boxed{2}", "2"),
        (r"<think>a</think><think>b</think>\boxed{2}", "2"),
        ("\\boxed{1\n}", "1"),
        (r"\fbox{7}", "7"),
        (r"\boxed{1}. Or \fbox{2}.", "2"),
        (r"\fbox{1}. Or \boxed{2}.", "2"),
        (r"\boxed {7}", "7"),
        ("\\boxed\n  {7}", "7"),
        (r"$\boxed{7}$<|im_end|>", "7"),
        ("\\boxed{7}<|im_end|>\n<|im_start|>user\nThank you, and 12?", "7"),
        ("{'answer': '\\\\boxed{7}'}", "7"),
    ],
)
def test_the_answer_is_what_the_last_box_holds(text: str, answer: str) -> None:
    assert extract_answer(text) == Extraction(answer, "found")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed 7", "7"),
        (r"\boxed7", "7"),
        (r"so $\boxed 42$", "42"),
        (r"so \(\boxed 42\)", "42"),
        (r"\boxed 42.", "42"),
        (r"\boxed 42, as asked", "42"),
        (r"\boxed C", "C"),
        (r"\boxed C.", "C"),
        (r"\boxedC", None),
        (r"\boxed Cat", None),
        (r"\boxed 3.14", None),
        (r"\boxed 1,000", None),
        (r"\boxed -5", None),
        (r"\boxed 1/2", None),
        (r"\boxed\frac12", None),
        (r"\boxed", None),
    ],
)
def test_a_box_without_braces_holds_one_plain_token_or_is_unparseable(text: str, answer: str | None) -> None:
    found = extract_answer(text)
    assert (found.answer, found.status) == (answer, "found" if answer else "unparseable")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"$\boxed{(2,2)} \quad \text{and} \quad \boxed{(6,2)}$", "(2,2), (6,2)"),
        (r"\boxed{1},\boxed{2}", "1, 2"),
        (r"\boxed{1} and \boxed{2} and \boxed{3}", "1, 2, 3"),
        (r"\boxed{1}, \boxed{2}, and \boxed{3}", "1, 2, 3"),
        (r"\boxed{1}; \boxed{2} or \boxed{3}", "1, 2, 3"),
        (r"\(\boxed{1}\) and \(\boxed{2}\)", "1, 2"),
        (r"\[\boxed{1}\] or \[\boxed{2}\]", "1, 2"),
        ("$$\\boxed{x = 1}$$\n\n$$\\boxed{y = 2}$$", "x = 1, y = 2"),
        (r"**$\boxed{1}$** and **$\boxed{2}$**", "1, 2"),
        (r"\boxed{1}\ \text{ or }\ \boxed{2}", "1, 2"),
        (r"\boxed{1},\;\mathrm{and}\;\boxed{2}", "1, 2"),
        (r"\boxed{1} \\ \boxed{2}", "1, 2"),
        (r"\boxed{1}\hspace{1cm}\boxed{2}", "1, 2"),
        (r"\boxed{1} and \fbox{2}", "1, 2"),
        (r"\boxed{\frac{1}{2}}, \boxed{\{3\}}", r"\frac{1}{2}, \{3\}"),
        (r"not \boxed{0}. But \boxed{1} and \boxed{2}", "1, 2"),
        (r"\boxed{0}</think>\boxed{1} and \boxed{2}", "1, 2"),
    ],
)
def test_neighbouring_boxes_are_one_answer(text: str, answer: str) -> None:
    assert extract_answer(text) == Extraction(answer, "found")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{1}. Then \boxed{2}", "2"),
        (r"\boxed{1} is wrong, \boxed{2}", "2"),
        (r"\boxed{1} = \boxed{2}", "2"),
        (r"\boxed{1} + \boxed{2}", "2"),
        (r"\boxed{1} android \boxed{2}", "2"),
        (r"\frac{1}{3}, \boxed{2}", "2"),
        (r"\boxed{1} = \frac{2}{2}, \boxed{3}", "3"),
        (r"\boxed{} and \boxed{2}", "2"),
        (r"\boxed{1} and" + " " * 100 + r"\boxed{2}", "2"),
        (r"\boxed{1</think>} and \boxed{2}", "2"),
        (r"\boxed{1} and \text{\boxed{2}}", "2"),
    ],
)
def test_boxes_with_anything_else_between_them_are_not_neighbours(text: str, answer: str) -> None:
    assert extract_answer(text) == Extraction(answer, "found")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{5}, \boxed{5}", "5"),
        ("$$\\boxed{5}$$\n\n$\\boxed{5}$", "5"),
        (r"\boxed{5} and \boxed{ 5 } and \boxed{5}", "5"),
        (r"\boxed{5}, \boxed{5}, \boxed{6}", "5, 5, 6"),
    ],
)
def test_neighbours_that_all_say_the_same_are_one_box_said_twice(text: str, answer: str) -> None:
    assert extract_answer(text) == Extraction(answer, "found")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", "no_answer"),
        ("the answer is 7", "no_answer"),
        ("boxed{7}", "no_answer"),
        (r"\framebox{7}", "no_answer"),
        (r"<think>\boxed{1}</think> so it is 1", "no_answer"),
        (r"\boxed{}", "no_answer"),
        (r"\boxed{ }", "no_answer"),
        (r"\boxed{{}}", "no_answer"),
        (r"\boxed{$ $}", "no_answer"),
        (r"\boxed{5} or rather \boxed{}", "no_answer"),
        (r"\boxed{1}\boxed{", "unparseable"),
        (r"\boxed{1} and \boxed{2", "unparseable"),
        (r"\boxed{1\}", "unparseable"),
        (r"\boxed{\frac{1}{}", "unparseable"),
        (r"<think> surely \boxed{1}", "unparseable"),
        (r"</think><think>\boxed{1}", "unparseable"),
        (r"<think>a</think>\boxed{1}<think>", "unparseable"),
    ],
)
def test_a_response_that_ends_on_no_readable_box_has_no_answer(text: str, status: str) -> None:
    found = extract_answer(text)
    assert (found.answer, found.status) == (None, status)
    assert found.reason


def test_an_answer_of_more_than_its_limit_is_refused() -> None:
    longest = "1" * MAX_ANSWER_CHARACTERS
    assert extract_answer(f"\\boxed{{{longest}}}").answer == longest
    assert extract_answer(f"\\boxed{{{longest}1}}").status == "refused"
    assert extract_answer(r"\boxed{1}, \boxed{22}" * MAX_ANSWER_CHARACTERS).status == "refused"


def test_only_the_end_of_a_long_response_is_read() -> None:
    box = r"\boxed{7}"
    assert extract_answer(box + "x" * (MAX_TAIL_CHARACTERS - len(box))).answer == "7"
    assert extract_answer(box + "x" * (MAX_TAIL_CHARACTERS - len(box) + 1)).status == "no_answer"


def test_an_unknown_mode_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no mode 'all': use 'boxed' or 'any'"):
        extract_answer("7", "all")  # type: ignore[arg-type]


@given(st.text().filter(lambda text: "think>" not in text), filled, st.text(st.characters(exclude_characters="\\<")))
def test_whatever_stands_around_a_closed_box_what_it_holds_is_found(before: str, answer: str, after: str) -> None:
    assert extract_answer(f"{before}. {{\\boxed{{{answer}}}{after}").answer == answer.strip()


@given(st.text().filter(lambda text: "think>" not in text), st.text(st.characters(exclude_characters="}<")))
def test_an_unclosed_last_box_is_unparseable(before: str, rest: str) -> None:
    assert extract_answer(f"{before}\\boxed{{1}} or \\boxed{{{rest}").status == "unparseable"


@given(st.lists(st.sampled_from(["1", "x=2", r"\frac{1}{2}", "{3}"]), min_size=1, max_size=5, unique=True))
def test_neighbours_are_joined_in_their_order(answers: list[str]) -> None:
    assert extract_answer(" and ".join(f"\\boxed{{{answer}}}" for answer in answers)).answer == ", ".join(answers)


@given(
    st.lists(
        st.sampled_from(["\\boxed{", "\\boxed", "\\fbox{", "\\", "{", "}", "<think>", "</think>", "7", "\n", ","])
    ),
    st.sampled_from(["boxed", "any"]),
)
def test_no_text_raises_and_what_is_found_stands_in_it(pieces: list[str], mode: str) -> None:
    text = "".join(pieces)
    found = extract_answer(text, mode)  # type: ignore[arg-type]
    assert (found.answer is None) == (found.status != "found")
    assert found.answer is None or all(part.strip() in text for part in found.answer.split(", "))


@given(
    words, st.sampled_from(["boxed", "any"]), st.lists(st.sampled_from([r"\boxed{5}", r"\boxed{", "$7$"]), max_size=4)
)
def test_the_thought_never_counts(thought: str, mode: str, boxes: list[str]) -> None:
    with_thought = extract_answer(f"<think>{thought}\\boxed{{1}}</think>{''.join(boxes)}", mode)  # type: ignore[arg-type]
    assert with_thought == extract_answer("".join(boxes), mode)  # type: ignore[arg-type]


@given(balanced)
def test_a_group_closes_where_its_braces_balance(inside: str) -> None:
    assert closing_brace(f"{inside}}}}}", 0) == len(inside)


@pytest.mark.parametrize(
    "unit",
    ["{", "}", "\\", r"\boxed{", r"\boxed{1},", r"\boxed{{}", "\\{", "<think>", "</think>", "{}", "\n", "x", "} and "],
    ids=repr,
)
def test_megabytes_of_one_thing_are_read_through(unit: str) -> None:
    flood = unit * (5_000_000 // len(unit))
    began = time.monotonic()
    assert extract_answer(flood + r"</think>\boxed{7}").answer == "7"
    assert extract_answer(r"</think>\boxed{7" + flood).answer in {None, "7", "1"}
    extract_answer(flood)
    assert time.monotonic() - began < 5
