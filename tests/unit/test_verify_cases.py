"""Labelled answers of every kind get their labels however they are typeset; broken ones get a verdict too."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.records import VERDICT_STATUSES, Verdict
from vibethinker.verify import verify_answer
from vibethinker.verify.math_answer import judge_math

Case = dict[str, str | bool]

CASES: list[Case] = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "answer_cases.jsonl").read_text(encoding="utf-8").splitlines()
]
BY_TOPIC: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    BY_TOPIC[str(_case["topic"])].append(_case)

TEXTS = sorted({str(case[side]) for case in CASES for side in ("gold", "answer")})

by_topic = pytest.mark.parametrize("topic", sorted(BY_TOPIC))

# A convention says which side may leave out the sign, the base, the digits or the sum that the other one has.
ONE_SIDED = re.compile(r"[a-z]\+[a-z][a-z+]* ?=|\.\d|%|percent|approx|\d[eE]-?\d|\d_|\d\)_|\.(?:\\overline|\()")

NOT_BRACKETS = re.compile(
    r"\.\(|\\left|\\right|\\[bB]ig|\\sqrt\[|\\text|\\math|\\op|\\begin|\\\\\[|\\choose|mod|\\lbrace"
)


def line(case: Case) -> str:
    return f"{case['id']}: gold {case['gold']}, answer {case['answer']}, label {case['label']}"


def matches(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.correct is True


def in_math(text: str) -> bool:
    r"""Tell whether the text brings its own $ or \(, or is not only mathematics: \$5."""
    return "$" in text or r"\(" in text


def stretched(text: str) -> str:
    r"""Return the text with \left and \right before its brackets."""
    if NOT_BRACKETS.search(text) or sum(map(text.count, "([")) != sum(map(text.count, ")]")):
        return text
    return re.sub(r"(?<!\\)[)\]]", r"\\right\g<0>", re.sub(r"(?<!\\)[(\[]", r"\\left\g<0>", text))


def spaced(text: str) -> str:
    """Return the text with spaces around its signs."""
    return text if "\\text" in text or re.search(r"[eE^_]\+", text) else re.sub(r"[+=]", r" \g<0> ", text)


TYPESETTINGS: dict[str, Callable[[str], str]] = {
    "dfrac": lambda text: text.replace(r"\frac", r"\dfrac"),
    "tfrac": lambda text: text.replace(r"\frac", r"\tfrac"),
    "dollars": lambda text: text if in_math(text) else f"${text}$",
    "period": lambda text: text if text.endswith(".") or in_math(text) else f"{text}.",
    "display style": lambda text: text if in_math(text) else rf"\displaystyle {text}",
    "thin spaces": lambda text: text if in_math(text) else rf"\,{text}\;",
    "white space": lambda text: f"\n  {text} \n",
    "braced exponents": lambda text: re.sub(r"([\^_])([0-9])", r"\1{\2}", text),
    "times": lambda text: text.replace(r"\cdot ", r"\times ").replace(r"\cdot\ ", r"\times "),
    "stretched brackets": stretched,
    "spaced signs": spaced,
}


def test_the_cases_are_many_balanced_and_distinct():
    labels = [case["label"] for case in CASES]
    assert len(CASES) >= 700
    assert 0.4 <= sum(map(bool, labels)) / len(labels) <= 0.6
    assert len({(case["gold"], case["answer"]) for case in CASES}) == len({case["id"] for case in CASES}) == len(CASES)


@by_topic
def test_a_boxed_answer_gets_its_label(topic):
    wrong = []
    for case in BY_TOPIC[topic]:
        verdict = verify_answer(str(case["gold"]), rf"We are done: $\boxed{{{case['answer']}}}$.")
        if verdict.correct is not case["label"]:
            wrong.append(f"{line(case)}; got {verdict.status} ({verdict.reason})")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(BY_TOPIC[topic])} wrong", *wrong])


@by_topic
def test_every_gold_and_every_right_answer_equals_itself(topic):
    texts = {str(case["gold"]) for case in BY_TOPIC[topic]}
    texts |= {str(case["answer"]) for case in BY_TOPIC[topic] if case["label"]}
    wrong = sorted(text for text in texts if not matches(judge_math(text, text)))
    assert not wrong, wrong


@by_topic
def test_the_sides_may_be_swapped(topic):
    """Except where a convention says which side left something out."""
    wrong = []
    for case in BY_TOPIC[topic]:
        gold, answer = str(case["gold"]), str(case["answer"])
        if not ONE_SIDED.search(gold + " " + answer) and matches(judge_math(answer, gold)) is not case["label"]:
            wrong.append(line(case))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", TYPESETTINGS)
def test_typesetting_changes_no_verdict(name):
    wrong = []
    # A third of the cases, another third for the next way of typesetting.
    for case in CASES[list(TYPESETTINGS).index(name) % 3 :: 3]:
        gold, answer = str(case["gold"]), str(case["answer"])
        typeset = TYPESETTINGS[name](answer)
        if typeset != answer and matches(judge_math(gold, typeset)) is not matches(judge_math(gold, answer)):
            wrong.append(f"{line(case)}; typeset {typeset!r}")
    assert not wrong, "\n".join([f"{len(wrong)} changed", *wrong])


TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+|\s+|.", re.DOTALL)
TROUBLE = [
    *r"{ } ( ) [ ] \{ \} | \| ^ ^{ _ _{ \frac \frac{ \sqrt \sqrt[ \left \right \left( \begin{pmatrix}".split(),
    *r"\pm \mp ! !! ' '' = < \le \ne , ; : \cup \cap \in \text{ \mathrm{ % \% $ \$ ^\circ \sum \sum_{k=1}^{".split(),
    *r"\end{pmatrix} \log_ & \\".split(),
    *r"\prod \int \lim \infty -\infty / * + - . .. ... \ldots \overline{ \binom \boxed{ \mathbb{Z} \pmod{".split(),
    *r"\setminus \mid i e \pi x f( 0 1/0 9^9^9 \ \, ½ ∞ ² ٣ ９９ − ∪ ⟨".split(),
    *(" ", "\n", "\0", "\ud800", "\\", "9" * 40),
]
EDITS = ("delete", "repeat", "swap", "insert", "replace")


@given(
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.lists(
        st.tuples(st.sampled_from(EDITS), st.integers(0), st.sampled_from(TROUBLE)),
        min_size=1,
        max_size=6,
    ),
)
def test_a_broken_answer_has_a_verdict_too(gold, text, mutations):
    tokens = TOKEN.findall(text)
    for kind, place, trouble in mutations:
        at = place % (len(tokens) + 1)
        if kind in {"delete", "replace"}:
            tokens[at : at + 1] = [] if kind == "delete" else [trouble]
        elif kind == "repeat":
            tokens[at:at] = tokens[at : at + 1 + place % 3]
        elif kind == "swap":
            tokens[at : at + 2] = tokens[at : at + 2][::-1]
        else:
            tokens.insert(at, trouble)
    broken = "".join(tokens)
    for pair in ((gold, broken), (text, broken), (broken, text), (broken, broken)):
        verdict = judge_math(*pair)
        if verdict is not None:
            assert isinstance(verdict, Verdict)
            assert verdict.status in VERDICT_STATUSES
            assert verdict.correct is {"match": True, "gold_error": None}.get(verdict.status, False)


@given(st.text(max_size=60), st.sampled_from(TEXTS))
def test_any_text_has_a_verdict(text, gold):
    for pair in ((gold, text), (text, gold), (text, text)):
        verdict = judge_math(*pair)
        assert verdict is None or verdict.status in VERDICT_STATUSES
