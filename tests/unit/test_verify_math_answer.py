"""Exact numbers out of final answers: every accepted form, nothing else, whatever the text."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.math_answer import MAX_CHARACTERS, MAX_DIGITS, parse_exact

fractions = st.builds(Fraction, st.integers(-(10**12), 10**12), st.integers(1, 10**6))
digits = st.text("0123456789", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        ("-42", -42),
        ("+42", 42),
        ("- 42", -42),
        ("\N{MINUS SIGN}42", -42),
        ("007", 7),
        ("-0", 0),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("-.25", Fraction(-1, 4)),
        ("3.1400", Fraction(157, 50)),
        ("3/4", Fraction(3, 4)),
        ("6/8", Fraction(3, 4)),
        ("-3/4", Fraction(-3, 4)),
        ("3 / -4", Fraction(-3, 4)),
        ("1.5/0.5", 3),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"\dfrac{3}{4}", Fraction(3, 4)),
        (r"\tfrac{3}{4}", Fraction(3, 4)),
        (r"-\frac{3}{4}", Fraction(-3, 4)),
        (r"- \frac{ -3 }{ 4 }", Fraction(3, 4)),
        (r"+\frac {3} {-4}", Fraction(-3, 4)),
        (r"\frac34", Fraction(3, 4)),
        (r"\frac3{40}", Fraction(3, 40)),
        (r"\frac{1{,}000}{3}", Fraction(1000, 3)),
        ("1,234", 1234),
        ("1{,}234{,}567", 1234567),
        (r"1\,234\,567", 1234567),
        (r"1,\!234", 1234),
        ("12,345.5", Fraction(24691, 2)),
        ("  7\n", 7),
        ("7.", 7),
        ("$7$", 7),
        ("$$7$$", 7),
        ("$7$.", 7),
        ("$7.$", 7),
        ("$ -\\frac{3}{4} $", Fraction(-3, 4)),
        (r"7\,", 7),
        (r"90^\circ", 90),
        (r"90^{\circ}", 90),
        ("90°", 90),
        (r"$90\,^\circ$.", 90),
    ],
)
def test_the_forms_of_a_number_are_read_exactly(text: str, number: Fraction) -> None:
    assert parse_exact(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "-",
        "$",
        "$$",
        "°",
        "/",
        "x",
        "1 2",
        "1,2",
        "12,34",
        "1,2345",
        "1,234,5",
        "0,123",
        "1234,567",
        r"12\,34",
        "1.2.3",
        "5..",
        "1/2/3",
        "--1",
        "+-1",
        "1-1",
        "1+1",
        "2*3",
        "2^3",
        "1/0",
        "0/0",
        "1/0.000",
        r"\frac{1}{0}",
        r"\frac{1}",
        r"\frac{}{2}",
        r"\frac{1}{2",
        r"\frac123",
        r"1\frac{1}{2}",
        r"\frac{\frac{1}{2}}{3}",
        r"\frac{x}{2}",
        r"\frac{1}{2}/3",
        r"\sqrt{4}",
        r"\pi",
        "50%",
        r"50\%",
        "5 cm",
        "$5",
        "5$",
        "x=5",
        "(1,2)",
        "{5}",
        "1e5",
        "1E5",
        "1_000",
        "0x10",
        "0b1",
        "1j",
        "nan",
        "inf",
        "-Infinity",
        "True",
        "None",
        "٣",
        "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}",
        "²",
        "½",
        "1\u0660",
        ".\u0663",
        "1.\u0663",
        "५/२",
        "1\x00",
        "\ud800",
        "__import__('os').system('true')",
        "().__class__",
        "9**9**9**9",
        "9^{9^{9^9}}",
        "factorial(10**9)",
    ],
)
def test_everything_else_is_not_read(text: str) -> None:
    assert parse_exact(text) is None


@given(fractions)
def test_a_fraction_written_in_any_form_is_that_fraction(number: Fraction) -> None:
    above, below = number.numerator, number.denominator
    sign = "-" if above < 0 else ""
    forms = [
        f"{above}/{below}",
        f"{3 * above}/{3 * below}",
        f"{above} / {below}",
        f"{above:,}/{below:,}",
        f"\\frac{{{above}}}{{{below}}}",
        f"{sign}\\dfrac{{{abs(above)}}}{{{below}}}",
        f"{sign}\\frac{{{abs(above):,}}}{{{below:,}}}".replace(",", "{,}"),
        f"$\\frac{{{-above}}}{{{-below}}}$.",
    ]
    if below == 1:
        forms += [f"{above}", f"{above}.0", f"{above:,}", f"{above:,}".replace(",", r"\,"), f"{above}^\\circ"]
    for form in forms:
        assert parse_exact(form) == number, form


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_a_decimal_is_the_exact_number_that_it_shows(number: object) -> None:
    assert parse_exact(f"{number:f}") == parse_exact(f"{number:,f}") == Fraction(str(number))


@given(digits, digits, st.data())
def test_a_changed_digit_is_another_number(above: str, below: str, data: st.DataObject) -> None:
    text = f"{above}/{below}"
    place = data.draw(st.sampled_from([i for i, character in enumerate(text) if character != "/"]))
    digit = data.draw(st.sampled_from([other for other in "0123456789" if other != text[place]]))
    changed = text[:place] + digit + text[place + 1 :]
    number = parse_exact(text)
    # Nothing divided by anything stays nothing.
    if number is not None and (number != 0 or place < len(above)):
        assert parse_exact(changed) != number


@given(st.text() | st.text("0123456789.,/+-$ \\{}!^°fracd\n"))
def test_no_text_raises(text: str) -> None:
    number = parse_exact(text)
    assert number is None or isinstance(number, Fraction)


def test_numbers_are_read_up_to_their_limit_and_refused_beyond() -> None:
    assert parse_exact("9" * MAX_DIGITS) == 10**MAX_DIGITS - 1
    assert parse_exact("9" * (MAX_DIGITS + 1)) is None
    assert parse_exact("0." + "1" * MAX_DIGITS) is None
    assert parse_exact(r"\!" * MAX_CHARACTERS + "7") is None
    half = MAX_DIGITS // 2
    assert parse_exact(f"{'9' * half}/{'9' * half}") == 1
    assert parse_exact(f"{'9' * half}/{'9' * (half + 1)}") is None


@pytest.mark.parametrize(
    "unit", ["9", " ", "$", "-", ",", "1,", "{", "\\", r"\frac{", "°", ".", "{,}", r"\,", r"\!", "/"]
)
def test_megabytes_of_one_thing_are_refused_or_stripped(unit: str) -> None:
    flood = unit * (5_000_000 // len(unit))
    assert parse_exact(flood) is None
    assert parse_exact(flood + "7") in {None, 7}
    assert parse_exact("7" + flood) in {None, 7}
