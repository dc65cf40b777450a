r"""Hostile answers: pairs of a gold and a response that would stall, blow up, run, or fool a verifier of answers.

None of the responses is right. They come lazily, because the floods are megabytes each. The classes:

* ``huge``, ``heavy``: short to write, hopeless to compute; ``huge_gold``, ``heavy_gold``: with a gold of that sort;
* ``near``: another value or function that rounding or a few test points cannot tell from the gold;
* ``nest``, ``broken``, ``empty``, ``unicode``, ``flood``, ``regex``: hostile as text;
* ``inject``: code that writes a file, the canary, should anything run it;
* ``hack``: answers that cover many golds, or say the gold beside the final box;
* ``unboxed``: no final box, for who wants one (others take a number out of the prose, or a box out of the thoughts).

python benchmarks/hostile_answers.py  # counts them by class
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from hostile_code import other_payloads, python_payloads

NOWHERE = "/nonexistent/canary"
FLOOD = 10 * 2**20
"""Characters of the largest responses."""

LONGEST = 1_900
"""Characters of an answer which is long and yet short enough to be read."""

BOX = r"\boxed{"


@dataclass(frozen=True)
class HostilePair:
    """A gold and a response; ``expect`` is ``any`` only where it is a matter of convention whether it is right."""

    name: str
    kind: str
    gold: str
    response: str
    expect: Literal["not_correct", "any"] = "not_correct"


def hostile_pairs(canary: str = NOWHERE) -> Iterator[HostilePair]:
    """Yield all pairs, each of another name; ``canary`` is the path that injected code would write."""
    for kind, pairs in CLASSES.items():
        for number, (gold, response) in enumerate(pairs()):
            yield HostilePair(f"{kind}-{number:03}", kind, gold, response)
    for number, payload in enumerate([*python_payloads(canary), *other_payloads(canary)]):
        yield HostilePair(f"inject-{number:03}", "inject", "5", boxed(payload))
    for number, (gold, response) in enumerate(_open_questions()):
        yield HostilePair(f"open-{number:03}", "open", gold, response, "any")


def boxed(answer: str) -> str:
    """Return a response that ends on the answer."""
    return f"The answer is ${BOX}{answer}}}$."


def _filled(unit: str, length: int) -> str:
    return unit * (length // len(unit))


def _wrap(before: str, inside: str, after: str, times: int) -> str:
    return before * times + inside + after * times


_HUGE = r"""
9^{9^{9^9}} | 9^{9^{9^{9^9}}} | 9**9**9**9 | 10000000! | 2^{10^{12}} | 2^{2^{2^{2^{2^{2}}}}} | 10^{10^{10}}
10^{-10^{10}} | ((9!)!)! | (((3!)!)!)! | 9!!!!!!!! | \binom{10^9}{5\cdot 10^8} | \binom{2^{64}}{2^{63}}
(1+10^{-9})^{10^{18}} | 1e1000000000 | 1.5e999999999999 | 1.5\times 10^{999999999} | 1e-1000000000 | 9^{999999999}
0.1^{10^9} | (-2)^{10^{11}} | 2^{100000000}-2^{99999999} | \frac{10^{10^9}}{10^{10^9}-1} | 7^{7^{7^{7}}} \bmod 10
999999999^{999999999} \pmod 7 | 3\uparrow\uparrow\uparrow 3 | 99999999!/99999998!
\left(10^{10}\right)^{\left(10^{10}\right)} | i^{10^{30}+1} | e^{e^{e^{e^{e}}}} | \exp(\exp(\exp(100)))
\pi^{\pi^{\pi^{\pi^\pi}}} | \ln(10^{10^{10}}) | \log_{2}(9^{9^{9^9}}) | \gcd(10^{10^8}, 6^{10^8})
\lfloor 10^{10^9}/3 \rfloor | \sqrt{10^{10^{9}}} | \sqrt[3]{10^{10^{10}}+1} | F_{10^{12}} | \Gamma(10^{9})
10^{10^{10}}_{2} | 10^{10^{9}}\% | 10^{10^{10}}^\circ | |{-10^{10^{10}}}| | (10^{10^{10}}, 1) | \{10^{10^{10}}\}
[0, 10^{10^{10}}) | x = 10^{10^{10}} | x < 9^{9^{9^9}} | 2:10^{10^{10}} | 1.\overline{9999999}^{10^{10}} | 2^{2^{17}}
2^{131073}
"""

_HUGE_GOLDS = r"""
10^{10^{10}} = 10^{10^{11}} | 10^{10^{10}} = 10^{10^{10}}+1 | 9^{9^{9^9}} = 9^{9^{9^8}} | 9^{9^{9^9}} = 5
10000000! = 10000001! | 2^{10^{12}} = 2^{10^{12}}+1 | \binom{10^9}{5\cdot 10^8} = \binom{10^9}{5\cdot 10^8+1}
((9!)!)! = ((8!)!)! | e^{e^{e^{e^{e}}}} = e^{e^{e^{e^{3}}}} | 10^{-10^{10}} = 10^{-10^{11}} | 10^{-10^{10}} = 0
2^{2^{2^{2^{2^{2}}}}} = 2^{2^{2^{2^{2^{3}}}}} | 1e1000000000 = 1e1000000001 | (10^{10^{10}},1) = (10^{10^{10}},2)
\{9^{9^{9^9}},1\} = \{9^{9^{9^9}},2\} | \ln(10^{10^{10}}) = \ln(10^{10^{11}}) | 2^{200000} = 2^{200001}
30000! = 30001!
"""

_HEAVY = r"""
\sum_{k=1}^{10^9} k^{10^6} | \sum_{k=1}^{1000000} \frac{1}{k} | \prod_{k=1}^{10^9} k
\prod_{k=1}^{100000} \left(1+\frac{1}{k^2}\right)
\sum_{i=1}^{1000}\sum_{j=1}^{1000}\sum_{k=1}^{1000} \frac{1}{i+j+k} | \sum_{k=1}^{\infty} \frac{1}{k^{3}+k+1}
\sum_{n=0}^{10^{10^{10}}} n | \int_0^{10^9} \sin(x^x)\,dx | \int e^{x^2 \sin x}\,dx
\int_0^1\int_0^1\int_0^1 \frac{dx\,dy\,dz}{1-xyz+x^9} | \int_0^{\infty} \frac{\sin^{99} x}{x^{99}}\,dx
\lim_{n\to\infty} \left(1+\frac{1}{n^n}\right)^{n^{n^n}} | \sin(10^{100000}) | \tan(10^{1000000}) | \cos(10^{10^{10}})
\sin(9^{9^{9^9}}) | (x+1)^{1000}-(x-1)^{1000} | (x+y+z+w)^{200} | \prod_{k=1}^{200}(x+k) | ((((x^2+1)^9+1)^9+1)^9+1)^9
\zeta(1/2+10^6 i) | \sqrt[1000000]{2} | 2^{1/1000003}
(\sqrt{2}+\sqrt{3}+\sqrt{5}+\sqrt{7}+\sqrt{11}+\sqrt{13}+\sqrt{17})^{99} | x^{x^{x^{x^{x^x}}}}
\frac{d^{50}}{dx^{50}} \tan(\tan x) | x^{99}+x^{98}y+x^{97}y^2-\sin(xy)=0 | \lfloor \sqrt[3]{10^{3000}+1} \rfloor
\log_{10^{-100000}}(10^{100000}+1) | \sum_{i=1}^{900}\sum_{j=1}^{900} ij
\sum_{i=1}^{900}\sum_{j=1}^{900}\sqrt{i+jx} | \prod_{i=1}^{900}\prod_{j=1}^{900}\left(1+\frac{x}{ij}\right)
\sum_{i=1}^{900} i^{9000}
 \pm\sqrt{2\pm\sqrt{3\pm\sqrt{5\pm\sqrt{7}}}}
