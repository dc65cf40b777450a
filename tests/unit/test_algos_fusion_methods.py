"""TIES, DARE and SLERP: the laws that their papers state and that any implementation on tensors is held to."""

from fractions import Fraction
from itertools import product
from math import cos, hypot, inf, nan, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.fusion import equal_weights, task_arithmetic, weighted_average
from vibethinker.algos.fusion_dare import dare
from vibethinker.algos.fusion_slerp import PARALLEL, slerp, slerp_factors
from vibethinker.algos.fusion_ties import kept_count, ties, trimmed

# Adding 0.0 turns -0.0 into 0.0.
numbers = st.floats(-1e3, 1e3).map(lambda number: number + 0.0)
densities = st.floats(0.01, 1.0)
Models = tuple[list[float], list[list[float]], list[float]]


@st.composite
def families(draw: st.DrawFn) -> Models:
    """A base, models of its length, and an average's weights for them."""
    size, count = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    base, *models = [draw(st.lists(numbers, min_size=size, max_size=size)) for _ in range(count + 1)]
    parts = draw(st.lists(st.integers(1, 100), min_size=count, max_size=count))
    return base, models, [part / sum(parts) for part in parts]


@given(families(), densities, st.randoms(use_true_random=False))
def test_ties_does_not_depend_on_the_order_of_the_models(family: Models, density: float, rng: object) -> None:
    base, models, weights = family
    turned = ties(base, models[::-1], weights[::-1], density=density, scale=1.0)
    assert turned == ties(base, models, weights, density=density, scale=1.0)


@given(families(), densities)
def test_ties_moves_no_number_against_what_is_elected_nor_beyond_the_farthest_model(
    family: Models, density: float
) -> None:
    base, models, weights = family
    fused = ties(base, models, weights, density=density, scale=1.0)
    for place, b in enumerate(base):
        column = [Fraction(model[place]) - Fraction(b) for model in models]
        kept = [
            trimmed([Fraction(m) - Fraction(s) for m, s in zip(model, base, strict=True)], density=density)[place]
            for model in models
        ]
        elected = sum(Fraction(w) * d for w, d in zip(weights, kept, strict=True))
        moved = fused[place] - b
        assert moved * elected >= 0
        assert abs(moved) <= max(map(abs, column)) * (1 + Fraction(1, 2**40)) + Fraction(1, 2**30)


@given(families(), densities)
def test_models_mirrored_at_the_base_give_the_mirrored_ties(family: Models, density: float) -> None:
    base, models, weights = family
    zeros = [0.0] * len(base)
    mirrored = [[-number for number in model] for model in models]
    fused = ties(zeros, models, weights, density=density, scale=1.0)
    assert ties(zeros, mirrored, weights, density=density, scale=1.0) == [-number for number in fused]


@given(families())
def test_ties_of_one_model_untrimmed_at_scale_1_is_that_model(family: Models) -> None:
    base, models, _ = family
    assert ties(base, models[:1], [1.0], density=1.0, scale=1.0) == models[0]


@given(families(), densities)
def test_models_that_are_the_base_leave_it_under_ties(family: Models, density: float) -> None:
    base, models, weights = family
    assert ties(base, [base] * len(models), weights, density=density, scale=3.0) == base


def test_ties_leaves_out_what_is_small_and_who_disagrees() -> None:
    models = [[4.0, 1.0, -9.0, 2.0], [2.0, 0.5, 3.0, 3.0], [-8.0, 7.0, 1.0, 0.1]]
    fused = ties([0.0] * 4, models, equal_weights(3), density=0.5, scale=1.0)
    # Kept of each: 4 and -9; 3 and 3; -8 and 7.
    assert fused == [-8.0, 7.0, -9.0, 3.0]


def test_numbers_as_large_as_the_smallest_kept_are_all_kept() -> None:
    assert trimmed(list(map(Fraction, (1, -1, 1, 0))), density=0.5) == [1, -1, 1, 0]


def test_where_the_models_balance_nothing_is_elected() -> None:
    assert ties([1.0], [[2.0], [0.0]], [0.5, 0.5], density=1.0, scale=1.0) == [1.0]


@given(st.integers(1, 10_000), densities)
def test_at_least_one_number_is_kept_and_at_most_the_share(n: int, density: float) -> None:
    assert 1 <= kept_count(n, density=density) <= max(1, n * density)
    assert kept_count(n, density=1.0) == n


