"""Student's interval against the printed tables, and its laws."""

from math import inf, nan, sqrt
from random import Random
from statistics import NormalDist, fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.intervals import mean_interval

shares = st.integers(0, 16).map(lambda right: right / 16)
samples = st.lists(shares, min_size=1, max_size=60)


def quantile(n: int, confidence: float) -> float:
    """The t that the interval of n values was made with."""
    values = [i % 2 for i in range(n)]
    low, high = mean_interval(values, confidence=confidence, low=-inf, high=inf)
    return (high - low) / 2 / stdev(values) * sqrt(n)


@pytest.mark.parametrize(
    ("degrees", "at_95", "at_99"),
    [
        (1, 12.7062, 63.6567),
        (2, 4.30265, 9.92484),
        (3, 3.18245, 5.84091),
        (10, 2.22814, 3.16927),
        (120, 1.97993, 2.61742),
    ],
)
def test_the_quantiles_are_those_of_the_tables(degrees: int, at_95: float, at_99: float) -> None:
    assert quantile(degrees + 1, 0.95) == pytest.approx(at_95, rel=1e-5)
    assert quantile(degrees + 1, 0.99) == pytest.approx(at_99, rel=1e-5)


def test_for_many_problems_the_quantile_is_the_normal_distributions() -> None:
    assert quantile(5000, 0.95) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-3)


@given(samples, st.floats(0.01, 0.999))
def test_it_holds_the_mean_and_stays_in_0_to_1(values: list[float], confidence: float) -> None:
    low, high = mean_interval(values, confidence=confidence)
    assert 0 <= low <= high <= 1
    assert low - 1e-12 <= fmean(values) <= high + 1e-12


@given(samples)
def test_more_confidence_never_makes_it_narrower(values: list[float]) -> None:
    low_90, high_90 = mean_interval(values, confidence=0.9)
    low_99, high_99 = mean_interval(values, confidence=0.99)
    assert low_99 <= low_90 <= high_90 <= high_99


@given(st.lists(shares, min_size=2, max_size=60))
def test_it_mirrors_when_right_and_wrong_change_places(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert mean_interval([1 - value for value in values]) == pytest.approx((1 - high, 1 - low))


@given(st.lists(shares, min_size=2, max_size=30).filter(lambda values: len(set(values)) > 1))
def test_four_times_the_problems_make_it_less_than_half_as_wide(values: list[float]) -> None:
    once = mean_interval(values, low=-inf, high=inf)
    four_times = mean_interval(values * 4, low=-inf, high=inf)
    assert (four_times[1] - four_times[0]) < (once[1] - once[0]) / 2


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_the_problems_does_not_matter(values: list[float], rng: Random) -> None:
    shuffled = rng.sample(values, len(values))
    assert mean_interval(shuffled) == mean_interval(values)


def test_about_95_in_100_intervals_hold_the_true_mean() -> None:
    rng = Random(0)
    problems = [[rng.betavariate(2, 3) for _ in range(30)] for _ in range(2000)]
    held = sum(low <= 0.4 <= high for low, high in map(mean_interval, problems))
    assert 0.93 <= held / len(problems) <= 0.97


def test_one_problem_alone_could_be_anything() -> None:
    assert mean_interval([0.5]) == (0.0, 1.0)
    assert mean_interval([0.5], low=-1.0) == (-1.0, 1.0)


def test_a_difference_of_two_shares_may_be_negative() -> None:
    low, high = mean_interval([-0.5, -0.25, -0.5, -0.25], low=-1.0)
    assert -1 <= low < -0.375 < high < 0


@pytest.mark.parametrize("values", [[], [0.5, 1.5], [-0.1], [nan]])
def test_no_values_and_values_out_of_range_raise(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"at least one value|values must lie in"):
        mean_interval(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, nan])
def test_a_confidence_outside_0_to_1_raises(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie between"):
        mean_interval([0.5], confidence=confidence)
