"""A problem is hard by the error rate of all its rollouts; fewer are drawn where the others could change nothing."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.hard_problems import decision_points, least_judged, standing

rates = st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 1.0])
verdicts = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12)


def at_the_end(found, rate):
    judged = [verdict for verdict in found if verdict is not None]
    return standing(sum(judged), len(judged), 0, samples=len(found), min_error_rate=rate)


def after(found, drawn, rate):
    judged = [verdict for verdict in found[:drawn] if verdict is not None]
    return standing(sum(judged), len(judged), len(found) - drawn, samples=len(found), min_error_rate=rate)


@given(verdicts, rates)
def test_with_all_rollouts_hard_means_the_papers_error_rate_among_the_judged(found, rate):
    judged = [verdict for verdict in found if verdict is not None]
    if 2 * len(judged) >= len(found):
        wrong = judged.count(False)
        assert (at_the_end(found, rate) == "hard") == (round(100 * wrong) >= round(100 * rate * len(judged)))
    else:
        assert at_the_end(found, rate) != "hard"


@given(verdicts, rates, st.integers(0, 12))
def test_what_is_decided_early_is_so_whatever_the_others_show(found, rate, drawn):
    early = after(found, min(drawn, len(found)), rate)
    assert early in ("open", at_the_end(found, rate))


@pytest.mark.parametrize("rate", [0.25, 0.75, 1.0])
@pytest.mark.parametrize("drawn", range(5))
def test_what_is_open_could_still_end_in_two_ways(rate, drawn):
    for first in product([True, False], repeat=drawn):
        if after([*first, *[None] * (5 - drawn)], drawn, rate) == "open":
            ends = {at_the_end([*first, *rest], rate) for rest in product([True, False, None], repeat=5 - drawn)}
            assert len(ends) > 1


@given(st.integers(1, 12), rates)
def test_problems_are_looked_at_when_the_first_of_them_can_be_decided_and_at_the_end(samples, rate):
    points = decision_points(samples, min_error_rate=rate)
    assert points == sorted(set(points))
    assert points[-1] == samples
    alike = [[verdict] * samples for verdict in (True, False)]
    for drawn in range(1, samples):
        decided = any(after(found, drawn, rate) != "open" for found in alike)
        assert decided == (points[0] <= drawn)


def test_the_papers_bounds_decide_after_three_right_or_six_wrong():
    assert decision_points(8, min_error_rate=0.75) == [3, 6, 8]
    assert (at_the_end([True] * 2 + [False] * 6, 0.75), at_the_end([True] * 3 + [False] * 5, 0.75)) == (
        "hard",
        "solved",
    )


def test_nothing_judged_is_not_hard():
    assert at_the_end([None] * 8, 0.75) == "unjudged"
    assert at_the_end([None] * 5 + [False] * 3, 0.75) == "unjudged"
    assert at_the_end([None] * 4 + [False] * 4, 0.75) == "hard"
    assert least_judged(7) == 4


@pytest.mark.parametrize("wrong", [(2, 1, 0), (-1, 1, 0), (0, 5, 4), (0, 1, -1)])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="need 0 <= right <= judged"):
        standing(*wrong, samples=8, min_error_rate=0.5)


@pytest.mark.parametrize("rate", [0.0, 1.1, -1.0])
def test_rates_outside_their_range_are_refused(rate):
    with pytest.raises(ValueError, match="min_error_rate must lie in"):
        standing(0, 0, 1, samples=1, min_error_rate=rate)
    with pytest.raises(ValueError, match="need samples >= 1"):
        decision_points(0, min_error_rate=0.5)
