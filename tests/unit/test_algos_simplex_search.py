"""The search stays on the simplex, pays for no point twice, and comes as near the best as it promises."""

from itertools import pairwise
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.fusion import check_weights, equal_weights
from vibethinker.algos.simplex_search import search_simplex

shares = st.lists(st.floats(0, 1), min_size=1, max_size=5).filter(lambda values: sum(values) > 1e-3)
steps = st.floats(0.05, 1)
curvatures = st.floats(0.1, 10)


def on_simplex(values):
    return [value / fsum(values) for value in values]


def distance_squared(point, target):
    return fsum((a - b) ** 2 for a, b in zip(point, target, strict=True))


def hill(values, curvature=1.0):
    """Return a concave score with its top, 0, at the point in proportion to ``values``."""
    target = on_simplex(values)
    return lambda point: -curvature / 2 * distance_squared(point, target)


@given(shares, shares, steps, st.integers(0, 6))
def test_every_point_is_weights_of_an_average(values, start, step, rounds):
    start = (start * 5)[: len(values)] if any((start * 5)[: len(values)]) else equal_weights(len(values))
    found = search_simplex(hill(values), start, step=step, rounds=rounds)
    for point, _ in found.candidates:
        check_weights(point)
        assert fsum(point) == pytest.approx(1, abs=1e-12)


@given(shares, steps, st.integers(0, 8))
def test_no_point_is_scored_twice_and_the_calls_are_bounded(values, step, rounds):
    asked = []
    score = hill(values)

    def counting(point):
        asked.append(tuple(round(weight, 9) for weight in point))
        return score(point)

    found = search_simplex(counting, equal_weights(len(values)), step=step, rounds=rounds)
    assert len(asked) == len(set(asked)) == len(found.candidates) <= 1 + rounds * len(values)


@given(shares, steps, st.integers(0, 40), curvatures)
def test_after_a_round_without_gain_the_best_is_within_the_step_times_the_curvature(values, step, rounds, curvature):
    found = search_simplex(hill(values, curvature), equal_weights(len(values)), step=step, rounds=rounds)
    if found.step is not None:
        assert found.score >= -curvature * found.step


@given(shares, steps)
def test_with_rounds_enough_the_optimum_is_found(values, step):
    found = search_simplex(hill(values), equal_weights(len(values)), step=step, rounds=400)
    assert distance_squared(found.best, on_simplex(values)) <= 1e-2


@given(shares, steps, st.integers(1, 6), st.randoms(use_true_random=False))
def test_permuting_the_models_permutes_the_result(values, step, rounds, random):
    order = list(range(len(values)))
    random.shuffle(order)
    found = search_simplex(hill(values), equal_weights(len(values)), step=step, rounds=rounds)
    moved = search_simplex(hill([values[i] for i in order]), equal_weights(len(values)), step=step, rounds=rounds)
    # Of points that are equally good the order decides, and nothing else can; their scores are the same.
    assert moved.score == pytest.approx(found.score, abs=1e-9)
    scores = sorted(value for _, value in found.candidates)
    if all(high - low > 1e-6 for low, high in pairwise(scores)):
        assert moved.best == pytest.approx([found.best[i] for i in order], abs=1e-12)


@given(shares, steps, st.integers(0, 6))
def test_the_best_is_among_the_candidates_and_none_is_better(values, step, rounds):
    found = search_simplex(hill(values), equal_weights(len(values)), step=step, rounds=rounds)
    assert (found.best, found.score) in found.candidates
    assert found.score == max(value for _, value in found.candidates)


def test_the_start_stays_where_nothing_is_better():
    found = search_simplex(lambda _: 0.5, [1, 1, 1], step=0.5, rounds=2)
    assert found.best == pytest.approx([1 / 3] * 3)
    assert found.step == 0.25
    assert len(found.candidates) == 7


def test_a_corner_is_one_step_away():
    assert search_simplex(hill([0, 0, 1]), [1, 1, 1], step=1.0, rounds=1).best == (0, 0, 1)
    assert search_simplex(lambda x: -((x[0] - 0.75) ** 2), [2, 2], step=0.5, rounds=1).best == (0.75, 0.25)


def test_one_model_alone_costs_one_evaluation():
    assert search_simplex(lambda x: x[0], [1], step=0.5, rounds=3).candidates == (((1.0,), 1.0),)


@pytest.mark.parametrize(
    ("start", "step", "rounds", "score"),
    [
        ([1, 1], 0.0, 1, 0.5),
        ([1, 1], 1.5, 1, 0.5),
        ([1, 1], 0.5, -1, 0.5),
        ([0, 0], 0.5, 1, 0.5),
        ([], 0.5, 1, 0.5),
        ([-1, 2], 0.5, 1, 0.5),
        ([1, 1], 0.5, 1, float("nan")),
    ],
)
def test_what_is_out_of_range_is_refused(start, step, rounds, score):
    with pytest.raises(ValueError, match="need"):
        search_simplex(lambda _: score, start, step=step, rounds=rounds)
