"""Checkpoints that may still win stay, and so many of them as there is room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.contenders import contenders
from vibethinker.algos.race import ranked


def table(rows):
    return {name: {f"p{place}": value for place, value in enumerate(row)} for name, row in rows.items()}


LOW, HIGH = [0.1, 0.2] * 10, [0.9, 0.8] * 10
EVEN = [0.0, 1.0] * 10


def test_who_is_clearly_behind_in_every_domain_goes():
    by_domain = {"x": table({"a": HIGH, "b": LOW, "c": LOW}), "y": table({"a": LOW, "b": LOW, "c": HIGH})}
    assert contenders(by_domain, error=0.05, most=3) == ["a", "c"]


def test_who_may_win_one_domain_stays_however_bad_it_is_elsewhere():
    by_domain = {"x": table({"a": HIGH, "b": LOW}), "y": table({"a": EVEN, "b": EVEN[::-1]})}
    assert contenders(by_domain, error=0.05, most=2) == ["a", "b"]


def test_where_room_is_short_those_nearest_to_a_leader_stay():
    rows = {"a": [0.8, 0.3] * 10, "b": [0.2, 0.75] * 10, "c": [0.28, 0.8] * 10}
    assert contenders({"x": table(rows)}, error=0.05, most=2) == ["a", "c"]


def test_candidates_are_compared_on_the_problems_that_all_of_them_have():
    """By their own means b, which was not asked the hard ones, would be far ahead and drop the others."""
    easy, hard = {f"e{i}": 0.9 for i in range(9)}, {f"h{i}": 0.1 for i in range(9)}
    ahead = {f"e{i}": 0.95 for i in range(9)}
    assert contenders({"x": {"a": easy | hard, "b": easy, "c": ahead | hard}}, error=0.05, most=1) == ["c"]


def test_of_whom_nothing_is_known_stays_where_there_is_room():
    assert contenders({"x": table({"a": HIGH, "b": LOW}) | {"c": {}}}, error=0.05, most=2) == ["a", "c"]
    assert contenders({"x": table({"a": HIGH, "b": HIGH}) | {"c": {}}}, error=0.05, most=2) == ["a", "b"]
    assert contenders({"x": {"a": {}, "b": {"p": 0.5}, "c": {"q": 0.5}}}, error=0.05, most=2) == ["a", "b"]


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=9, max_size=9), min_size=1, max_size=6),
    st.integers(2, 5),
)
def test_the_leader_of_every_domain_stays_and_no_more_than_there_is_room_for(rows, most):
    first = table({f"c{number}": row for number, row in enumerate(rows)})
    by_domain = {"x": first, "y": {name: dict(reversed(row.items())) for name, row in reversed(first.items())}}
    kept = contenders(by_domain, error=0.05, most=most)
    assert len(kept) <= most
    assert {ranked(values)[0] for values in by_domain.values()} <= set(kept)


def test_room_for_fewer_than_the_domains_is_refused():
    with pytest.raises(ValueError, match="most=1 and 2 domains"):
        contenders({"x": table({"a": HIGH}), "y": table({"a": HIGH})}, error=0.05, most=1)
