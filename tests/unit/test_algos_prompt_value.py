"""A prompt's expected value against enumeration and simulation; draws against their chances."""

from itertools import permutations
from math import comb, exp, inf, lgamma, nan, sqrt
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vibethinker.algos.advantages import group_advantages
from vibethinker.algos.mgpo import max_entropy_weight
from vibethinker.algos.prompt_value import beta_binomial, draw_without_replacement, prompt_value, sampling_chances

counts = st.floats(1e-3, 1e6)
sizes = st.integers(2, 64)
lams = st.floats(0, 8)
values = st.lists(st.floats(0, 1), min_size=1, max_size=20)
shares = st.floats(0, 1)
powers = st.floats(0, 8)


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


@given(st.integers(0, 64), counts, counts)
@example(64, 1e6, 1e-3)
@example(64, 1e-3, 1e-3)
@example(2000, 1e6, 1e6)
def test_chances_of_counts_sum_to_1_and_have_the_beliefs_mean(n: int, a: float, b: float) -> None:
    chances = beta_binomial(n, a, b)
    assert len(chances) == n + 1
    assert all(0 <= chance <= 1 + 1e-12 for chance in chances)
    assert sum(chances) == pytest.approx(1)
    assert sum(k * chance for k, chance in enumerate(chances)) == pytest.approx(n * a / (a + b), rel=1e-9, abs=1e-12)


@given(st.integers(0, 32), st.floats(1e-3, 100), st.floats(1e-3, 100))
def test_chances_of_counts_are_the_closed_form(n: int, a: float, b: float) -> None:
    expected = [comb(n, k) * exp(log_beta(k + a, n - k + b) - log_beta(a, b)) for k in range(n + 1)]
    assert beta_binomial(n, a, b) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 32), counts, counts)
def test_right_and_wrong_trade_places_with_their_counts(n: int, a: float, b: float) -> None:
    assert beta_binomial(n, a, b) == pytest.approx(beta_binomial(n, b, a)[::-1], rel=1e-9, abs=1e-250)


@given(st.integers(1, 64))
def test_when_every_accuracy_is_as_likely_so_is_every_count(n: int) -> None:
    assert beta_binomial(n, 1.0, 1.0) == pytest.approx([1 / (n + 1)] * (n + 1))


@given(counts, counts, sizes, lams)
def test_a_value_lies_in_0_to_1_and_falls_with_lam(a: float, b: float, group_size: int, lam: float) -> None:
    value = prompt_value(a, b, group_size=group_size, lam=lam)
    assert 0 <= value <= 1
    assert prompt_value(a, b, group_size=group_size, lam=lam + 1) <= value * (1 + 1e-12)


@given(counts, counts, sizes, lams)
def test_a_prompt_is_worth_as_much_as_its_mirror_image(a: float, b: float, group_size: int, lam: float) -> None:
    value = prompt_value(a, b, group_size=group_size, lam=lam)
    assert prompt_value(b, a, group_size=group_size, lam=lam) == pytest.approx(value, rel=1e-9, abs=1e-250)


@given(st.floats(0.05, 100), sizes, lams, st.floats(0.01, 0.48), st.floats(0.01, 0.98))
def test_for_equally_sure_beliefs_the_nearer_to_one_half_is_worth_more(
    strength: float, group_size: int, lam: float, distance: float, nearer: float
) -> None:
    far, near = (
        prompt_value(strength * (0.5 - d), strength * (0.5 + d), group_size=group_size, lam=lam)
        for d in (distance, distance * nearer)
    )
    assert near > far


@given(sizes, lams)
def test_what_is_surely_always_right_or_always_wrong_is_worth_nothing(group_size: int, lam: float) -> None:
    assert prompt_value(1e12, 1e-9, group_size=group_size, lam=lam) < 1e-9
    assert prompt_value(1e-9, 1e12, group_size=group_size, lam=lam) < 1e-9


@pytest.mark.parametrize(("a", "b", "group_size", "lam"), [(0.7, 2.0, 8, 4.0), (3.0, 1.0, 4, 0.0), (1.0, 9.0, 16, 1.0)])
def test_a_value_is_the_mean_of_weighted_absolute_advantages(a: float, b: float, group_size: int, lam: float) -> None:
    rng, draws = Random(5), 5000
    total = 0.0
    for _ in range(draws):
        accuracy = rng.betavariate(a, b)
        rewards = [float(rng.random() < accuracy) for _ in range(group_size)]
        weight = max_entropy_weight(sum(rewards) / group_size, lam=lam)
        # The value's deviation has the divisor G, the trainer's G - 1.
        advantages = group_advantages(rewards, epsilon=1e-12)
        scale = sqrt(group_size / (group_size - 1))
        total += weight * scale * sum(map(abs, advantages)) / group_size
    # Each term lies in [0, 1]: four standard errors are at most 0.03.
    assert total / draws == pytest.approx(prompt_value(a, b, group_size=group_size, lam=lam), abs=0.03)


