"""Weighted averages and task arithmetic: the laws that any implementation on tensors is held to."""

from fractions import Fraction
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.fusion import check_weights, equal_weights, task_arithmetic, weighted_average

# Adding 0.0 turns -0.0 into 0.0.
numbers = st.floats(-1e6, 1e6).map(lambda number: number + 0.0)
models = st.lists(numbers, min_size=1, max_size=5)
shares = st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any)
weightings = shares.map(lambda parts: [part / sum(parts) for part in parts])


@st.composite
def mixtures(draw: st.DrawFn) -> tuple[list[list[float]], list[float]]:
    """Models of one length and weights for them."""
    weights = draw(weightings)
    size = draw(st.integers(1, 5))
    return [draw(st.lists(numbers, min_size=size, max_size=size)) for _ in weights], weights


@given(models, weightings)
def test_the_average_of_equal_models_is_that_model(model: list[float], weights: list[float]) -> None:
    assert weighted_average([model] * len(weights), weights) == model


@given(mixtures())
def test_an_average_is_the_sum_of_weight_times_number(mixture: tuple[list[list[float]], list[float]]) -> None:
    values, weights = mixture
    expected = [
        sum(w * number for w, number in zip(weights, column, strict=True)) for column in zip(*values, strict=True)
    ]
    assert weighted_average(values, weights) == pytest.approx(expected, abs=1e-6)


@given(mixtures(), st.randoms(use_true_random=False))
def test_the_order_of_the_models_does_not_matter(mixture: tuple[list[list[float]], list[float]], rng: Random) -> None:
    values, weights = mixture
    pairs = list(zip(values, weights, strict=True))
    rng.shuffle(pairs)
    shuffled_values, shuffled_weights = map(list, zip(*pairs, strict=True))
    assert weighted_average(shuffled_values, shuffled_weights) == weighted_average(values, weights)


@given(mixtures())
def test_an_average_lies_within_the_models(mixture: tuple[list[list[float]], list[float]]) -> None:
    for number, column in zip(weighted_average(*mixture), zip(*mixture[0], strict=True), strict=True):
        assert min(column) <= number <= max(column)


@given(mixtures())
def test_a_model_without_weight_has_no_say(mixture: tuple[list[list[float]], list[float]]) -> None:
    values, weights = mixture
    other = [number + 1 for number in values[0]]
    assert weighted_average([*values, other], [*weights, 0.0]) == weighted_average(values, weights)


@given(mixtures())
def test_all_the_weight_on_one_model_gives_that_model(mixture: tuple[list[list[float]], list[float]]) -> None:
    values, _ = mixture
    assert weighted_average(values, [1.0] + [0.0] * (len(values) - 1)) == values[0]


@given(st.integers(1, 1000))
def test_equal_weights_are_the_weights_of_an_average(n: int) -> None:
    weights = equal_weights(n)
    check_weights(weights)
    assert weights == [1 / n] * n


@given(mixtures())
def test_task_arithmetic_on_a_base_of_zeros_at_scale_1_is_the_weighted_sum(
    mixture: tuple[list[list[float]], list[float]],
) -> None:
    values, weights = mixture
    zeros = [0.0] * len(values[0])
    assert task_arithmetic(zeros, values, weights, scale=1.0) == pytest.approx(weighted_average(values, weights))


@given(mixtures(), st.data())
def test_task_arithmetic_with_weights_of_sum_1_at_scale_1_is_the_average_whatever_the_base(
    mixture: tuple[list[list[float]], list[float]], data: st.DataObject
) -> None:
    values, weights = mixture
    base = data.draw(st.lists(numbers, min_size=len(values[0]), max_size=len(values[0])))
    average = weighted_average(values, weights)
    assert task_arithmetic(base, values, weights, scale=1.0) == pytest.approx(average, abs=1e-6)


@given(mixtures(), st.data())
def test_task_arithmetic_at_scale_0_is_the_base(
    mixture: tuple[list[list[float]], list[float]], data: st.DataObject
) -> None:
    values, weights = mixture
    base = data.draw(st.lists(numbers, min_size=len(values[0]), max_size=len(values[0])))
    assert task_arithmetic(base, values, weights, scale=0.0) == base


@given(models, st.lists(st.floats(-3, 3), max_size=4), st.floats(-3, 3))
def test_models_that_are_the_base_leave_it_as_it_is(model: list[float], weights: list[float], scale: float) -> None:
    assert task_arithmetic(model, [model] * len(weights), weights, scale=scale) == model


@given(mixtures(), st.floats(-3, 3))
def test_the_way_from_the_base_grows_with_the_scale(
    mixture: tuple[list[list[float]], list[float]], scale: float
) -> None:
    (base, *values), (_, *weights) = mixture
    at_1 = task_arithmetic(base, values, weights, scale=1.0)
    expected = [b + scale * (m - b) for b, m in zip(base, at_1, strict=True)]
    assert task_arithmetic(base, values, weights, scale=scale) == pytest.approx(expected, abs=1e-6)


def test_task_arithmetic_adds_the_differences_to_the_base() -> None:
    fused = task_arithmetic([1.0, 1.0], [[2.0, 1.0], [1.0, 5.0]], [0.5, -0.5], scale=3.0)
    assert fused == [1 + 3 * 0.5 * 1, 1 - 3 * 0.5 * 4]


def test_weights_that_miss_1_by_rounding_still_average() -> None:
    assert weighted_average([[3.0], [3.0], [3.0]], [0.3333333] * 3) == [3.0]


def test_sums_are_exact_before_they_are_rounded() -> None:
    assert weighted_average([[1e16], [1.0], [-1e16]], equal_weights(3)) == [float(Fraction(1, 3))]


@pytest.mark.parametrize("weights", [[], [0.5], [0.5, 0.6], [1.5, -0.5], [nan, 1.0], [inf, 0.0]])
def test_weights_that_are_not_an_averages_raise(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 0 and sum to 1"):
        check_weights(weights)
    with pytest.raises(ValueError, match="at least 0 and sum to 1"):
        weighted_average([[1.0]] * len(weights), weights)


@pytest.mark.parametrize("values", [[], [[1.0]], [[1.0], [1.0, 2.0]], [[1.0], [1.0], [1.0]]])
def test_models_that_do_not_fit_the_weights_or_one_another_raise(values: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="models of one length"):
        weighted_average(values, [0.5, 0.5])
    with pytest.raises(ValueError, match="models of one length"):
        task_arithmetic([1.0], values, [0.5, 0.5], scale=1.0)


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_numbers_that_are_not_finite_raise(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        weighted_average([[number], [1.0]], [0.5, 0.5])
    with pytest.raises(ValueError, match="finite"):
        task_arithmetic([number], [[1.0]], [1.0], scale=1.0)
    with pytest.raises(ValueError, match="finite"):
        task_arithmetic([1.0], [[1.0]], [number], scale=1.0)
    with pytest.raises(ValueError, match="finite"):
        task_arithmetic([1.0], [[1.0]], [1.0], scale=number)


def test_no_models_have_no_equal_weights() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        equal_weights(0)
