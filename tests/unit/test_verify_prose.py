"""Mode ``any``: the final answer of a response that boxes none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.extract import extract_answer
from vibethinker.verify.prose import find_answer, find_final_answer, own_turn

pieces = st.lists(
    st.sampled_from(
        [
            "$",
            "$$",
            r"\(",
            r"\)",
            r"\[",
            r"\]",
            r"\$",
            "12",
            "1,000",
            "-3",
            "%",
            "x=",
            " is ",
            "The answer is ",
            "Answer:",
            " and ",
            ". ",
            "\n",
            "####",
            r"\text{cm}",
            "\x00",
            "\x01",
            "<|im_end|>",
            "{",
            "\\",
            "final answer: ",
            "n",
        ]
    ),
    max_size=25,
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 12.", "12"),
        ("The answer is: 12", "12"),
        ("the final answer is 1,024. Bye.", "1,024"),
        ("Final Answer: 7", "7"),
        ("**Final Answer:** 7", "7"),
        ("**Answer**: $\\frac{3}{4}$ of it", r"\frac{3}{4}"),
        ("Answer: \\(x^2\\)", "x^2"),
        ("Answer:\n\n$$5$$", "5"),
        ("Final Answer: The final answer is $-3$. I hope it is correct.", "-3"),
        ("The answer is 5. No, wait. The answer is 6.", "6"),
        ("The answer is therefore $x = 2$.", "x = 2"),
        ("The answer is $2$ and $3$.", "2, 3"),
        ("The answer is even.", "even"),
        ("Answer: $x$ is $5$.", "5"),
        ("The answer is $x$.", "x"),
        ("The answer to the last question is 8.", "8"),
        ("Final Answer: The largest $k$ is 15.", "15"),
        ("Final Answer: The area of $ABC$ is $6$.", "6"),
        ("The answer is 12 apples.", "12 apples"),
        ("The answer is 5 cm", "5 cm"),
        ("The answer is 9 because 3 times 3 is 9 and not 8.", "9"),
        ("The answer is 9, which he will never know.", "9"),
        ("The answer is 14 and everybody in the village was very happy.", "14"),
        ("The answer is $20.", "20"),
        ("The answer is x = 3, y = 4.", "x = 3, y = 4"),
        ("The answer is 3/4.", "3/4"),
        ("5 - 2 = 3\n#### 3", "3"),
        ("#### 1,200\n", "1,200"),
        ("答案是 12。", "12"),
    ],
)
def test_a_stated_answer_is_taken(text: str, answer: str) -> None:
    assert find_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("We find $x = 4$.", "x = 4"),
        ("First $a = 1$, then $b = 2$.", "b = 2"),
        ("First $a = 1$. The end.", "a = 1"),
        (r"So \[ \int_0^1 x\,dx = \frac12 \]", r"\int_0^1 x\,dx = \frac12"),
        ("Answer $$\n9\n$$", "9"),
        ("It is $1 = 2 - 1 = 1$", "1 = 2 - 1 = 1"),
        (r"It costs $\frac{1}{2} \$ = \frac{5}{10}$", r"\frac{1}{2} \$ = \frac{5}{10}"),
        ("The interval is $[0, 1.5)$.", "[0, 1.5)"),
        ("The roots are $x = 1$, $x = 2$ and $x = 3$.", "x = 1, x = 2, x = 3"),
        ("Let $n$ be even. There are 6 such $n$ in all.", "6"),
        ("The point is $P$.", "P"),
        ("He has $10 and $x = 3$ more.", "x = 3"),
        (r"The sum is $5\text{ apples and pears}$.", r"5\text{ apples and pears}"),
    ],
)
def test_else_the_last_formula_of_the_last_sentence_with_a_value(text: str, answer: str) -> None:
    assert find_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("$1,250.75", "1,250.75"),
        ("1,250.75$", "1,250.75"),
        ("it went from 3 to 1,250.75€", "1,250.75"),
        ("a field of 1,250.75m²", "1,250.75"),
        ("He pays $10 here and $12 there.", "12"),
        ("He had $10. Then he had $12 more.", "12"),
        ("It costs $5-$10.", "10"),
        ("It fell to -4", "-4"),
        ("It fell by 10 - 4", "4"),
        ("about .5", ".5"),
        ("a rise of 12%", "12%"),
        ("The odds: 2/3", "2/3"),
        ("P = 0.5, Q = 0.25", "0.25"),
        ("In 2 steps we get 40. Thanks.", "40"),
        ("Therefore there are 12 of them that meet the three conditions.", "12"),
        ("The chance is 1/6 for any of the 2 dice.", "1/6"),
        ("The roots are 3 and 5.", "3 and 5"),
        ("It is 1.5e3", "1.5e3"),
        ("The 3rd is 14", "14"),
        ("how many $? just about 7$", "7"),
        ("x2 is no number", None),
        ("", None),
        ("I do not know.", None),
    ],
)
def test_else_the_last_number_with_what_belongs_to_it(text: str, answer: str | None) -> None:
    assert find_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"The answer is \boxed{5}.", "5"),
        (r"\boxed{5}, as 2 + 3 = 5 shows", "5"),
        (r"The answer is 4. \boxed{5}", "5"),
        (r"\boxed{4} in the first step. Final Answer: The final answer is $5$.", "5"),
        (r"\boxed{4}. The final answer is above.", "4"),
        (r"\boxed{4}. The answer is correct.", "4"),
    ],
)
def test_a_box_counts_before_prose_unless_a_final_answer_is_stated_after_it(text: str, answer: str) -> None:
    assert extract_answer(text, "any").answer == answer


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (r"It is 5. \boxed{}", "no_answer"),
        (r"It is 5, \boxed{5", "unparseable"),
        ("<think>It is 5.", "unparseable"),
        ("The answer is " + "x" * 2_001, "refused"),
        ("no idea", "no_answer"),
    ],
)
def test_prose_makes_up_for_no_broken_or_empty_box(text: str, status: str) -> None:
    assert extract_answer(text, "any").status == status


def test_the_thought_and_what_follows_the_models_turn_are_not_read() -> None:
    assert extract_answer("<think>It is 5.</think>It is 6.", "any").answer == "6"
    assert extract_answer("It is 6.<|im_end|>\n<|im_start|>user\nWhat is 7 + 8?", "any").answer == "6"
    assert extract_answer("<|im_start|>assistant\nIt is 6.", "any").answer == "6"
    assert own_turn("one</s>two") == "one"


def test_a_final_answer_has_a_number_in_it() -> None:
    assert find_final_answer("The final answer is $x = 7$.") == "x = 7"
    assert find_final_answer("The final answer is in the box.") is None
    assert find_final_answer("The answer is 7.") is None


def test_prose_is_never_read_for_training() -> None:
    assert extract_answer("The final answer is 5.").status == "no_answer"


@given(pieces)
def test_no_prose_raises_and_what_is_found_stands_in_it(parts: list[str]) -> None:
    text = "".join(parts)
    answer = find_answer(text)
    assert answer is None or all(part.strip() in text for part in answer.split(", "))


@given(st.text())
def test_text_of_any_kind_is_read(text: str) -> None:
    answer = find_answer(text)
    assert answer is None or answer


@pytest.mark.parametrize(
    "unit",
    [
        "$",
        "$$",
        "$a$",
        r"\(",
        r"\[a\]",
        "is ",
        "= ",
        "1",
        "1,",
        "1,000",
        "1/",
        "-",
        "answer is ",
        "final answer: ",
        "and ",
        "answer to ",
        "#### ",
        "\x00",
        "*",
        " ",
        "\n",
        "the answer is 1 ",
        "$1 and ",
        "<|im_end|>",
        "\\",
    ],
    ids=repr,
)
def test_megabytes_of_one_thing_are_read_through(unit: str) -> None:
    flood = unit * (2_000_000 // len(unit))
    began = time.monotonic()
    extract_answer(flood, "any")
    extract_answer(f"{flood} so it is 7.", "any")
    extract_answer(r"\boxed{7} The final answer is " + flood[:19_000], "any")
    assert time.monotonic() - began < 5