"""

_HEAVY_GOLDS = r"""
\sum_{k=1}^{n} k^{10} = \sum_{k=1}^{n} (k+1)^{20} | \sum_{k=1}^{10^9} k^{9} = \sum_{k=1}^{10^9} k^{8}
\int_0^{10^9} \sin(x^x)\,dx = \int_0^{10^9} \cos(x^x)\,dx | (x+1)^{1000} = (x+1)^{1000}+1
(x+1)^{99} = (x+1)^{98}(x+2) | (x+y+z+w)^{200} = (x+y+z-w)^{200} | \sin(10^{100000}) = \cos(10^{100000})
\prod_{k=1}^{200}(x+k) = \prod_{k=1}^{201}(x+k) | \int e^{x^2 \sin x}\,dx = \int e^{x^2 \cos x}\,dx
\sin(10^{22}) = \cos(10^{22}) | x^{x^{x^{x}}} = x^{x^{x^{x+1}}}
((((x^2+1)^9+1)^9+1)^9+1)^9 = ((((x^2+1)^9+1)^9+1)^9+2)^9
\sum_{k=1}^{\infty} \frac{1}{k^3+k+1} = \sum_{k=1}^{\infty} \frac{1}{k^3+k+2}
"""

_NEAR = r"""
10^{20} = \sqrt{10^{40}+1} | 262537412640768744 = e^{\pi\sqrt{163}} | \frac{\pi}{4} = 0.785398163397448309615660845819
1 = \cos(10^{-30}) | 1280640 = \sum_{n=1}^{\infty} \frac{\lfloor n e^{\pi\sqrt{163}/3}\rfloor}{2^n}
e = (1+9^{-4^{42}})^{3^{2^{85}}} | 1 = 1+10^{-400} | 1 = \tanh(40) | \sqrt{2} = \sqrt{2}+10^{-60}
1 = \frac{10^{50}+1}{10^{50}} | 1 = 0.99999999999999999999 | 0 = 10^{-300} | 0 = 10^{-99999} | x^2 = x^2+10^{-50}
1 = \sin^2 x+\cos^2 x+10^{-40} | x = |x| | x = \sqrt{x^2} | x = x+\prod_{k=-30}^{30}(x-k) | 0 = \sin(\pi x)
x = \lfloor x \rfloor | x^2 = x\lceil x \rceil | x^2 = x^{2.0000000001} | \frac{1}{2^{99}} = \frac{1}{2^{98}}
1e-7 = 2e-7 | \frac{1}{3} = 0.33333333333333333333 | 204_5 = 204_6 | (1,2) = \{1,2\} | 5 = 4.\overline{9}8 | x+y = x-y
\sqrt{2}+\sqrt{3} = \sqrt{5+2\sqrt{6}+10^{-45}} | \ln 2 = \sum_{k=1}^{100} \frac{1}{k 2^k} | n! = \Gamma(n)
a+b = \sqrt{a^2+b^2} | \log(x) = \log_2(x) | \frac{2143}{22} = \pi^4 | 10^{100}+1 = 10^{100}
10^{100} = 1.0\times 10^{100}+1 | \sqrt{10^{100}+1} = 10^{50} | [0,1) = [0,1] | (0,1) = [0,1]
\frac{x}{y} = \frac{y}{x}
"""

_BROKEN = r"""
\frac{1} | \frac | \frac{}{} | \frac{5} | \sqrt | \sqrt[ | \sqrt[3] | \left( | \left(6 | 6\right) | \right)5\left(
\begin{pmatrix}1 | \end{pmatrix} | \begin{pmatrix}1&2\\3\end{bmatrix} | \begin{ | \begin{array}{ccc | \begin{cases}
^ | _ | 5^ | 5_ | ^5 | 5^^5 | 5__5 | 5^{}5 | 5/ | / | // | 5//5 | 5** | + | - | = | == | 6= | =6 | < | <= | 5< | ,
,,, | ;;; | ( | ) | (6 | 6] | (,) | \{ | \} | \{6 | \ | \\ | $ | $$$ | $6 | & | # | ~ | % | \% | 6%% | ! | !5 | 5.5.5
.. | 6,, | 0.\overline{} | \overline{6 | \binom{5} | \log_{} | \int | \sum_{ | \sum_{k=1}^{ | \int_0^ | \lim_{x\to
\frac{5}{0} | \frac{0}{0} | 5/0 | 0^{-1} | 0^{-5} | \log 0 | \log_1 5 | \log_0 0 | \tan(\pi/2) | \infty-\infty
\infty/\infty | nan | inf | -inf | NaN | 1e | e5e5 | 0x | \text{ | \mathrm | \operatorname{} | \undefinedmacro{5}{6}
\def\x{\x\x}\x | \newcommand{\a}{\a\a}\a | \csname boxed\endcsname | \catcode`\{=12 | \hbox to 10000000pt{}
\char"FFFFFFFF | \verb| | % comment \n 6 | \begin{verbatim}6 | (-1)! | (-5)! | 0.5! | \binom{-1}{-1} | \sqrt{-}
\gamma_{\gamma_{ | |6 | ||| | \|
"""

_EMPTY = (
    r"| |  |   |$$|$ $|\ |\,|\quad|\text{}|\mathrm{ }|{}|{{}}|~|\!|\;|\left(\right)|()|[]|\{\}|\emptyset|\varnothing"
    r"|.|,|-|\phantom{5}|\hspace{5cm}|\\"
)

_UNBOXED = r"| |5|$5$|the answer is 5|**5**|#### 5|\boxed{|\boxed|\boxed{5|</think>|<think>|\[5\]|\fbox|(5)"

_MANY = r"""
5 or 6 or 7 | 5, 6, 7 | 6, 5 | 5 \text{ or } 6 | 5 \text{ and } 6 | \{5, 6\} | 4;5;6 | 5/6 | 5|6 | 5 6
x=5 \text{ or } x=6 | 5=6 | 5=6=7 | 5 \neq 6 | \pm 5 | 5 \pm 1 | 5 \pm 5 | -5 | [0,10] | (4,6) | [5,6] | 5 \leq x | x
n | a | any | any number | all of the above | * | .* | ? | ... | \ldots | \_ | [0-9]+ | ^.*$ | \d+ | \mathbb{R}
\mathbb{N} | \infty | \emptyset | x \in \mathbb{R} | x > 0 | x \geq 5 | x \neq 6 | 4 < x < 6 | \text{gold} | correct
True | true | 1 | \checkmark | \text{correct} | match | the answer | ground truth | reward = 1 | \text{see above}
\text{as required} | answer | None | null | undefined | 5 \text{ (or possibly 6)} | 5+x
5x | 5+c | 5k, k \in \mathbb{Z} | 5 \cdot \text{anything} | 5_{6}, 6 | 0.5 | 50 | 500 | 5\%
5.0001 | 5^\circ 30' | 5:1:1 | 5^5 | 5! | \sqrt{5} | \log 5 | 5i | (5) (6) | 5\\6 | 5 & 6 | f(5) | 5(6)
0,1,2,3,4,5,6,7,8,9 | \{0,1,2,3,4,5,6,7,8,9\} | 0 \text{ to } 9 | 0-9 | 0\ldots 9 | 1 \leq n \leq 999
\{1, 2, \ldots, 999\} | \{n : n \in \mathbb{N}\} | \begin{pmatrix}5\\6\end{pmatrix} | \begin{cases}5\\6\end{cases}
[5] [6] | \frac{5}{\text{anything}} | 5^{\text{anything}} | 5/\text{anything} | 5 hundred | 5 \text{ squared}
5 \text{ is wrong} | 5 \text{ or more} | 5 \text{ or less} | \text{at least } 5 | 2x+y=5
"""

_OTHERS = r"""
(1,2) = 1,2,1,2 | (1,2) = (2,1) | 1,2 = 1,2,3 | 1,2 = 1 | \{1,2\} = \mathbb{R} | [0,1] = (-\infty,\infty) | x^2 = y
2x+4y=3 = 0=0 | 2x+4y=3 = (2x+4y-3)(x-1)=0 | \frac{1}{2} = \frac{1}{2},\frac{1}{3} | C = A, B, C, D | C = ABCD
\text{(C)} = \text{(A), (B), (C)} | \text{Even} = \text{Even or odd} | 12\% = 12\% \text{ or } 13\% | x \leq 5 = x
"""

# Digits of other scripts, what compatibility normalisation makes digits of (5\u00b2 becomes 52), letters that look
# alike, marks that turn the direction, what is not shown, halves of characters, control characters, folding to ss.
# fmt: off
_ODD_LETTERS = [
    ("12", "1\u0662"), ("5", "\u0665"), ("5", "\u096b"), ("5", "\U0001d7fb\u0338"), ("52", "5\u00b2"),
    ("11/2", "1\u00bd"), ("12", "\u00bd"), ("10", "1O"), ("10", "l0"), ("10", "1\u041e"), ("x", "\u0445"),
    ("5", "\u0435"), ("abc", "\u0430\u0441b"), ("e", "\u212f\u0301"), ("21", "\u202e12\u202c3"),
    ("12", "\u20672\u20691"), ("5", "\u200b"), ("5", "\u200b\u200c\u200d\ufeff"), ("5", "\ud800"),
    ("5", "\udfff5\ud8006"), ("5", "\ud83d"), ("5", "6" + "\u0301" * LONGEST), ("5", "\x00"), ("5", "6\x00"),
    ("5", "6\x005"), ("5", "\x1b[2J\x1b[31m6"), ("5", "\x7f\x80\x85\x9f"), ("5", "\u2028\u2029"),
    ("5", "\ufffe\uffff"), ("5", "\U0010ffff"), ("5", "\ue000"), ("5", "\u22125"), ("15", "1\u20445"),
    ("5", "\u2464\u2465"), ("5", "\u2164\u2160"), ("6", "\u4e94"), ("5", "5\ufe0f\u20e36"), ("5", "\U0001f91e"),
    ("5", "\u0e50" * LONGEST), ("ss", "\u00df"), ("i", "\u0131"), ("5", "\ufdfa" * 100), ("x", "x\u20d7"),
    ("<think>5", "</think\u200b>6"),
]
# fmt: on

_NESTING = r"""
{5} | (5) | [5] | |5| | \{5\} | \left(5\right) | \left|5\right| | \frac{5}{2} | \frac{1}{5} | \sqrt{5} | \sqrt[3]{5}
2^{5} | x_{5} | \text{5} | \boxed{5} | \lfloor 5\rfloor | \sin(5) | -(5) | (1,5) | \begin{pmatrix}5\end{pmatrix} | x=5,
"""

_FLOODED = r"9; ;\;{;};$;,;1,;\,;\boxed{;\boxed;<think>;</think>;\frac{;<;a"

_UNITS = (
    r"1,;1 ;1.;\,1;{,};1{,}000;0,000; ;\ ;.;\;- ;+-;(1,;(;a=;x<;1<x,;\text{a}; and ; or ;,or;\quad ;\quad,;0.(;"
    r"0.(3);\overline{3};%;\%;1/;/;$1;$;e1;1e;\frac11;\frac{1}{;:;1:;\pm;\pm1,;!;^\circ;';|;|x;\cup;[0,1]\cup;_1;^1;&;"
    r"1\frac12;x_;\left"
)
"""What a pattern with nested or neighbouring quantifiers would try to cut in every possible way."""


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split(" | ")]


def _answers(text: str) -> Callable[[], Iterator[tuple[str, str]]]:
    return lambda: (("5", boxed(answer)) for answer in _listed(text))


def _altered(text: str) -> Callable[[], Iterator[tuple[str, str]]]:
    return lambda: ((gold, boxed(answer)) for gold, _, answer in (part.partition(" = ") for part in _listed(text)))


def _heavy() -> Iterator[tuple[str, str]]:
    yield from _answers(_HEAVY)()
    for depth in (9, 40, 200):
        yield "5", boxed("".join(rf"\sqrt{{{number}+" for number in range(1, depth)) + "1" + "}" * (depth - 1))
    for depth in (12, 40, 200):
        yield "5", boxed(_wrap(r"1+\frac{1}{", "2", "}", depth))
        yield "5", boxed(_wrap(r"\cos(", "x", ")", depth))
    yield "5", boxed("1" + "+1" * (LONGEST // 2))
    yield "5", boxed("2" + "^2" * (LONGEST // 2))
    yield "5", boxed("-" * 999 + "5")
    yield "5", boxed(r"\pm 1" * 40)
    yield "5", boxed(",".join(rf"\pm\sqrt{{{number}\pm 1}}" for number in range(2, 80)))
    yield "5", boxed("+".join(f"{number}x^{{{number}}}" for number in range(2, 150)))
    yield "5", boxed("+".join(rf"\arctan\frac{{1}}{{{number}}}" for number in range(2, 80)))
    yield "5", boxed("9" * LONGEST)
    yield "5", boxed(f"{'9' * 900}^{{{'9' * 900}}}")
    yield "5", boxed(r"\begin{pmatrix}" + r"\\".join("&".join("x" * 25) for _ in range(25)) + r"\end{pmatrix}")
    letters = r"\\".join("&".join("abcdefghijkl") for _ in range(12))
    yield "5", boxed(rf"\det\begin{{vmatrix}}{letters}\end{{vmatrix}}")


def _heavy_golds() -> Iterator[tuple[str, str]]:
    yield from _altered(_HEAVY_GOLDS)()
    sets = [[rf"\sqrt{{x+{number}}}" for number in range(start, start + 90)] for start in (1, 2)]
    yield ",".join(sets[0]), boxed(",".join(reversed(sets[1])))
    yield rf"\{{{','.join(sets[0])}\}}", boxed(rf"\{{{','.join(reversed(sets[1]))}\}}")
    unions = [r"\cup".join(f"({4 * n},{4 * n + width})" for n in range(120)) for width in (1, 2)]
    yield unions[0], boxed(unions[1])
    rows = [r"\\".join("&".join(f"{i * j + extra}" for j in range(15)) for i in range(15)) for extra in (1, 2)]
    gold, answer = (rf"\begin{{pmatrix}}{entries}\end{{pmatrix}}" for entries in rows)
    yield gold, boxed(answer)
    for depth in (12, 40, 200):
        yield _wrap(r"\sqrt{1+", "2", "}", depth), boxed(_wrap(r"\sqrt{1+", "3", "}", depth))
    yield "5" + "+x" * 900, boxed("5" + "+x" * 899)
    yield r"\pm 1" * 30, boxed(r"\pm 1" * 31)
    long = ["9" * 100_000, _wrap("{", "5", "}", 5_000), r"\frac{" * 5_000, "(" * 5_000, BOX * 1_000]
    for gold in [*long, "\ud800", "\x00"]:
        yield gold, boxed("6")


def _nest() -> Iterator[tuple[str, str]]:
    for opening, _, closing in (pair.partition("5") for pair in _listed(_NESTING)):
        fitting = LONGEST // len(opening + closing)
        # Not 5: in braces or parentheses it stays what it is.
        yield "6", boxed(_wrap(opening, "5", closing, fitting))
        yield "6", boxed(_wrap(opening, "5", closing, 3_000))
        yield "6", boxed(opening * (LONGEST // len(opening)))
    yield "6", BOX * 100_000 + "5"
    yield "6", _wrap(BOX, "5", "}", 100_000)


def _text_answers(answers: list[tuple[str, str]]) -> Callable[[], Iterator[tuple[str, str]]]:
    return lambda: ((gold, boxed(answer)) for gold, answer in answers)


def _empty() -> Iterator[tuple[str, str]]:
    for answer in _EMPTY.split("|"):
        yield "5", f"It is 5, so $5$. {boxed(answer)}"
    for gold in ("", " ", "$$", r"\text{}", "{}", r"\boxed{}"):
        yield gold, boxed(gold)
        yield gold, boxed("5")
        yield gold, ""


def _flood() -> Iterator[tuple[str, str]]:
    for unit in [*_FLOODED.split(";"), "\n", "\x00", "\u200b"]:
        yield "5", _filled(unit, FLOOD) + boxed("6")
        yield "5", f"{boxed('6')} {_filled(unit, FLOOD // 4)}"
        yield "5", f"{BOX}{_filled(unit, FLOOD // 4)}6}}"
    yield "5", boxed("6") * 100_000
    yield "5", ",".join(r"\boxed{5}\boxed{6}" for _ in range(50_000))
    yield "5", "and".join(rf"\boxed{{{number}}}" for number in range(100_000))
    yield "5", r"\boxed{5}" + "x " * FLOOD
    yield "5", "<think>" + r"\boxed{5} " * 100_000
    yield "5", "<think></think>" * 100_000 + "5"
    yield "9" * 1_000_000, boxed("9" * 1_000_001)
    yield _filled("1+", FLOOD // 4) + "1", boxed("5")


def _regex() -> Iterator[tuple[str, str]]:
    for unit in _UNITS.split(";"):
        yield "5", boxed(_filled(unit, LONGEST))
        yield "5", boxed(_filled(unit, LONGEST - 9) + "@")
        yield "5", f"{_filled(unit, 200_000)} {boxed('6')}"
    # Golds are not a model's to choose, so fewer of them.
    for unit in _UNITS.split(";")[::3]:
        yield _filled(unit, LONGEST), boxed("5")
    for between in (" ", "\\quad ", ",", "$", "\\text{and}", "and "):
        yield "5", rf"\boxed{{6}}{_filled(between, 15_000)}\boxed{{7}}"
        yield "5", rf"\boxed{{5}}{_filled(between, 15_000)}x\boxed{{7}}"


def _hack() -> Iterator[tuple[str, str]]:
    for answer in _listed(_MANY):
        yield "5", boxed(answer)
    yield "5", boxed(", ".join(map(str, range(500))))
    yield "5", " ".join(rf"\boxed{{{number}}}" for number in range(10))
    yield "5", "".join(rf"$\boxed{{{number}}}$ and " for number in range(10)) + "so on"
    yield "5", "\\boxed{5} Wait, no: \\boxed{6}"
    yield "5", "5 " * 1_000 + boxed("6")
    yield "5", "\\boxed{6} % \\boxed{5"
    yield "5", r"\fbox{6}, 5"
    yield "5", r"\boxed{\phantom{5}6}"
    yield "5", r"\begin{comment}\boxed{5}\end{comment}\boxed{6}"
    yield from _altered(_OTHERS)()


def _unboxed() -> Iterator[tuple[str, str]]:
    for response in [*_UNBOXED.split("|"), "\n", "\x00"]:
        yield "5", response
    yield "5", "<think>\\boxed{5}</think> I am done."
    yield "5", "<think>\\boxed{5}</think> The answer is 5."
    yield "5", "<think>So \\boxed{5}. Wait, "
    yield "5", "\\boxed{5}\n<think>Let me check that again."
    yield "5", "\\boxed{5}</think>"
    yield "5", "The answer is 5. " * 100
    yield "5", "Final answer: 5. I hope it is correct."


def _open_questions() -> Iterator[tuple[str, str]]:
    yield "5", boxed("\uff15")  # full-width
    yield "1", boxed(r"\tanh(1000)")  # not 1, and 868 digits will not show it
    yield "x", boxed(r"\max(x,-10^6)")
    yield "12", boxed("1\u200b2")
    yield "12", boxed("\ufeff\u202e12")
    yield "12", boxed("1\u20602")
    yield "5", boxed("\U0001d7fb")
    yield "5", boxed("5\x00")
    for response in ("\\boxed\n{5}", r"\boxed5", r"\boxed{\boxed{5}6}", r"\boxed{6\text{\boxed{5}}}"):
        yield "5", response
    for answer in (r"5\approx 6", r"5 \bmod 10", r"5 \pmod{6}", r"\text{five}", "$5", "(5", "5,,"):
        yield "5", boxed(answer)
    yield "-5", boxed("\u20145")
    yield "5", boxed("{" * 900 + "5" + "}" * 900)
    yield "5", boxed(r"5\cdot\frac{(10^9)!}{(10^9)!}")
    yield "5", boxed("5+9^{9^{9^9}}-9^{9^{9^9}}")
    yield "5", boxed("5" + " " * LONGEST)
    yield "5", boxed(r"5\text{ (I am sure)}")


CLASSES: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "huge": _answers(_HUGE),
    "huge_gold": _altered(_HUGE_GOLDS),
    "heavy": _heavy,
    "heavy_gold": _heavy_golds,
    "near": _altered(_NEAR),
    "nest": _nest,
    "broken": _answers(_BROKEN),
    "empty": _empty,
    "unboxed": _unboxed,
    "unicode": _text_answers(_ODD_LETTERS),
    "flood": _flood,
    "regex": _regex,
    "hack": _hack,
}
"""Every class but ``inject``, which needs the canary's path."""


def main() -> None:
    """Print how many there are of each class."""
    counts = Counter(pair.kind for pair in hostile_pairs())
    for kind, count in counts.items():
        print(f"{kind:12} {count:5}")
    print(f"{'all':12} {counts.total():5}")


if __name__ == "__main__":
    main()
