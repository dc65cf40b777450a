"""Group-relative advantages: their laws, and parity with TRL."""

from math import inf, nan
from random import Random
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.advantages import group_advantages

rewards = st.floats(-10, 10, allow_subnormal=False).map(lambda reward: round(reward, 3))
groups = st.lists(rewards, min_size=2, max_size=16)
groups_with_gaps = st.lists(rewards | st.none(), max_size=16)


@given(groups_with_gaps)
def test_they_sum_to_0_in_a_group(rewards_G: list[float | None]) -> None:
    assert sum(group_advantages(rewards_G)) == pytest.approx(0, abs=1e-9)


@given(groups, st.floats(-100, 100))
def test_they_do_not_change_when_every_reward_shifts(rewards_G: list[float], shift: float) -> None:
    shifted = [reward + shift for reward in rewards_G]
    assert group_advantages(shifted) == pytest.approx(group_advantages(rewards_G), abs=1e-6)


@given(groups.filter(lambda group: stdev(group) > 0.1), st.floats(0.5, 100))
def test_up_to_epsilon_they_do_not_change_when_every_reward_scales(rewards_G: list[float], factor: float) -> None:
    scaled = [reward * factor for reward in rewards_G]
    assert group_advantages(scaled) == pytest.approx(group_advantages(rewards_G), abs=1e-2)
    assert group_advantages(scaled, epsilon=1e-4 * factor) == pytest.approx(group_advantages(rewards_G))


@given(rewards, st.integers(0, 16), st.integers(0, 3))
def test_equal_rewards_have_advantages_of_exactly_0(reward: float, size: int, unjudged: int) -> None:
    assert group_advantages([*[reward] * size, *[None] * unjudged]) == [0.0] * (size + unjudged)


@given(groups_with_gaps, st.integers(0, 16))
def test_a_response_without_a_reward_gets_0_and_changes_nobody_elses(rewards_G: list[float | None], place: int) -> None:
    with_gap = group_advantages([*rewards_G[:place], None, *rewards_G[place:]])
    assert with_gap.pop(min(place, len(rewards_G))) == 0.0
    assert with_gap == group_advantages(rewards_G)


@given(groups, st.randoms(use_true_random=False))
def test_they_follow_the_responses_wherever_these_stand(rewards_G: list[float], rng: Random) -> None:
    order = list(range(len(rewards_G)))
    rng.shuffle(order)
    advantages = group_advantages(rewards_G)
    assert group_advantages([rewards_G[i] for i in order]) == [advantages[i] for i in order]


@given(groups)
def test_a_higher_reward_never_has_a_lower_advantage(rewards_G: list[float]) -> None:
    ranked = [advantage for _, advantage in sorted(zip(rewards_G, group_advantages(rewards_G), strict=True))]
    assert ranked == sorted(ranked)


@given(groups_with_gaps)
def test_without_scale_they_are_the_distances_from_the_mean(rewards_G: list[float | None]) -> None:
    judged = [reward for reward in rewards_G if reward is not None]
    centre = sum(judged) / max(len(judged), 1)
    expected = [0.0 if reward is None else reward - centre for reward in rewards_G]
    assert group_advantages(rewards_G, scale="none") == pytest.approx(expected, abs=1e-9)


@given(groups)
def test_the_scale_changes_their_size_and_not_their_proportions(rewards_G: list[float]) -> None:
    divisor = stdev(rewards_G) + 1e-4
    plain = group_advantages(rewards_G, scale="none")
    assert group_advantages(rewards_G) == pytest.approx([advantage / divisor for advantage in plain])


@given(rewards, st.integers(0, 16))
def test_without_scale_too_equal_rewards_have_advantages_of_exactly_0(reward: float, size: int) -> None:
    assert group_advantages([reward] * size, scale="none") == [0.0] * size


def test_a_scale_of_another_name_raises() -> None:
    with pytest.raises(ValueError, match="scale must be 'std' or 'none', got 'batch'"):
        group_advantages([1.0, 0.0], scale="batch")  # type: ignore[arg-type]


def test_the_deviation_is_the_samples_and_epsilon_is_added_to_it() -> None:
    assert group_advantages([1.0, 0.0], epsilon=0.5) == pytest.approx([0.5 / (0.5**0.5 + 0.5), -0.5 / (0.5**0.5 + 0.5)])


@pytest.mark.parametrize("reward", [nan, inf, -inf])
def test_a_reward_that_is_no_finite_number_raises(reward: float) -> None:
    with pytest.raises(ValueError, match="rewards must be finite"):
        group_advantages([1.0, reward])


@pytest.mark.parametrize("epsilon", [0.0, -1e-4, nan, inf])
def test_an_epsilon_that_is_not_above_0_raises(epsilon: float) -> None:
    with pytest.raises(ValueError, match="epsilon must be above 0"):
        group_advantages([1.0, 0.0], epsilon=epsilon)


def test_they_are_those_of_trl() -> None:
    # Here, not above: importing TRL takes longer than all the other tests of this file.
    import torch
    from trl.trainer.utils import nanstd

    for rewards_G in ([1.0, 0.0, 0.0], [1.0, 0.2, None, -3.5, 0.2], [1.0, 1.0], [None, 1.0], [None, None]):
        column = torch.tensor([nan if reward is None else reward for reward in rewards_G], dtype=torch.float64)
        # The lines of GRPOTrainer._generate_and_score_completions with scale_rewards="group".
        expected = torch.nan_to_num((column - torch.nanmean(column)) / (nanstd(column) + 1e-4), nan=0.0)
        assert group_advantages(rewards_G) == pytest.approx(expected.tolist())
        plain = torch.nan_to_num(column - torch.nanmean(column), nan=0.0)
        if sum(reward is not None for reward in rewards_G) > 1:
            assert group_advantages(rewards_G, scale="none") == pytest.approx(plain.tolist())
