"""Long2Short: what section 2.2.2 of VibeThinker-3B says of it."""

from math import inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vibethinker.algos.long2short import brevity_shift

lengths = st.integers(1, 100_000)
rewards = st.sampled_from([1.0, 0.0, None])
groups = st.lists(st.tuples(rewards, lengths), min_size=1, max_size=16)
lams = st.floats(0, 5)
Group = list[tuple[float | None, int]]


def shifts(group: Group, lam: float = 0.2) -> list[float]:
    """Return what is added to each reward; 0 where there is none."""
    rewards_G, lengths_G = map(list, zip(*group, strict=True))
    after = brevity_shift(rewards_G, lengths_G, lam=lam)
    return [0.0 if new is None else new - old for old, new in zip(rewards_G, after, strict=True)]


@given(groups, lams)
def test_the_shifts_of_a_group_sum_to_0(group: Group, lam: float) -> None:
    assert sum(shifts(group, lam)) == pytest.approx(0, abs=1e-7)


@given(groups, lams)
@example([(1.0, 1), (1.0, 2)], 5.0)
def test_no_reward_moves_by_more_than_lam_and_one_moves_by_all_of_it(group: Group, lam: float) -> None:
    largest = max(map(abs, shifts(group, lam)))
    differ = len({length for reward, length in group if reward == 1}) > 1
    assert largest == pytest.approx(lam if differ else 0, abs=1e-12)


@given(groups)
def test_of_two_right_responses_the_shorter_gets_more(group: Group) -> None:
    right = [(length, shift) for (reward, length), shift in zip(group, shifts(group), strict=True) if reward == 1]
    for length, shift in right:
        assert all(shift > other for longer, other in right if longer > length)
        assert all(shift == other for equal, other in right if equal == length)


@given(groups)
def test_the_shift_is_the_papers_formula(group: Group) -> None:
    right = [1 / length for reward, length in group if reward == 1]
    centre = sum(right) / max(len(right), 1)
    spread = max((abs(s - centre) for s in right), default=0)
    if spread > 1e-12:
        expected = [0.2 * (1 / length - centre) / spread if reward == 1 else 0 for reward, length in group]
        assert shifts(group) == pytest.approx(expected, abs=1e-6)


@given(groups)
def test_wrong_and_unjudged_responses_keep_their_reward_and_sway_nobody_elses(group: Group) -> None:
    rewards_G, lengths_G = map(list, zip(*group, strict=True))
    after = brevity_shift(rewards_G, lengths_G)
    assert [new for old, new in zip(rewards_G, after, strict=True) if old != 1] == [r for r in rewards_G if r != 1]
    alone = [length for reward, length in group if reward == 1]
    assert brevity_shift([1.0] * len(alone), alone) == [new for r, new in zip(rewards_G, after, strict=True) if r == 1]


@given(groups)
def test_lam_0_leaves_every_reward_exactly(group: Group) -> None:
    rewards_G, lengths_G = map(list, zip(*group, strict=True))
    assert brevity_shift(rewards_G, lengths_G, lam=0.0) == rewards_G


@given(st.lists(rewards, max_size=16), lengths)
def test_equal_lengths_leave_every_reward_exactly(rewards_G: list[float | None], length: int) -> None:
    assert brevity_shift(rewards_G, [length] * len(rewards_G)) == rewards_G


@given(lengths, lengths)
def test_a_lone_right_response_keeps_its_reward(right: int, wrong: int) -> None:
    assert brevity_shift([1.0, 0.0], [right, wrong]) == [1.0, 0.0]


def test_verdicts_say_who_is_right_whatever_the_rewards_are() -> None:
    shaped = brevity_shift([1.5, 1.25, 1.0, None], [10, 20, 5, 5], correct_G=[True, True, None, True])
    assert shaped == pytest.approx([1.7, 1.05, 1.0, None])


@pytest.mark.parametrize("lam", [-0.1, nan, inf])
def test_a_lam_that_is_negative_or_not_finite_raises(lam: float) -> None:
    with pytest.raises(ValueError, match="lam must be at least 0"):
        brevity_shift([1.0], [1], lam=lam)


def test_a_response_without_tokens_raises() -> None:
    with pytest.raises(ValueError, match="lengths must be at least 1"):
        brevity_shift([1.0, 1.0], [0, 3])


@pytest.mark.parametrize("correct_G", [None, [True, False, True]])
def test_lists_of_different_lengths_raise(correct_G: list[bool] | None) -> None:
    with pytest.raises(ValueError, match="per response, got 2,"):
        brevity_shift([1.0, 1.0], [3] if correct_G is None else [3, 4], correct_G=correct_G)
