"""The barrier is what rises above the straight line between the ends, whichever end comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.loss_barrier import NOISE_SHARE, even_alphas, loss_barrier

losses = st.floats(0.01, 20)
curves = st.lists(losses, min_size=3, max_size=9).map(
    lambda values: dict(zip(even_alphas(len(values)), values, strict=True))
)


@given(losses, losses, st.integers(3, 9))
def test_a_straight_line_has_no_barrier(start, end, points):
    found = loss_barrier({alpha: (1 - alpha) * start + alpha * end for alpha in even_alphas(points)})
    assert found.height == pytest.approx(0, abs=1e-12)
    assert found.one_basin


@given(curves)
def test_the_order_of_the_ends_does_not_matter(curve):
    found, turned = loss_barrier(curve), loss_barrier({1 - alpha: loss for alpha, loss in curve.items()})
    assert turned.height == pytest.approx(found.height, abs=1e-9)
    assert turned.one_basin == found.one_basin or abs(found.height) == pytest.approx(
        NOISE_SHARE * (curve[0] + curve[1]) / 2
    )


@given(curves, st.floats(0.01, 5))
def test_raising_what_lies_between_raises_the_barrier_as_much(curve, by):
    raised = {alpha: loss + by * (0 < alpha < 1) for alpha, loss in curve.items()}
    assert loss_barrier(raised).height == pytest.approx(loss_barrier(curve).height + by, abs=1e-9)


@given(curves)
def test_no_point_between_lies_higher_above_the_line(curve):
    found = loss_barrier(curve)
    for alpha, loss in curve.items():
        if 0 < alpha < 1:
            assert loss - ((1 - alpha) * curve[0] + alpha * curve[1]) <= found.height
    assert 0 < found.alpha < 1


def test_below_the_line_is_told_as_it_is():
    assert loss_barrier({0: 2.0, 0.5: 1.0, 1: 2.0}).height == -1.0
    assert loss_barrier({0: 2.0, 0.5: 1.0, 1: 2.0}).one_basin


def test_noise_of_two_percent_is_no_wall():
    assert loss_barrier({0: 1.0, 0.5: 1.019, 1: 1.0}).one_basin
    assert not loss_barrier({0: 1.0, 0.5: 1.021, 1: 1.0}).one_basin


def test_of_equal_heights_the_first_is_named():
    assert loss_barrier({0: 1.0, 0.25: 3.0, 0.5: 3.0, 1: 1.0}).alpha == 0.25


@pytest.mark.parametrize(
    "curve",
    [
        {},
        {0.0: 1.0, 1.0: 1.0},
        {0.0: 1.0, 0.25: 1.0, 0.5: 1.0},
        {0.5: 1.0, 0.75: 1.0, 1.0: 1.0},
        {-0.5: 1.0, 0.0: 1.0, 0.5: 1.0, 1.0: 1.0},
        {0.0: 1.0, 0.5: float("nan"), 1.0: 1.0},
        {0.0: 1.0, 0.5: float("inf"), 1.0: 1.0},
        {0.0: -1.0, 0.5: 1.0, 1.0: 1.0},
    ],
)
def test_missing_ends_and_what_is_no_loss_are_refused(curve):
    with pytest.raises(ValueError, match="losses"):
        loss_barrier(curve)


def test_alphas_have_both_ends_and_equal_distances():
    assert even_alphas(3) == [0.0, 0.5, 1.0]
    with pytest.raises(ValueError, match="at least 3"):
        even_alphas(2)
