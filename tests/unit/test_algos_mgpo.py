"""The MGPO weight: what section 3.4 of VibeThinker-1.5B says of it."""

from math import inf, log, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vibethinker.algos.mgpo import group_accuracy, max_entropy_deviation, max_entropy_weight

accuracies = st.floats(0, 1)
lams = st.floats(0, 20)
judgements = st.lists(st.sampled_from([True, False, None]), max_size=16)


@given(judgements)
def test_accuracy_is_the_share_of_right_ones_among_the_judged(correct_G: list[bool | None]) -> None:
    right, wrong = correct_G.count(True), correct_G.count(False)
    assert group_accuracy(correct_G) == (right / (right + wrong) if right + wrong else None)


@given(judgements)
def test_a_response_that_cannot_be_judged_does_not_move_the_accuracy(correct_G: list[bool | None]) -> None:
    assert group_accuracy([*correct_G, None]) == group_accuracy(correct_G)


@given(accuracies)
def test_deviation_lies_between_0_and_log_2(accuracy: float) -> None:
    assert 0 <= max_entropy_deviation(accuracy) <= log(2) * (1 + 1e-15)


def test_deviation_is_nothing_at_one_half_and_log_2_at_the_ends() -> None:
    assert max_entropy_deviation(0.5) == 0
    assert max_entropy_deviation(0.0) == max_entropy_deviation(1.0) == log(2)


@given(st.floats(1e-6, 1 - 1e-6))
def test_between_the_ends_deviation_is_the_papers_formula(p: float) -> None:
    formula = p * log(2 * p) + (1 - p) * log(2 * (1 - p))
    assert max_entropy_deviation(p) == pytest.approx(formula, abs=1e-12)


@given(st.floats(-1e-7, 1e-7))
@example(-(2.0**-54))
def test_next_to_one_half_rounding_leaves_no_deviation_below_0(distance: float) -> None:
    assert max_entropy_deviation(0.5 + distance) >= 0


@given(accuracies, lams)
def test_weight_lies_between_2_to_the_minus_lam_and_1(accuracy: float, lam: float) -> None:
    assert 2**-lam * (1 - 1e-12) <= max_entropy_weight(accuracy, lam=lam) <= 1


@given(lams)
def test_weight_is_1_at_one_half_and_2_to_the_minus_lam_at_the_ends(lam: float) -> None:
    assert max_entropy_weight(0.5, lam=lam) == 1
    assert max_entropy_weight(0.0, lam=lam) == pytest.approx(2**-lam)
    assert max_entropy_weight(1.0, lam=lam) == pytest.approx(2**-lam)


@given(accuracies)
def test_at_lam_0_every_weight_is_1(accuracy: float) -> None:
    assert max_entropy_weight(accuracy, lam=0.0) == 1


@given(accuracies, lams)
def test_weight_is_symmetric_about_one_half(accuracy: float, lam: float) -> None:
    assert max_entropy_weight(accuracy, lam=lam) == pytest.approx(max_entropy_weight(1 - accuracy, lam=lam))


@given(st.integers(2, 64), st.floats(0.1, 20), st.data())
def test_weight_falls_with_the_distance_from_one_half(group_size: int, lam: float, data: st.DataObject) -> None:
    near, far = sorted(
        (data.draw(st.integers(0, group_size)) for _ in range(2)), key=lambda right: abs(2 * right - group_size)
    )
    if abs(2 * near - group_size) < abs(2 * far - group_size):
        assert max_entropy_weight(near / group_size, lam=lam) > max_entropy_weight(far / group_size, lam=lam)


@given(st.floats(0, 1).filter(lambda p: abs(p - 0.5) > 1e-3), lams)
def test_weight_falls_with_lam(accuracy: float, lam: float) -> None:
    assert max_entropy_weight(accuracy, lam=lam + 0.1) < max_entropy_weight(accuracy, lam=lam)


@pytest.mark.parametrize("accuracy", [-0.01, 1.01, nan, inf])
def test_an_accuracy_outside_0_to_1_raises(accuracy: float) -> None:
    with pytest.raises(ValueError, match="accuracy must lie in"):
        max_entropy_weight(accuracy, lam=4.0)


@pytest.mark.parametrize("lam", [-0.1, nan, inf])
def test_a_lam_that_is_negative_or_not_finite_raises(lam: float) -> None:
    with pytest.raises(ValueError, match="lam must be at least 0"):
        max_entropy_weight(0.5, lam=lam)
