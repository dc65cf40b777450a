"""The policy loss in plain numbers: the laws of its terms and of the whole."""

from collections.abc import Callable
from functools import partial
from math import exp, inf, log, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vibethinker.algos.policy_objective import (
    clipped_term,
    k3,
    policy_loss,
    response_average,
    token_average,
    truncated_importance,
)

ratios = st.floats(0, 10)
advantages = st.floats(-5, 5)
bounds = st.floats(0.01, 0.9)
logs = st.floats(-30, 0)
tables = st.lists(st.lists(st.floats(-10, 10), max_size=6), min_size=1, max_size=6)
Rows = list[list[float]]
CLIP = {"low": 0.2, "high": 0.28}
loss_of: Callable[..., float] = partial(policy_loss, low=0.2, high=0.28)


@st.composite
def batch(draw: st.DrawFn) -> tuple[list[float], Rows, Rows]:
    """Draw advantages, current and old log-probabilities, of at least one token a response."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    rows = [draw(st.lists(logs, min_size=length, max_size=length)) for length in lengths]
    nearby = [[log + draw(st.floats(-1, 1)) for log in row] for row in rows]
    return [draw(advantages) for _ in lengths], rows, nearby


batches = batch()
Batch = tuple[list[float], Rows, Rows]


@given(ratios, advantages, bounds, bounds)
def test_between_the_bounds_a_term_is_ratio_times_advantage_and_never_more(
    ratio: float, advantage: float, low: float, high: float
) -> None:
    term = clipped_term(ratio, advantage, low=low, high=high)
    assert term <= ratio * advantage
    if 1 - low <= ratio <= 1 + high:
        assert term == ratio * advantage


@given(ratios, ratios, advantages, bounds, bounds)
def test_moving_beyond_the_bound_on_the_advantages_side_is_never_rewarded(
    ratio: float, further: float, advantage: float, low: float, high: float
) -> None:
    at_bound = clipped_term(1 + high if advantage > 0 else 1 - low, advantage, low=low, high=high)
    beyond = 1 + high + further if advantage > 0 else max(0.0, 1 - low - further)
    assert clipped_term(beyond, advantage, low=low, high=high) == pytest.approx(at_bound)
    assert clipped_term(ratio, advantage, low=low, high=high) <= at_bound + 1e-12


@given(ratios, bounds, bounds)
def test_moving_the_wrong_way_is_punished_without_bound(ratio: float, low: float, high: float) -> None:
    assert clipped_term(1 + high + ratio, -1.0, low=low, high=high) == -(1 + high + ratio)
    assert clipped_term(ratio * (1 - low) / 10, 1.0, low=low, high=high) == ratio * (1 - low) / 10


@given(logs, logs)
def test_k3_is_never_below_0_and_0_only_where_both_agree(log_policy: float, log_reference: float) -> None:
    assert k3(log_policy, log_reference) >= 0
    assert k3(log_policy, log_policy) == 0
    assume(abs(log_policy - log_reference) > 1e-6)
    assert k3(log_policy, log_reference) > 0


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=6), st.lists(st.floats(0.05, 1), min_size=6, max_size=6))
def test_k3_is_in_the_mean_the_divergence(policy: list[float], reference: list[float]) -> None:
    p = [weight / sum(policy) for weight in policy]
    q = [weight / sum(reference[: len(p)]) for weight in reference[: len(p)]]
    expected = sum(p_i * log(p_i / q_i) for p_i, q_i in zip(p, q, strict=True))
    assert sum(p_i * k3(log(p_i), log(q_i)) for p_i, q_i in zip(p, q, strict=True)) == pytest.approx(
        expected, abs=1e-12
    )


@given(logs, logs, st.floats(1, 20))
def test_a_correction_is_the_ratio_up_to_the_cap(log_trainer: float, log_sampler: float, cap: float) -> None:
    correction = truncated_importance(log_trainer, log_sampler, cap=cap)
    assert correction == pytest.approx(min(exp(log_trainer - log_sampler), cap))
    assert 0 <= correction <= cap * (1 + 1e-12)
    assert truncated_importance(log_trainer, log_trainer, cap=cap) == 1


def test_a_correction_of_any_size_is_cut() -> None:
    assert truncated_importance(0.0, -5000.0, cap=2.0) == 2.0


@given(tables)
def test_the_response_average_weighs_responses_alike_and_the_token_average_tokens(terms: Rows) -> None:
    means = [sum(row) / len(row) if row else 0.0 for row in terms]
    assert response_average(terms) == pytest.approx(sum(means) / len(means), abs=1e-9)
    tokens = [term for row in terms for term in row]
    assert token_average(terms) == pytest.approx(sum(tokens) / len(tokens) if tokens else 0.0, abs=1e-9)


@given(st.lists(st.lists(st.floats(-10, 10), min_size=3, max_size=3), min_size=1, max_size=6))
def test_both_averages_agree_on_responses_of_one_length(terms: Rows) -> None:
    assert response_average(terms) == pytest.approx(token_average(terms), abs=1e-9)


@given(batches, st.sampled_from(["response", "token"]))
def test_on_policy_the_loss_is_minus_the_average_advantage(drawn: Batch, averaging) -> None:
    advantages_N, rows, _ = drawn
    average = response_average if averaging == "response" else token_average
    expected = -average([[advantage] * len(row) for advantage, row in zip(advantages_N, rows, strict=True)])
    assert loss_of(advantages_N, rows, rows, averaging=averaging) == pytest.approx(expected)


@given(batches, st.floats(0, 4))
def test_a_weight_on_the_advantages_scales_the_loss(drawn: Batch, weight: float) -> None:
    advantages_N, rows, old = drawn
    loss = loss_of(advantages_N, rows, old)
    weighted = loss_of([weight * advantage for advantage in advantages_N], rows, old)
    assert weighted == pytest.approx(weight * loss, abs=1e-9)


@given(batches, st.floats(0, 2), st.sampled_from(["response", "token"]))
def test_the_kl_term_adds_its_average_times_its_coefficient(drawn: Batch, beta: float, averaging) -> None:
    advantages_N, rows, reference = drawn
    average = response_average if averaging == "response" else token_average
    terms = [[k3(p, r) for p, r in zip(*pair, strict=True)] for pair in zip(rows, reference, strict=True)]
    plain = loss_of(advantages_N, rows, rows, averaging=averaging)
    penalised = loss_of(advantages_N, rows, rows, averaging=averaging, log_reference_N_T=reference, kl_coefficient=beta)
    assert penalised == pytest.approx(plain + beta * average(terms), abs=1e-9)


@given(batches, st.floats(-0.1, 0.1))
def test_times_the_ratio_the_kl_term_grows_with_it(drawn: Batch, shift: float) -> None:
    _, rows, reference = drawn
    old, nothing = [[log - shift for log in row] for row in rows], [0.0] * len(rows)
    options = {"log_reference_N_T": reference, "kl_coefficient": 0.5}
    plain, times = (loss_of(nothing, rows, old, kl_times_ratio=ratio, **options) for ratio in (False, True))
    assert times == pytest.approx(exp(shift) * plain)


@given(batches, st.floats(-3, 0.5))
def test_a_constant_mismatch_between_engines_scales_the_loss_by_the_correction(drawn: Batch, shift: float) -> None:
    advantages_N, rows, old = drawn
    sampler = [[log + shift for log in row] for row in old]
    loss = loss_of(advantages_N, rows, old)
    corrected = loss_of(advantages_N, rows, old, log_sampler_N_T=sampler, cap=2.0)
    assert corrected == pytest.approx(min(exp(-shift), 2.0) * loss, abs=1e-9)


@given(batches)
def test_the_correction_leaves_the_kl_term_alone(drawn: Batch) -> None:
    _, rows, reference = drawn
    sampler = [[log - 5 for log in row] for row in rows]
    options = {"log_reference_N_T": reference, "kl_coefficient": 0.5}
    nothing = [0.0] * len(rows)
    assert loss_of(nothing, rows, rows, log_sampler_N_T=sampler, cap=2.0, **options) == pytest.approx(
        loss_of(nothing, rows, rows, **options)
    )


@given(batches, st.data())
def test_masked_responses_add_nothing_and_keep_their_place_among_responses_only(
    drawn: Batch, data: st.DataObject
) -> None:
    advantages_N, rows, old = drawn
    size = len(rows)
    masked = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    kept = [place for place in range(size) if not masked[place]]
    assume(kept)
    columns = [[column[place] for place in kept] for column in (advantages_N, rows, old)]
    by_response = loss_of(advantages_N, rows, old, masked_N=masked)
    assert by_response == pytest.approx(loss_of(*columns) * len(kept) / size, abs=1e-9)
    by_token = loss_of(advantages_N, rows, old, masked_N=masked, averaging="token")
    assert by_token == pytest.approx(loss_of(*columns, averaging="token"), abs=1e-9)


def test_a_batch_of_which_all_is_masked_has_no_loss() -> None:
    assert loss_of([1.0], [[nan]], [[nan]], masked_N=[True], averaging="token") == 0


@pytest.mark.parametrize(("low", "high"), [(0, 0.2), (0.2, 0), (-0.1, 0.2), (nan, 0.2), (0.2, inf)])
def test_a_bound_that_is_not_above_0_raises(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="need finite low > 0, high > 0"):
        clipped_term(1.0, 1.0, low=low, high=high)


@pytest.mark.parametrize("ratio", [-0.1, nan])
def test_a_ratio_that_is_none_raises(ratio: float) -> None:
    with pytest.raises(ValueError, match="ratio >= 0"):
        clipped_term(ratio, 1.0, **CLIP)


@pytest.mark.parametrize("log", [nan, -inf])
def test_a_log_probability_that_is_not_finite_raises(log: float) -> None:
    with pytest.raises(ValueError, match="log-probabilities must be finite"):
        k3(log, -1.0)


@pytest.mark.parametrize("cap", [0.5, 0, -1, nan])
def test_a_cap_below_1_raises(cap: float) -> None:
    with pytest.raises(ValueError, match="cap must be at least 1"):
        truncated_importance(-1.0, -1.0, cap=cap)


@pytest.mark.parametrize("options", [{"averaging": "group"}, {"kl_coefficient": -1.0}, {"kl_coefficient": 0.1}])
def test_an_option_that_defines_no_loss_raises(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"averaging must be|need KL coefficient"):
        loss_of([1.0], [[-1.0]], [[-1.0]], **options)


def test_tables_of_different_shape_raise() -> None:
    with pytest.raises(ValueError, match="zip"):
        loss_of([1.0], [[-1.0]], [[-1.0, -2.0]])
    with pytest.raises(ValueError, match="zip"):
        loss_of([1.0, 2.0], [[-1.0]], [[-1.0]])
    with pytest.raises(ValueError, match="at least one response"):
        loss_of([], [], [])
