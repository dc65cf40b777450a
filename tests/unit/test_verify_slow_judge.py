"""The slow path's judge: what is equal, what is not, and which side was not understood."""

import time
from collections.abc import Iterator

import pytest

from vibethinker.verify.slow_path import SlowJudgement, SlowPath


@pytest.fixture(scope="module")
def pool() -> Iterator[SlowPath]:
    with SlowPath(workers=2) as pool:
        yield pool


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("1/2", "0.5"),
        (r"\frac{3}{4}", r"\tfrac34"),
        (r"\frac{1}{3}", r"\int_0^1 x^2\,dx"),
        (r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty} \frac{1}{n^2}"),
        (r"\frac{\sqrt{\pi}}{2}", r"\int_0^\infty e^{-x^2}\,\mathrm{d}x"),
        (r"\frac{n(n+1)}{2}", r"\sum_{i=1}^n i"),
        ("1", r"\lim_{x\to 0} \frac{\sin x}{x}"),
        ("120", r"\prod_{k=1}^{5} k"),
        (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
        ("0", r"\sqrt2+\sqrt3-\sqrt{5+2\sqrt6}"),
        (r"\sec^2 y", r"\tan^2 y+1"),
        ("r^2+10r+25", "(r+5)^2"),
        ("2024!", r"2023! \cdot 2024"),
        ("2^{-299}", r"\frac{1}{2^{299}}"),
        ("3i/4", "0.75i"),
        ("-1", "i^2"),
        ("6", "2(3)"),
        ("12", r"2\binom42"),
        ("2.5", r"2\frac12"),
        ("0.333", "1/3"),
        ("0.78343", r"\int_0^1 x^x\,dx"),
        (r"12\%", "0.12"),
        (r"12\%", "12"),
        ("x=5", "5"),
        ("11", "x=5+6=11"),
        ("2x", "f(x)=2x"),
        ("1", "|AB|=1"),
        (r"\pm 3", "3, -3"),
        ("1,2", r"2\text{ and }1"),
        ("1,2", r"\{2,1\}"),
        ("(1,2)", "1,2"),
        (r"\{5\}", "5"),
        ("{1,2}", "2,1"),
        ("2x+4y-3=0", r"y=-\frac{x}{2}+\frac34"),
        (r"5 \geq x", r"x \le 5"),
        ("x+y<1", "2x+2y<2"),
        ("[1,2)", r"1 \le x < 2"),
        (r"(-\infty,1)\cup(2,\infty)", r"x>2\text{ or }x<1"),
        (r"\mathbb{R}\setminus\{0\}", r"(-\infty,0)\cup(0,\infty)"),
        (r"\begin{pmatrix}-2&1\\3/2&-1/2\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}^{-1}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    ],
)
def test_what_is_equal_is_accepted(pool: SlowPath, gold: str, answer: str) -> None:
    assert pool.judge(gold, answer) == SlowJudgement(True, "judged")


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        # math-verify accepts these.
        (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
        ("2^{-299}", "2^{-298}"),
        ("10^{-7}", r"2 \cdot 10^{-7}"),
        ("1e-7", "2e-7"),
        ("204", "204_6"),
        ("(1,2)", r"\{1,2\}"),
        ("1,2", "(2,1)"),
        ("0", "a+3z=0"),
        ("5", "x+y=5"),
        ("5", "xy=5"),
        ("5", "|x|=5"),
        ("x^2+1=0", "x^2+2=0"),
        ("12", r"12\%"),
        ("1/3", "0.333333"),
        ("8", r"2\binom42"),
        ("5", "2(3)"),
        ("5", "2 3"),
        ("11", "5'6"),
        ("56", "5$6$"),
        ("A", "A^T"),
        ("5x", r"5\quadx"),
        (r"\{1,2,10\}", r"\{1,2,\ldots,10\}"),
        (r"\sin 30", r"\sin 30^\circ"),
        ("0", r"\frac{dy}{dx}"),
        # A number that is only a part of the answer.
        ("5", ""),
        ("5", "the answer is 5"),
        ("5", "5 apples"),
        ("17", "17, 18"),
        ("11", "x=5=11"),
        # As everyone else.
        ("(1,2)", "(2,1)"),
        ("(1,2)", "[1,2]"),
        (r"\pm 3", "3"),
        ("x=5", "y=5"),
        ("3.142", "3.14"),
        (r"\pi", "3.14159265"),
        ("5", "5+2^{-300}"),
        ("x", "x+10^{-40}"),
        (r"\frac{1}{3}", r"\int_0^1 x^3\,dx"),
        (r"5\text{ cm}", r"5\text{ m}"),
        ("x+y<1", "-2x-2y<-2"),
        (r"x<1\text{ or }x>2", "x<1, x>2"),
        ("[1,2)", "1<x<2"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
        ("5", r"\frac{5}{0}"),
        ("X", "x"),
        ("5", "\ud800\x00"),
        ("5", "||||||||"),
    ],
)
def test_what_is_not_equal_is_never_accepted(pool: SlowPath, gold: str, answer: str) -> None:
    assert pool.judge(gold, answer).correct is False


def test_the_status_says_which_side_was_not_understood(pool: SlowPath) -> None:
    gold, answer, neither = pool.judge_many([("the answer", "5"), ("5", "the answer"), ("", "")])
    assert (gold.correct, gold.status) == (None, "gold_unparseable")
    assert (answer.correct, answer.status) == (False, "answer_unparseable")
    assert (neither.correct, neither.status) == (None, "gold_unparseable")
    assert "word" in gold.reason


def test_texts_of_any_length_are_answered_at_once(pool: SlowPath) -> None:
    long = "1" * 10_000_000
    begin = time.monotonic()
    assert pool.judge("5", long) == SlowJudgement(False, "answer_unparseable", "over 2000 characters")
    assert pool.judge(long, "5") == SlowJudgement(None, "gold_unparseable", "over 2000 characters")
    assert time.monotonic() - begin < 1
    # The longest that is sent, in the characters that JSON spells longest.
    assert pool.judge("\U0001f600" * 2000, "\U0001f600" * 2000).status == "gold_unparseable"
