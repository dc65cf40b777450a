"""The parser, the exact numbers and the values at points: what they read, and what they refuse before computing."""

import contextlib
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.latex.exact import MAX_BITS, NotRational, rational
from vibethinker.verify.latex.lexer import MAX_TOKENS, tokenize
from vibethinker.verify.latex.numbers import MAX_DIGITS
from vibethinker.verify.latex.operators import MAX_DEPTH
from vibethinker.verify.latex.points import Point
from vibethinker.verify.latex.regions import region, same_region
from vibethinker.verify.latex.statements import parse_answer
from vibethinker.verify.latex.tree import (
    Add,
    AnswerError,
    Listing,
    MalformedError,
    Mul,
    Neg,
    Num,
    Sequence,
    TooLargeError,
    UnsupportedError,
    Var,
    walk,
)
from vibethinker.verify.latex.units import unit_powers
from vibethinker.verify.latex.values import same_number
from vibethinker.verify.math_answer import judge_math

whole = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("1,234,567", 1234567),
        (r"1{,}234", 1234),
        (r"1\,234", 1234),
        ("1 234", 1234),
        (r"11,\! 111,\! 100", 11111100),
        (r"56,\!01,\!78,\!95,\!760", 56017895760),
        (".5", Fraction(1, 2)),
        ("3{,}14", Fraction(157, 50)),
        ("1.5e-3", Fraction(3, 2000)),
        (r"0.\overline{27}", Fraction(3, 11)),
        (r".\overline{3}", Fraction(1, 3)),
        (r"0.1\dot{6}", Fraction(1, 6)),
        (r"0.\dot{1}4285\dot{7}", Fraction(1, 7)),
        ("0.1(6)", Fraction(1, 6)),
        ("0.333...", Fraction(1, 3)),
        (r"2\frac{1}{2}", Fraction(5, 2)),
        (r"-2\frac12", Fraction(-5, 2)),
        ("2 1/2", Fraction(5, 2)),
        (r"2\frac{3}{2}", 3),
        (r"\frac12", Fraction(1, 2)),
        (r"\frac1{72}", Fraction(1, 72)),
        (r"{6 \over 4}", Fraction(3, 2)),
        (r"{5 \choose 2}", 10),
        (r"\binom52", 10),
        ("3!!", 3),
        ("5!", 120),
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2^-1", Fraction(1, 2)),
        (r"\sqrt[3]{-8}", -2),
        ("√9", 3),
        ("½", Fraction(1, 2)),
        ("12%", Fraction(3, 25)),
        ("101_2", 5),
        ("1A3_{16}", 419),
        (r"\lfloor -2.5 \rfloor", -3),
        ("|{-3}|", 3),
        (r"\gcd(12, 18)", 6),
        (r"\sum_{k=1}^{10} k^2", 385),
        (r"\prod_{i=1}^{5} i", 120),
        ("2 million", 2_000_000),
    ],
)
def test_a_number_is_read_exactly(text: str, value: Fraction | int) -> None:
    assert rational(parse_answer(text)) == value


@given(whole, whole, whole)
def test_a_product_binds_before_a_sum_and_a_power_before_a_product(a: int, b: int, c: int) -> None:
    assert rational(parse_answer(f"{a}+{b}*{c}")) == a + b * c
    assert rational(parse_answer(rf"{a} \cdot {b}^2 - {c}")) == a * b**2 - c


@given(st.lists(whole, min_size=2, max_size=8), st.sampled_from([", ", ",", ";", r",\ ", r" \text{ and } "]))
def test_a_list_keeps_its_members_in_order(numbers: list[int], separator: str) -> None:
    node = parse_answer(separator.join(map(str, numbers)), grouping=False)
    assert isinstance(node, Listing)
    assert [rational(item) for item in node.items] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "(1",
        "1)",
        "(1,2",
        r"\frac{1}",
        r"\frac{1}{",
        "2^",
        "1 2",
        "..",
        "[0,,1)",
        "1,",
        r"\begin{pmatrix}1&2\\3\end{pmatrix}",
        r"\begin{pmatrix}1",
        "\\",
        "x_",
        "5_1",
        "19_{8}+",
        "@",
        r"\sqrt[",
        r"\left(",
        "|x",
        r"5\cdot\text{apples}",
        r"5\text{ or less}",
    ],
)
def test_what_is_no_answer_is_called_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_answer(text)


@pytest.mark.parametrize(
    "text", [r"\int_0^1 x\,dx", r"\lim_{x\to0} x", r"\frac{d}{dx} x^2", r"\sum_{k=1}^{\infty} 2^{-k}", r"\foo{1}"]
)
def test_what_is_beyond_the_parser_is_called_unsupported(text: str) -> None:
    with pytest.raises(UnsupportedError):
        parse_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        "1" * (MAX_DIGITS + 1),
        "1+" * MAX_TOKENS + "1",
        "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        r"\sqrt{" * 70 + "2" + "}" * 70,
        "1e999999",
        "9^{9^{9^9}}",
        "10000000!",
        "((9!)!)!",
        r"2^{131073}",
        r"\binom{1000000000}{500000000}",
        r"\sum_{k=1}^{100000} k",
        r"\sum_{i=1}^{1000}\sum_{j=1}^{1000} i j",
        r"\frac{1}{2^{200000}}",
        r"\operatorname{lcm}(2^{100000}, 3^{100000})",
    ],
)
def test_what_is_too_large_is_refused_before_it_is_computed(text: str) -> None:
    with pytest.raises(TooLargeError):
        rational(parse_answer(text))


