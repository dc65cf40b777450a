"""Every family draws problems whose written steps and expression really give its answer."""

import re
from fractions import Fraction
from random import Random

import pytest

from vibethinker.algos.ways import WAYS, way_of
from vibethinker.data.families import DOMAINS, FAMILIES, LEVELS
from vibethinker.data.procedural import choose_families, draw_drills, draw_problems, draw_traces, write_trace
from vibethinker.data.splits import BUCKETS, bucket, drop_shared, question_hash, shared_questions
from vibethinker.errors import InputError
from vibethinker.records import Problem
from vibethinker.verify import verify_answer


def value(expression: str) -> Fraction:
    """Evaluate sums, products, quotients and small powers of whole numbers, all exactly."""
    tokens = re.findall(r"\d+|[-+*/()^]", expression)
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else ""

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def total():
        result = product()
        while peek() in ("+", "-"):
            result = result + product() if take() == "+" else result - product()
        return result

    def product():
        result = sign()
        while peek() in ("*", "/"):
            result = result * sign() if take() == "*" else result / sign()
        return result

    def sign():
        if peek() == "-":
            take()
            return -sign()
        return power()

    def power():
        base = atom()
        if peek() == "^":
            take()
            return base ** int(sign())
        return base

    def atom():
        token = take()
        if token == "(":
            inner = total()
            assert take() == ")"
            return inner
        return Fraction(int(token))

    result: Fraction = total()
    assert place == len(tokens), expression
    return result


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("level", LEVELS)
def test_steps_and_expression_give_the_answer(family, level):
    rng = Random(level)
    for _ in range(100):
        draft = family.draw(rng, level)
        steps = [step for step in draft.steps if re.fullmatch(r"[-+*/()\d]+=[-/\d]+", step)]
        for step in steps:
            left, _, right = step.partition("=")
            assert value(left) == value(right), (draft.question, step)
        if not draft.expression.startswith("median"):
            assert value(draft.expression) == draft.answer, draft.question
        last = draft.steps[-1].rpartition("=")[2]
        assert value(last) == draft.answer, draft.question


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_trace_is_graded_right_and_an_altered_one_wrong(family):
    rng = Random(0)
    for level in LEVELS:
        draft = family.draw(rng, level)
        gold = str(draft.answer)
        for way in WAYS:
            trace = write_trace(draft, way)
            assert verify_answer(gold, trace).correct is True
            assert way_of(trace) == way
            assert verify_answer(str(draft.answer + 1), trace).correct is False


def test_there_are_several_families_in_each_domain_and_levels_get_harder():
    for domain in DOMAINS:
        assert len([family for family in FAMILIES if family.domain == domain]) >= 4
    rng = Random(1)

    def digits(level):
        drafts = [family.draw(rng, level) for family in FAMILIES for _ in range(50)]
        return sum(len("".join(draft.steps)) for draft in drafts) / len(drafts)

    lengths = [digits(level) for level in LEVELS]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 1.5 * lengths[0]


def draw(split, count, seed):
    return draw_problems(FAMILIES, LEVELS, BUCKETS[split], count=count, rng=Random(seed))


def test_sets_are_disjoint_whatever_their_seeds():
    sets = [[item.problem for seed in (1, 2) for item in draw(split, 200, seed)] for split in BUCKETS]
    assert shared_questions(sets) == set()
    # Not vacuous: the same split under two seeds does share questions.
    assert shared_questions([[i.problem for i in draw("train", 900, 1)], [i.problem for i in draw("train", 900, 2)]])


def test_problems_are_distinct_reproducible_and_spread_over_families_and_levels():
    first, again = draw("rl", 480, 5), draw("rl", 480, 5)
    assert first == again
    assert first != draw("rl", 480, 6)
    assert len({item.problem.id for item in first}) == 480
    assert {item.problem.source for item in first} == {family.name for family in FAMILIES}
    assert {item.problem.level for item in first} == set(LEVELS)
    assert all(bucket(item.problem.question) in BUCKETS["rl"] for item in first)


def test_asking_for_more_problems_than_there_are_says_so():
    families = choose_families(["statistics"], ["choices"])
    with pytest.raises(InputError, match="asked for 500 problems, but .* hold about"):
        draw_problems(families, [1], BUCKETS["train"], count=500, rng=Random(0))


def test_an_unknown_family_is_named_with_those_there_are():
    with pytest.raises(InputError, match="no family 'sudoku' in algebra; there are .*linear"):
        choose_families(["algebra"], ["sudoku"])


def test_ways_come_in_the_shares_asked_for():
    traces = draw_traces(draw("train", 600, 3), {"careful": 1, "brief": 0, "direct": 3}, per_problem=1, rng=Random(0))
    share = sum(trace.way == "direct" for trace in traces) / len(traces)
    assert 0.68 < share < 0.82
    assert {trace.way for trace in traces} == {"careful", "direct"}


def test_several_traces_of_a_problem_are_of_different_ways():
    traces = draw_traces(draw("train", 50, 3), {"careful": 1, "brief": 1, "direct": 1}, per_problem=2, rng=Random(0))
    assert len(traces) == 100
    assert len({(trace.problem_id, trace.way) for trace in traces}) == 100


def test_drills_are_right_and_alternate_between_given_and_learned():
    for pieces in draw_drills(draw("train", 60, 3), count=200, rng=Random(4)):
        assert len(pieces) % 2 == 0
        for given, learned in zip(pieces[::2], pieces[1::2], strict=True):
            assert given.endswith("=")
            assert value(given.strip().removesuffix("=")) == value(learned), (given, learned)


def test_a_question_in_two_sets_stays_with_the_one_that_needs_it_most():
    def problem(name, question):
        return Problem(name, question, "1", "d", "s")

    sets, dropped = drop_shared(
        {
            "train": [problem("a", "One?"), problem("b", "Two?"), problem("c", "Three?")],
            "rl": [problem("d", "TWO?")],
            "heldout": [problem("e", "one?"), problem("f", "one? ")],
        }
    )
    assert [p.id for p in sets["heldout"]] == ["e"]
    assert [p.id for p in sets["rl"]] == ["d"]
    assert [p.id for p in sets["train"]] == ["c"]
    assert dropped == 3
    assert question_hash("One?") == question_hash(" one?")
