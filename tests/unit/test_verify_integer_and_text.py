"""Integers from 0 to 999, and answers compared as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.integer import LARGEST, IntegerVerifier, read_integer
from vibethinker.verify.plain_text import TextVerifier, bare, normalized, quoted

integers = st.integers(0, LARGEST)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        ("042", 42),
        ("000", 0),
        ("0042", 42),
        ("999", 999),
        (" 42 ", 42),
        ("42.", 42),
        ("42.0", 42),
        ("42.00", 42),
        ("$42$", 42),
        ("$$042$$", 42),
        (r"\(42\)", 42),
        (r"\text{42}", 42),
        (r"\textbf{042}", 42),
        (r"\mathbf{42}", 42),
        (r"$\boldsymbol{42}$.", 42),
        ("**42**", 42),
        ("{42}", 42),
        ("x=42", 42),
        ("m+n = 42", 42),
        ("m+n = 20 + 22 = 42", 42),
        (r"$m+n=\textbf{42}$", 42),
        ("f(1, 2) = 42", 42),
        (r"\text{Area} = 42", 42),
    ],
)
def test_an_integer_is_read_whatever_typesets_it(text: str, number: int) -> None:
    assert read_integer(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-42",
        "+42",
        "1000",
        "1,000",
        "42.5",
        "42/1",
        r"\frac{42}{1}",
        "4 2",
        "42 cm",
        r"42\text{ cm}",
        r"42^\circ",
        "42%",
        "40 + 2",
        "4.2e1",
        "(42)",
        "42, 43",
        "{42, 43}",
        "x=42, y=3",
        "x=42; y=3",
        "x = 42 or y = 3",
        "x >= 42",
        r"x \ge= 42",
        r"x=42\quad y=3",
        "x != 42",
        "x =",
        "= ",
        "42 = x",
        "４２",
        "٤٢",
        r"\sqrt{1764}",
        "forty-two",
        "0" * 5 + "1234",
    ],
)
def test_whatever_else_is_no_integer(text: str) -> None:
    assert read_integer(text) is None


@given(integers, st.integers(0, 3), st.sampled_from(["{}", "${}$", r"\text{{{}}}", "x = {}", "{}.0", "{}."]))
def test_leading_zeros_and_typesetting_do_not_count(number: int, zeros: int, form: str) -> None:
    assert read_integer(form.format("0" * zeros + str(number))) == number


@given(integers, integers)
def test_an_integer_matches_itself_alone(gold: int, answer: int) -> None:
    verdict = IntegerVerifier()(f"{gold:03d}", f"so $m+n=\\boxed{{{answer}}}$")
    assert verdict.correct is (gold == answer)
    assert (verdict.extracted, verdict.path) == (str(answer), "integer")


@given(st.text())
def test_no_text_raises_as_an_integer(text: str) -> None:
    assert IntegerVerifier("any")("42", text).status in {"match", "mismatch", "no_answer", "unparseable"}
    assert IntegerVerifier()("42", f"\\boxed{{{text}}}").status != "gold_error"


@pytest.mark.parametrize("gold", ["1000", "-1", "1/2", "", "x", "42 cm"])
def test_a_reference_that_is_no_such_integer_judges_nobody(gold: str) -> None:
    verdict = IntegerVerifier()(gold, r"\boxed{42}")
    assert (verdict.correct, verdict.status, verdict.path) == (None, "gold_error", "")
    assert "0 to 999" in verdict.reason


@pytest.mark.parametrize(
    ("text", "status", "path"),
    [
        (r"\boxed{42}", "match", "integer"),
        (r"\boxed{42}, \boxed{42}", "match", "integer"),
        (r"\boxed{43}", "mismatch", "integer"),
        (r"\boxed{-42}", "unparseable", "integer"),
        (r"\boxed{42}, \boxed{43}", "unparseable", "integer"),
        ("42", "no_answer", "extraction"),
        (r"\boxed{}", "no_answer", "extraction"),
        (r"\boxed{42", "unparseable", "extraction"),
        ("<think>" + r"\boxed{42}", "unparseable", "extraction"),
        (r"\boxed{" + "4" * 3000 + "}", "refused", "extraction"),
    ],
)
def test_an_integer_verdict_says_how_it_came_about(text: str, status: str, path: str) -> None:
    verdict = IntegerVerifier()("042", text)
    assert (verdict.status, verdict.path) == (status, path)


def test_mode_any_reads_prose_too() -> None:
    assert IntegerVerifier("any")("042", "The answer is 42.").status == "match"
    assert TextVerifier("any")("even", "The answer is even.").status == "match"


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("even", "Even"),
        ("Even", "even."),
        ("No real solution", r"\text{no  real solution}"),
        ("no solution", r"$\text{No solution}$"),
        ("no solution", r"\text{no}~\text{solution}".replace(r"}~\text{", "~")),
        ("no solution", r"no\ solution"),
        ("Alice", "**Alice**"),
        ("Alice", r"\textbf{Alice}."),
        ("12%", r"12\%"),
        ("C", r"\text{(C)}"),
        ("(c)", "[C]"),
        ("x²", "x2"),
        ("ﬁve", "five"),
        ("STRASSE", "straße"),
        ("12:00", "12:00"),
        (r"\frac{1}{2}", r"$\frac{1}{2}$"),
    ],
)
def test_typesetting_case_and_white_space_are_no_part_of_a_text(gold: str, answer: str) -> None:
    assert TextVerifier()(gold, f"\\boxed{{{answer}}}").status == "match"
    assert TextVerifier()(answer, f"\\boxed{{{gold}}}").status == "match"


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("even", "odd"),
        ("0.5", "1/2"),
        ("x=5", "5"),
        ("(1,2)", "1,2"),
        ("a b", "ab"),
        ("{1}", r"\{1\}"),
        ("12%", "12"),
        ("(CD)", "CD"),
    ],
)
def test_anything_else_is_another_text(gold: str, answer: str) -> None:
    verdict = TextVerifier()(gold, f"\\boxed{{{answer}}}")
    assert (verdict.status, verdict.path, verdict.extracted) == ("mismatch", "text", answer)


@pytest.mark.parametrize("gold", ["", "  ", "$ $", r"\text{}", "."])
def test_an_empty_reference_judges_nobody(gold: str) -> None:
    assert TextVerifier()(gold, r"\boxed{5}").status == "gold_error"


@given(st.text().filter(lambda text: normalized(text) != ""))
def test_every_text_is_itself(text: str) -> None:
    assert normalized(f" {text}\n") == normalized(text)


@pytest.mark.parametrize(
    "text", ["$1$ or $2$", r"\text{a} or \text{b}", r"\(1\) or \(2\)", "**a** and **b**", "$", "a..."]
)
def test_what_encloses_only_parts_of_an_answer_stays(text: str) -> None:
    assert bare(text) == text


@given(st.text())
def test_taking_off_what_encloses_an_answer_leaves_a_part_of_it(text: str) -> None:
    assert bare(text) in text
    assert bare(bare(text)) == bare(text)


@given(st.text(st.characters(exclude_characters="{}\\<")), st.text())
def test_no_text_raises_as_a_text(gold: str, response: str) -> None:
    assert TextVerifier("any")(gold, response).status in {"match", "mismatch", "no_answer", "unparseable", "gold_error"}


def test_a_long_answer_is_quoted_in_part() -> None:
    assert quoted("x\ny") == r"'x\ny'"
    assert quoted("x" * 100, 3) == "'xxx...'"
