"""From rows to figures: unbiased whatever was spared, nothing made of what could not be judged."""

from fractions import Fraction
from itertools import combinations, product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.pass_at_k import pass_at_k
from vibethinker.configs.probe import AdaptiveBudget, FullBudget, ProbingConfig
from vibethinker.data.probe_cells import (
    DrawingPlan,
    answer_kind,
    counts_at_looks,
    probe_cell,
    solution_kind,
    values_by_problem,
)

FULL = DrawingPlan.of(ProbingConfig(k=2, samples=4))
ADAPTIVE = DrawingPlan.of(ProbingConfig(k=2, samples=4, budget=AdaptiveBudget(name="adaptive")))

verdict = st.sampled_from([True, False, None])


def rows_of(problem, verdicts, texts=None, answers=None):
    return [
        {
            "problem_id": problem,
            "draw": draw,
            "correct": correct,
            "text": texts[draw] if texts else f"text {draw}",
            "extracted": answers[draw] if answers else "7",
            "status": "match" if correct else "mismatch",
            "length": 10,
            "truncated": False,
        }
        for draw, correct in enumerate(verdicts)
    ]


def stopped(verdicts, plan):
    """Return what a problem that would get these verdicts is drawn of: up to the look that finds enough."""
    for look in plan.looks:
        if sum(map(bool, verdicts[:look])) >= plan.enough:
            return verdicts[:look]
    return verdicts[: plan.looks[-1]]


@given(st.lists(verdict, min_size=4, max_size=4))
def test_with_all_samples_drawn_a_problems_value_is_chens_estimate_of_those_judged(verdicts):
    judged = [each for each in verdicts if each is not None]
    found = values_by_problem(rows_of("p", verdicts), FULL, k=2)
    assert found == ({"p": pytest.approx(pass_at_k(len(judged), sum(judged), k=2))} if len(judged) >= 2 else {})


@pytest.mark.parametrize("chance", [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize("k", [1, 2])
def test_what_was_spared_leaves_the_value_unbiased(chance, k):
    """Over all sequences of verdicts, each with its probability."""
    n = ADAPTIVE.looks[-1]
    mean = 0.0
    for right in range(n + 1):
        for places in combinations(range(n), right):
            verdicts = [place in places for place in range(n)]
            value = values_by_problem(rows_of("p", stopped(verdicts, ADAPTIVE)), ADAPTIVE, k=k)["p"]
            mean += value * float(chance**right * (1 - chance) ** (n - right))
    assert mean == pytest.approx(float(1 - (1 - chance) ** k))


@given(st.lists(verdict, min_size=6, max_size=6))
def test_counts_are_those_at_the_looks_that_were_made(verdicts):
    drawn = stopped(verdicts, ADAPTIVE)
    counts = counts_at_looks(rows_of("p", drawn), ADAPTIVE)["p"]
    assert counts[-1] == (sum(each is not None for each in drawn), sum(map(bool, drawn)))
    assert len(counts) == [look for look in (0, *ADAPTIVE.looks) if look <= len(drawn)].index(len(drawn))


def test_a_problem_of_which_too_few_could_be_judged_is_left_out_and_counted():
    rows = rows_of("a", [True, False, False, False]) + rows_of("b", [None, None, None, True])
    cell = probe_cell(rows, FULL, resamples=100, seed=0)
    assert (cell["problems"], cell["left_out"], cell["drawn"]) == (2, 1, 8)
    assert cell["pass@2"] == 0.5
    nothing = probe_cell(rows_of("b", [None] * 4), FULL, resamples=100, seed=0)
    assert nothing["pass@1"] is nothing["pass@2"] is nothing["interval"] is None


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=6))
def test_the_interval_lies_around_the_mean(table):
    rows = [row for number, verdicts in enumerate(table) for row in rows_of(f"p{number}", verdicts)]
    cell = probe_cell(rows, FULL, resamples=200, seed=1)
    low, high = cell["interval"]
    assert 0 <= low <= cell["pass@2"] + 1e-9
    assert cell["pass@2"] - 1e-9 <= high <= 1


@pytest.mark.parametrize(("k", "samples", "draws"), [(8, 16, 4), (4, 8, 2), (2, 4, 4), (1, 3, 3)])
def test_both_budgets_count_diversity_among_as_many_draws(k, samples, draws):
    budgets = (FullBudget(), AdaptiveBudget(name="adaptive"))
    plans = [DrawingPlan.of(ProbingConfig(k=k, samples=samples, budget=budget)) for budget in budgets]
    assert [plan.diversity_draws for plan in plans] == [draws, draws]


def test_where_problems_are_left_early_what_cannot_be_judged_favours_those_solved_at_once():
    """Half of the responses cannot be judged; of those that can half are right, and pass@4 comes out higher."""
    plan = DrawingPlan(4, (2, 4), 1, 2)
    values = [
        values_by_problem(rows_of("p", stopped(verdicts, plan)), plan, k=4).get("p")
        for verdicts in product([True, False, None, None], repeat=4)
    ]
    known = [value for value in values if value is not None]
    assert fmean(known) > 1 - 0.5**4
    assert None in values


def test_diversity_counts_different_right_solutions_and_answers_among_so_many_draws():
    texts = ["so  7", "so 7", "thus 7", "8"]
    rows = rows_of("p", [True, True, True, False], texts, ["7", "7.0", "7", "8"])
    cell = probe_cell(rows, DrawingPlan(2, (4,), 5, 2), resamples=100, seed=0)
    # Of the six pairs of draws: solutions are a, a, b and none; answers 7, 7, 7, 8.
    assert cell["distinct_solutions"] == pytest.approx((1 + 2 + 1 + 2 + 1 + 1) / 6)
    assert cell["distinct_answers"] == pytest.approx((1 + 1 + 2 + 1 + 2 + 2) / 6)


def test_no_answer_is_not_an_answer():
    rows = rows_of("p", [False] * 4, answers=[None, None, None, "3"])
    plan = DrawingPlan(2, (4,), 5, 2)
    assert probe_cell(rows, plan, resamples=100, seed=0)["distinct_answers"] == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["1/0", "1" * 41, "1e999999999", "9/" + "0" * 40, "", "\u0663"])
def test_any_answer_has_a_kind(text):
    assert answer_kind({"extracted": text}) is not None


def test_a_wrong_response_is_no_solution():
    assert solution_kind({"text": "x", "correct": False}) is solution_kind({"text": "x", "correct": None}) is None


def test_habits_are_of_the_draws_that_every_problem_has():
    """Later draws are of hard problems only, and would make every checkpoint look as if it wrote at length."""
    easy = rows_of("a", stopped([True] * 6, ADAPTIVE))
    hard = [row | {"length": 100 * row["draw"] + 1} for row in rows_of("b", [False] * 6)]
    assert len(easy) < len(hard)
    first = ADAPTIVE.looks[0]
    expected = (10 * first + sum(row["length"] for row in hard[:first])) / (2 * first)
    assert probe_cell(easy + hard, ADAPTIVE, resamples=100, seed=0)["length"] == pytest.approx(expected)
