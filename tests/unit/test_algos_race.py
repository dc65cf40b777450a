"""A race drops who cannot win, and hardly ever who would have won."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.race import FEWEST_PROBLEMS, behind, common_values, ranked, worse_part

VALUES = st.integers(FEWEST_PROBLEMS, 10).flatmap(
    lambda problems: st.lists(
        st.lists(st.floats(0, 1), min_size=problems, max_size=problems), min_size=2, max_size=7
    ).map(lambda rows: {f"c{n}": {f"p{i}": value for i, value in enumerate(row)} for n, row in enumerate(rows)})
)


def table(rows):
    return {name: {f"p{i}": value for i, value in enumerate(row)} for name, row in rows.items()}


def test_a_clear_loser_is_dropped_and_told_by_how_much():
    values = table({"good": [0.9] * 10 + [1.0] * 10, "bad": [0.2] * 10 + [0.4] * 10})
    found = behind(values, population=40, error=0.05)
    assert set(found) == {"bad"}
    assert found["bad"].leader == "good"
    assert found["bad"].by == pytest.approx(0.65)
    assert 0 < found["bad"].at_least < 0.65


def test_equals_are_kept():
    row = [0.1, 0.9, 0.4, 0.5] * 5
    assert behind(table({"a": row, "b": row}), population=40, error=0.5) == {}


def test_few_problems_drop_nobody():
    few = FEWEST_PROBLEMS - 1
    values = table({"a": [1.0] * few, "b": [0.0] * few, "c": [0.0] * few})
    assert behind(values, population=40, error=0.5) == {}
    assert worse_part(values, keep=0.5) == []
    assert worse_part(table({name: [0.5] * FEWEST_PROBLEMS for name in "abc"}), keep=0.5) == ["c"]


def test_of_equals_in_pass_at_k_the_one_with_the_better_pass_at_1_leads_and_stays():
    full = [1.0] * FEWEST_PROBLEMS
    values = table({"a": full, "b": full, "c": full, "d": [0.0] * FEWEST_PROBLEMS})
    ones = table({"a": [0.2] * FEWEST_PROBLEMS, "b": [0.5] * FEWEST_PROBLEMS, "c": [0.9] * FEWEST_PROBLEMS})
    assert ranked(values, ones) == ["c", "b", "a", "d"]
    assert ranked(values) == ["a", "b", "c", "d"]
    assert worse_part(values, keep=0.5, ties=ones) == ["a", "d"]
    assert behind(values, population=40, error=0.05, ties=ones)["d"].leader == "c"


def test_common_values_are_those_of_the_problems_that_all_have():
    values = {"a": {"p": 0.5, "q": 1.0}, "b": {"q": 0.0, "r": 1.0}}
    assert common_values(values) == {"a": {"q": 1.0}, "b": {"q": 0.0}}


def test_candidates_are_compared_on_the_problems_that_both_have():
    values = {"a": {f"p{i}": 0.9 for i in range(20)}, "b": {f"p{i}": 0.9 for i in range(10)}}
    values["a"] |= {f"q{i}": 1.0 for i in range(10)}
    assert behind(values, population=40, error=0.05) == {}


@given(VALUES)
def test_the_leader_is_never_dropped(values):
    leader = ranked(values)[0]
    assert leader not in behind(values, population=50, error=0.5)
    assert leader not in worse_part(values, keep=0.1)


@given(VALUES, st.floats(0.01, 1))
def test_halving_keeps_the_asked_share_at_least_two_and_the_better_ones(values, keep):
    gone = set(worse_part(values, keep=keep))
    kept = [name for name in values if name not in gone]
    assert len(kept) >= max(2, keep * len(values)) - 1e-9
    mean = {name: sum(row.values()) for name, row in values.items()}
    assert all(mean[a] >= mean[b] - 1e-9 for a in kept for b in gone)


@pytest.mark.parametrize("shape", ["even", "sparse"])
def test_the_best_is_dropped_by_the_bound_no_more_often_than_the_error_allows(shape):
    """Ten candidates, one of them best on all 64 problems, seen on 16 in random order."""
    rng = Random(3)
    error, wrong, draws = 0.1, 0, 400
    for _ in range(draws):
        difficulty = [rng.random() for _ in range(64)]
        spread = 0.2 if shape == "even" else 0.02
        rows = {
            f"c{n}": [
                min(1.0, max(0.0, d + rng.gauss(0, spread))) if shape == "even" or rng.random() < 0.8 else 1.0 - d
                for d in difficulty
            ]
            for n in range(10)
        }
        best = max(rows, key=lambda name: sum(rows[name]))
        seen = rng.sample(range(64), 16)
        values = {name: {f"p{i}": row[i] for i in seen} for name, row in rows.items()}
        wrong += best in behind(values, population=64, error=error)
    assert wrong / draws <= error


def test_halving_loses_the_best_no_more_often_than_markov_says():
    """K of M stay, so that the best goes only if K rivals look better; their expected number over K bounds that."""
    rng = Random(5)
    ahead, lost, draws, rivals, keep = 0, 0, 2000, 9, 5
    for _ in range(draws):
        rows = {"best": [min(1.0, 0.6 + rng.gauss(0, 0.3)) for _ in range(16)]}
        rows |= {f"c{n}": [min(1.0, 0.5 + rng.gauss(0, 0.3)) for _ in range(16)] for n in range(rivals)}
        ahead += sum(sum(row) > sum(rows["best"]) for row in rows.values())
        lost += "best" in worse_part(table(rows), keep=0.5)
    assert 0 < lost / draws <= ahead / draws / keep


@pytest.mark.parametrize("error", [0, 0.6, -1])
def test_an_error_out_of_range_is_refused(error):
    with pytest.raises(ValueError, match="error"):
        behind(table({"a": [1.0], "b": [0.0]}), population=4, error=error)


def test_more_problems_than_there_are_and_a_share_of_nothing_are_refused():
    with pytest.raises(ValueError, match="population=1"):
        behind(table({"a": [1.0, 1.0], "b": [0.0, 0.0]}), population=1, error=0.1)
    with pytest.raises(ValueError, match="keep"):
        worse_part(table({"a": [1.0], "b": [0.0]}), keep=0)


def test_seeing_all_problems_decides_unless_they_will_be_measured_anew():
    values = table({"a": [0.5, 0.6, 0.4, 0.5] * 3, "b": [0.4, 0.6, 0.5, 0.4] * 3})
    assert set(behind(values, population=12, error=0.05)) == {"b"}
    assert behind(values, population=None, error=0.05) == {}
