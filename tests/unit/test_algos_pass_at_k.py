"""pass@k against brute force, and its laws."""

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.pass_at_k import mean_pass_at_k, pass_at_k


@st.composite
def draws(draw: st.DrawFn, max_n: int = 200) -> tuple[int, int, int]:
    """(n, c, k) for which pass@k is defined."""
    n = draw(st.integers(1, max_n))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


@given(draws(max_n=9))
def test_it_is_the_share_of_all_k_subsets_that_hold_a_right_response(case: tuple[int, int, int]) -> None:
    n, c, k = case
    responses = [i < c for i in range(n)]
    assert pass_at_k(n, c, k=k) == pytest.approx(fmean(any(subset) for subset in combinations(responses, k)))


@given(draws())
def test_it_grows_with_the_right_responses(case: tuple[int, int, int]) -> None:
    n, c, k = case
    if c < n:
        assert pass_at_k(n, c, k=k) <= pass_at_k(n, c + 1, k=k)


@given(draws())
def test_it_grows_with_k(case: tuple[int, int, int]) -> None:
    n, c, k = case
    if k < n:
        assert pass_at_k(n, c, k=k) <= pass_at_k(n, c, k=k + 1)


@given(draws())
def test_pass_at_1_is_exactly_the_share_of_right_responses(case: tuple[int, int, int]) -> None:
    n, c, _ = case
    assert pass_at_k(n, c, k=1) == c / n


@given(draws())
def test_it_is_certain_exactly_when_fewer_than_k_are_wrong_and_impossible_exactly_when_none_is_right(
    case: tuple[int, int, int],
) -> None:
    n, c, k = case
    estimate = pass_at_k(n, c, k=k)
    assert 0 <= estimate <= 1
    assert (estimate == 0) == (c == 0)
    if n - c < k:
        assert estimate == 1


def test_with_one_wrong_response_in_many_it_is_exact() -> None:
    assert pass_at_k(1024, 1, k=512) == 0.5


@pytest.mark.parametrize(("n", "c", "k"), [(4, 1, 5), (4, 1, 0), (4, 1, -1), (0, 0, 1), (4, 5, 2), (4, -1, 2)])
def test_what_is_undefined_raises_and_says_the_numbers(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match=rf"got [kc]={'-?'}\d+, n={n}"):
        pass_at_k(n, c, k=k)


@given(st.lists(st.integers(0, 8).map(lambda c: (8, c)), min_size=1, max_size=20), st.integers(1, 8))
def test_the_mean_over_problems_weighs_problems_equally(counts: list[tuple[int, int]], k: int) -> None:
    assert mean_pass_at_k(counts, k=k) == pytest.approx(sum(pass_at_k(n, c, k=k) for n, c in counts) / len(counts))


def test_problems_may_have_different_numbers_of_samples() -> None:
    assert mean_pass_at_k([(2, 1), (4, 4)], k=1) == 0.75


def test_a_mean_over_no_problems_raises() -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        mean_pass_at_k([], k=1)
