"""Pass@K from curtailed sampling is Chen's where nothing is curtailed, and unbiased where something is."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.curtailed import curtailed_pass_at_k, plan
from vibethinker.algos.pass_at_k import pass_at_k


def counts_of(responses, looks, enough):
    """Look at a sequence of responses as a probe does, until a look finds enough right ones."""
    counts = []
    for size in looks:
        counts.append((size, sum(responses[:size])))
        if counts[-1][1] >= enough:
            break
    return counts


LOOKS = (
    st.lists(st.integers(1, 4), min_size=1, max_size=4)
    .map(lambda steps: [sum(steps[: end + 1]) for end in range(len(steps))])
    .filter(lambda looks: looks[-1] <= 10)
)


@given(LOOKS, st.integers(1, 4), st.integers(1, 10), st.fractions(0, 1, max_denominator=20))
def test_the_estimate_is_unbiased_for_every_chance_of_a_right_response(looks, enough, k, p):
    if k > looks[-1]:
        return
    expected = Fraction(0)
    for responses in product((0, 1), repeat=looks[-1]):
        right = sum(responses)
        chance = p**right * (1 - p) ** (looks[-1] - right)
        expected += chance * Fraction(curtailed_pass_at_k(counts_of(responses, looks, enough), k=k, enough=enough))
    assert float(expected) == pytest.approx(float(1 - (1 - p) ** k), abs=1e-9)


@given(st.integers(1, 30), st.data())
def test_with_a_single_look_it_is_the_estimator_of_a_fixed_number_of_responses(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert curtailed_pass_at_k([(n, c)], k=k, enough=n + 1) == pytest.approx(pass_at_k(n, c, k=k))


@given(LOOKS, st.integers(1, 4), st.lists(st.integers(0, 1), min_size=10, max_size=10), st.data())
def test_it_lies_between_0_and_1_and_grows_with_k(looks, enough, responses, data):
    counts = counts_of(responses, looks, enough)
    k = data.draw(st.integers(1, looks[-1]))
    if counts[-1][1] < enough and counts[-1][0] < k:
        return
    values = [curtailed_pass_at_k(counts, k=smaller, enough=enough) for smaller in range(1, k + 1)]
    assert 0 <= values[0] <= values[-1] <= 1
    assert values == sorted(values)


def test_a_problem_that_was_never_solved_has_0_and_one_decided_before_k_has_1():
    assert curtailed_pass_at_k([(2, 0), (4, 0), (8, 0)], k=8, enough=2) == 0
    assert curtailed_pass_at_k([(2, 2)], k=8, enough=2) == 1


def test_the_name_of_the_estimator_that_ignores_the_stopping_would_be_too_high():
    """Right early and then left: c / n of what was drawn overestimates, the estimate does not."""
    assert curtailed_pass_at_k([(2, 1), (4, 2)], k=1, enough=2) < 2 / 4


@given(st.integers(1, 16), st.integers(1, 64))
def test_a_plan_looks_at_growing_numbers_of_responses_and_stops_for_no_fewer_right_ones_than_can_be_seen(k, samples):
    if k > samples:
        with pytest.raises(ValueError, match="1 <= k <= samples"):
            plan(k, samples)
        return
    made = plan(k, samples)
    assert list(made.looks) == sorted(set(made.looks))
    if k < 4:
        assert made.looks == (samples,)
        assert made.enough > samples
    else:
        assert made.looks[-1] == -(-3 * samples // 2)
        assert samples / k <= made.enough <= made.looks[1]


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ([], "a look"),
        ([(2, 3)], "grow"),
        ([(4, 1), (2, 1)], "grow"),
        ([(2, 1), (3, 3)], "grow"),
        ([(2, 2), (4, 3)], "is the last"),
        ([(4, 1)], "at least k=8"),
    ],
)
def test_counts_that_no_probe_could_have_made_are_refused(counts, match):
    with pytest.raises(ValueError, match=match):
        curtailed_pass_at_k(counts, k=8, enough=2)
