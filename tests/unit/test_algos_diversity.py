"""The expected number of kinds is what drawing without replacement gives."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.diversity import expected_distinct

COUNTS = st.lists(st.integers(1, 4), min_size=1, max_size=4).filter(lambda counts: sum(counts) <= 9)


@given(COUNTS, st.data())
def test_it_is_the_mean_over_all_ways_to_take_that_many(counts, data):
    draws = data.draw(st.integers(1, sum(counts)))
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    sizes = [len(set(taken)) for taken in combinations(kinds, draws)]
    assert expected_distinct(counts, draws=draws) == pytest.approx(sum(sizes) / len(sizes))


@given(COUNTS)
def test_one_draw_shows_one_kind_and_all_draws_show_all(counts):
    assert expected_distinct(counts, draws=1) == pytest.approx(1)
    assert expected_distinct(counts, draws=sum(counts)) == pytest.approx(len(counts))


@pytest.mark.parametrize(("counts", "draws"), [([], 1), ([2], 3), ([0, 2], 1), ([3], 0)])
def test_more_draws_than_there_are_and_kinds_never_drawn_are_refused(counts, draws):
    with pytest.raises(ValueError):
        expected_distinct(counts, draws=draws)