@given(values, powers, shares)
@example([1e-300, 1e-200], 8.0, 0.0)
def test_chances_sum_to_1_and_every_prompt_keeps_its_uniform_share(v: list[float], power: float, u: float) -> None:
    chances = sampling_chances(v, power=power, uniform_share=u)
    assert sum(chances) == pytest.approx(1)
    assert min(chances) >= u / len(v)


@given(values, powers, shares)
def test_a_higher_value_never_has_a_lower_chance(v: list[float], power: float, u: float) -> None:
    ranked = [chance for _, chance in sorted(zip(v, sampling_chances(v, power=power, uniform_share=u), strict=True))]
    assert ranked == sorted(ranked)


@given(st.integers(1, 20), powers, shares)
def test_values_of_0_make_all_chances_equal(n: int, power: float, u: float) -> None:
    assert sampling_chances([0.0] * n, power=power, uniform_share=u) == pytest.approx([1 / n] * n)


@given(values, powers)
def test_a_uniform_share_of_1_or_a_power_of_0_make_all_chances_equal(v: list[float], power: float) -> None:
    equal = pytest.approx([1 / len(v)] * len(v))
    assert sampling_chances(v, power=power, uniform_share=1.0) == equal
    assert sampling_chances(v, power=0.0, uniform_share=0.0) == equal


def test_chances_go_with_the_power_of_the_value() -> None:
    assert sampling_chances([0.2, 0.4], power=2.0, uniform_share=0.0) == pytest.approx([0.2, 0.8])
    assert sampling_chances([0.2, 0.4], power=2.0, uniform_share=0.5) == pytest.approx([0.35, 0.65])


@given(values, st.data(), st.integers(0, 2**32))
def test_draws_are_distinct_and_fixed_by_the_generator(v: list[float], data: st.DataObject, seed: int) -> None:
    count = data.draw(st.integers(0, len(v)))
    drawn = draw_without_replacement(v, count, Random(seed))
    assert len(set(drawn)) == len(drawn) == count
    assert set(drawn) <= set(range(len(v)))
    assert draw_without_replacement(v, count, Random(seed)) == drawn


@given(values, st.data(), st.integers(0, 2**32))
def test_a_place_without_chance_is_drawn_only_when_no_other_is_left(
    v: list[float], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(v)))
    drawn = [v[place] > 0 for place in draw_without_replacement(v, count, Random(seed))]
    assert drawn == sorted(drawn, reverse=True)
    assert sum(drawn) == min(count, sum(chance > 0 for chance in v))


def test_ordered_draws_come_as_often_as_drawing_one_by_one_says() -> None:
    chances, draws, rng = [0.5, 0.3, 0.15, 0.05], 20_000, Random(11)
    seen = dict.fromkeys(permutations(range(4), 2), 0)
    for _ in range(draws):
        first, second = draw_without_replacement(chances, 2, rng)
        seen[first, second] += 1
    expected = {(i, j): draws * chances[i] * chances[j] / (1 - chances[i]) for i, j in seen}
    chi_square = sum((seen[pair] - expected[pair]) ** 2 / expected[pair] for pair in seen)
    # The 99.9 % point of chi square with 11 degrees of freedom.
    assert chi_square < 31.3


def test_places_without_chance_are_drawn_alike() -> None:
    rng = Random(3)
    thirds = [draw_without_replacement([0.0, 1.0, 0.0, 0.0], 2, rng)[1] for _ in range(3000)]
    # Four standard deviations of a count with the chance 1/3.
    assert all(abs(thirds.count(place) - 1000) < 4 * sqrt(3000 * 2 / 9) for place in (0, 2, 3))


@pytest.mark.parametrize(
    ("n", "a", "b"), [(-1, 1, 1), (2, 0, 1), (2, 1, -1), (2, nan, 1), (2, inf, 1), (8, 5e-324, 5e-324)]
)
def test_a_belief_out_of_range_raises(n: int, a: float, b: float) -> None:
    with pytest.raises(ValueError, match=r"got n=|too small for floats, got a="):
        beta_binomial(n, a, b)


def test_a_group_of_one_raises() -> None:
    with pytest.raises(ValueError, match="need group_size >= 2, got 1"):
        prompt_value(1.0, 1.0, group_size=1, lam=4.0)


@pytest.mark.parametrize(
    ("v", "power", "u"),
    [
        ([], 1, 0),
        ([-0.1], 1, 0),
        ([nan], 1, 0),
        ([inf], 1, 0),
        ([1], -1, 0),
        ([1], nan, 0),
        ([1], 1, 1.1),
        ([1], 1, -1),
    ],
)
def test_values_power_or_share_out_of_range_raise(v: list[float], power: float, u: float) -> None:
    with pytest.raises(ValueError, match="need "):
        sampling_chances(v, power=power, uniform_share=u)


@pytest.mark.parametrize(("chances", "count"), [([1.0], 2), ([1.0], -1), ([-1.0, 1.0], 1), ([nan], 1), ([inf], 1)])
def test_a_draw_that_cannot_be_made_raises(chances: list[float], count: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= count <="):
        draw_without_replacement(chances, count, Random(0))