@pytest.mark.parametrize(
    "text",
    ["e^{e^{e^{e^e}}}", r"\sin(10^{1000})", r"\cosh(10^{20})", r"\pi^{10^{50}}", r"(2\pi)^{200000}", r"e^{-10^{20}}"],
)
def test_a_value_at_a_point_is_refused_before_it_is_computed(text: str) -> None:
    with pytest.raises(TooLargeError):
        Point({}, 40).value(parse_answer(text))


@pytest.mark.parametrize("text", ["1/0", r"\frac{x}{x-x}", r"\log 0", "0^{-1}", "(-1)!", r"\tan 90^\circ", r"\log_1 2"])
def test_an_expression_without_a_value_is_malformed(text: str) -> None:
    node, values = parse_answer(text), {"x": Fraction(3)}
    with pytest.raises((MalformedError, NotRational)) as found:
        rational(node, values)
    if found.type is NotRational:
        with pytest.raises(MalformedError):
            Point(values, 40).value(node)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (r"\sqrt{12}", r"2\sqrt{3}", True),
        (r"\sqrt{2}-\sqrt{2}", "0", True),
        ("10^{-70}", "0", False),
        (r"10^{-70}\pi", r"2\cdot 10^{-70}\pi", False),
        (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}", False),
        (r"\sqrt{10^{60}+1}", "10^{30}", False),
        (r"\frac{2^{2005}+1}{3\cdot 2^{2005}}", r"\log_8 2", False),
        (r"\sqrt{x^2}", "x", False),
        (r"\sqrt{1/n}", r"\frac{1}{\sqrt{n}}", True),
        (r"|x-1|+|x+1|", "2|x|", False),
        (r"\lfloor\frac{n}{10^6}\rfloor", "0", False),
        (r"\min(n,100)", "n", False),
        (r"2^{\gcd(a,b)}", "2", False),
        ("P(0)e^{kt}", "P(0)e^{-kt}", False),
        (r"\sin 30^\circ", r"\frac12", True),
        (r"\sin 30", r"\frac12", False),
        (r"\sec^2 y", r"\tan^2 y+1", True),
        ("e^{i\\pi}", "-1", True),
        (r"F_{n+1}", "F_n", False),
        (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", True),
        (r"\infty", r"-\infty", False),
    ],
)
def test_two_expressions_are_compared_as_functions(one: str, other: str, same: bool) -> None:
    assert same_number(parse_answer(one), parse_answer(other)) is same
    assert same_number(parse_answer(other), parse_answer(one)) is same


intervals = st.tuples(st.integers(-20, 20), st.integers(1, 20), st.booleans(), st.booleans()).map(
    lambda drawn: f"{'[' if drawn[2] else '('}{drawn[0]},{drawn[0] + drawn[1]}{']' if drawn[3] else ')'}"
)


def contains(text: str, point: Fraction) -> bool:
    """Brute force: whether a union as text holds a point."""
    for part in text.split(r"\cup"):
        low, high = (Fraction(end) for end in part[1:-1].split(","))
        if low < point < high or (point == low and part[0] == "[") or (point == high and part[-1] == "]"):
            return True
    return False


@given(st.lists(intervals, min_size=1, max_size=4), st.lists(intervals, min_size=1, max_size=4))
def test_unions_are_the_same_exactly_where_they_hold_the_same_points(one: list[str], other: list[str]) -> None:
    first, second = r"\cup".join(one), r"\cup".join(other)
    halves = [Fraction(half, 2) for half in range(-42, 84)]
    expected = all(contains(first, point) == contains(second, point) for point in halves)
    regions = [region(parse_answer(text)) for text in (first, second)]
    assert regions[0] is not None
    assert regions[1] is not None
    assert same_region(regions[0], regions[1]) is expected


def test_every_part_of_a_tree_is_walked() -> None:
    tree = parse_answer(r"(x+1, -\frac{y}{2})")
    assert {type(node) for node in walk(tree)} >= {Sequence, Add, Neg, Var, Num}


def test_a_letter_beside_letters_is_a_factor_and_no_unit() -> None:
    assert parse_answer("GM") == Mul((Var("G"), Var("M")))
    assert unit_powers("GM") == {"GM": 1}


@pytest.mark.parametrize(
    ("text", "powers"),
    [
        ("cm", {"cm": 1}),
        ("square centimetres", {"cm": 2}),
        ("km/h", {"km": 1, "h": -1}),
        ("miles per hour", {"mi": 1, "h": -1}),
        ("mph", {"mi": 1, "h": -1}),
        ("degrees Celsius", {"°C": 1}),
        ("kilojoules", {"kJ": 1}),
        ("apples", {}),
    ],
)
def test_a_unit_is_known_by_all_of_its_names(text: str, powers: dict[str, int]) -> None:
    assert unit_powers(text) == powers


def test_every_thread_computes_with_its_own_precision() -> None:
    pairs = [(f"\\sqrt{{{4 * n}}}", f"2\\sqrt{{{n}}}") for n in range(2, 60)]
    wrong: list[object] = []

    def work() -> None:
        wrong.extend(pair for pair in pairs if (verdict := judge_math(*pair)) is None or not verdict.correct)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


pieces = st.sampled_from(
    [*"0123456789xyei(){}[]|^_!,;:=<>+-*/.%'&$\\ ", r"\frac", r"\sqrt", r"\text{", r"\pm", r"\sum_{k=1}^"]
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_no_text_raises_anything_undeclared(text: str) -> None:
    for parse in (tokenize, parse_answer):
        with contextlib.suppress(AnswerError):
            parse(text)


def test_the_bound_on_bits_is_met_exactly() -> None:
    assert rational(parse_answer(f"2^{{{MAX_BITS - 1}}}")) == 2 ** (MAX_BITS - 1)
    with pytest.raises(TooLargeError):
        rational(parse_answer(f"2^{{{MAX_BITS + 1}}}"))