@given(families(), st.floats(0, 0.95))
def test_the_expectation_of_dare_over_all_masks_is_task_arithmetic(family: Models, drop: float) -> None:
    # Two numbers of two models: all masks are few then.
    base, models = family[0][:2], [model[:2] for model in family[1][:2]]
    weights = equal_weights(len(models))
    places = len(models) * len(base)
    expected = [Fraction(0)] * len(base)
    for mask in product([False, True], repeat=places):
        kept = [list(mask[start : start + len(base)]) for start in range(0, places, len(base))]
        chance = Fraction(drop) ** mask.count(False) * (1 - Fraction(drop)) ** mask.count(True)
        fused = dare(base, models, weights, kept, drop=drop, scale=1.0)
        expected = [total + chance * Fraction(number) for total, number in zip(expected, fused, strict=True)]
    wanted = task_arithmetic(base, models, weights, scale=1.0)
    assert list(map(float, expected)) == pytest.approx(wanted, abs=1e-6)


@given(families(), st.floats(-3, 3))
def test_dare_that_drops_nothing_is_task_arithmetic(family: Models, scale: float) -> None:
    base, models, weights = family
    kept = [[True] * len(base)] * len(models)
    fused = dare(base, models, weights, kept, drop=0.0, scale=scale)
    assert fused == task_arithmetic(base, models, weights, scale=scale)


@given(families(), st.floats(0, 0.99))
def test_what_dare_drops_of_all_models_is_the_base(family: Models, drop: float) -> None:
    base, models, weights = family
    assert dare(base, models, weights, [[False] * len(base)] * len(models), drop=drop, scale=1.0) == base


vectors = st.integers(1, 5).flatmap(
    lambda size: st.tuples(*[st.lists(st.floats(-10, 10), min_size=size, max_size=size)] * 2)
)
shares = st.floats(0, 1)


@given(vectors)
def test_slerp_begins_at_the_first_model_and_ends_at_the_second(pair: tuple[list[float], list[float]]) -> None:
    a, b = pair
    assert slerp(a, b, 0.0) == a
    assert slerp(a, b, 1.0) == b


@given(vectors, shares)
def test_slerp_of_the_two_in_turn_is_the_same_way_backwards(pair: tuple[list[float], list[float]], t: float) -> None:
    a, b = pair
    assert slerp(a, b, t) == pytest.approx(slerp(b, a, 1 - t), abs=1e-6)


@given(st.floats(0.01, pi - 0.01), shares)
def test_slerp_of_models_of_one_length_keeps_the_length_and_divides_the_angle(angle: float, t: float) -> None:
    x, y = slerp([3.0, 0.0], [3 * cos(angle), 3 * sin(angle)], t)
    assert hypot(x, y) == pytest.approx(3.0)
    assert (x, y) == pytest.approx((3 * cos(t * angle), 3 * sin(t * angle)), abs=1e-9)


@given(st.lists(numbers, min_size=1, max_size=5), st.floats(0.1, 10), shares)
def test_slerp_of_parallel_models_is_the_straight_line(model: list[float], factor: float, t: float) -> None:
    other = [factor * number for number in model]
    assert slerp(model, other, t) == pytest.approx(weighted_average([model, other], [1 - t, t]))


@given(st.floats(1e-9, 2 * PARALLEL), shares)
def test_line_and_arc_meet_where_one_takes_over_from_the_other(angle: float, t: float) -> None:
    x, y = slerp([1.0, 0.0], [cos(angle), sin(angle)], t)
    assert (x, y) == pytest.approx((cos(t * angle), sin(t * angle)), abs=2e-9)


def test_slerp_of_opposite_models_is_the_straight_line() -> None:
    assert slerp([1.0, 2.0], [-1.0, -2.0], 0.5) == [0.0, 0.0]


@pytest.mark.parametrize("t", [-0.1, 1.1, nan])
def test_slerp_goes_from_0_to_1_only(t: float) -> None:
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\]"):
        slerp_factors(0.0, 1.0, 1.0, t)


@pytest.mark.parametrize("number", [nan, inf])
def test_numbers_that_are_not_finite_raise(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ties([0.0], [[number]], [1.0], density=1.0, scale=1.0)
    with pytest.raises(ValueError, match="finite"):
        dare([0.0], [[number]], [1.0], [[True]], drop=0.5, scale=1.0)
    with pytest.raises(ValueError, match="finite"):
        slerp([number], [1.0], 0.5)


def test_shapes_and_parameters_that_do_not_fit_raise() -> None:
    with pytest.raises(ValueError, match="density"):
        ties([0.0], [[1.0]], [1.0], density=0.0, scale=1.0)
    with pytest.raises(ValueError, match="length"):
        ties([0.0], [[1.0, 2.0]], [1.0], density=1.0, scale=1.0)
    with pytest.raises(ValueError, match="sum to 1"):
        ties([0.0], [[1.0]], [0.5], density=1.0, scale=1.0)
    with pytest.raises(ValueError, match="drop"):
        dare([0.0], [[1.0]], [1.0], [[True]], drop=1.0, scale=1.0)
    with pytest.raises(ValueError, match="masks"):
        dare([0.0], [[1.0]], [1.0], [[True, False]], drop=0.5, scale=1.0)
    with pytest.raises(ValueError, match="one length"):
        slerp([0.0], [1.0, 2.0], 0.5)
