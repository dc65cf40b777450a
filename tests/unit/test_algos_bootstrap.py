"""Bootstrap intervals hold the mean, repeat by seed, and cover about as often as they say."""

from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.bootstrap import bootstrap_interval, bootstrap_means

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(VALUES, st.integers(0, 5))
def test_means_are_ascending_within_the_values_and_repeat_by_seed(values, seed):
    means = bootstrap_means(values, resamples=50, seed=seed)
    assert means == sorted(means)
    assert min(values) - 1e-9 <= means[0] <= means[-1] <= max(values) + 1e-9
    assert means == bootstrap_means(values, resamples=50, seed=seed)


@given(VALUES)
def test_a_surer_interval_is_no_narrower(values):
    narrow = bootstrap_interval(values, confidence=0.5, resamples=99, seed=1)
    wide = bootstrap_interval(values, confidence=0.95, resamples=99, seed=1)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_an_interval_of_90_percent_holds_the_true_mean_about_so_often():
    rng = Random(2)
    held = 0
    for draw in range(300):
        values = [float(rng.random() < 0.3) for _ in range(60)]
        low, high = bootstrap_interval(values, confidence=0.9, resamples=200, seed=draw)
        held += low <= 0.3 <= high
    assert 0.82 <= held / 300 <= 0.96


def test_the_interval_is_centred_near_the_mean():
    values = [n / 40 for n in range(41)]
    low, high = bootstrap_interval(values, seed=4)
    assert low < fmean(values) < high
    assert (low + high) / 2 == pytest.approx(fmean(values), abs=0.02)


@pytest.mark.parametrize(("values", "options"), [([], {}), ([1.0], {"resamples": 0}), ([1.0], {"confidence": 1.0})])
def test_nothing_to_draw_from_and_impossible_confidence_are_refused(values, options):
    with pytest.raises(ValueError):
        bootstrap_interval(values, seed=0, **options)
