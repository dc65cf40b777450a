"""The specialist is who leads by the rule asked for; how sure that is comes from resampling the problems."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.specialists import ProbedCheckpoint, choose_specialist, share_of_wins

shares = st.floats(0, 1)


@st.composite
def checkpoints(draw):
    names = [f"c{number}" for number in range(draw(st.integers(1, 5)))]
    return [ProbedCheckpoint(name, draw(st.floats(0, 9)), {"x": draw(shares)}, {"x": draw(shares)}) for name in names]


@given(checkpoints())
def test_each_rule_chooses_the_best_by_its_own_figure(rows):
    assert choose_specialist(rows, "x").pass_at_k == max(row.pass_at_k["x"] or 0 for row in rows)
    by_name = {row.name: row for row in rows}
    first = by_name[choose_specialist(rows, "x", by="pass@1").name]
    assert first.pass_at_1["x"] == max(row.pass_at_1["x"] or 0 for row in rows)
    lowest = by_name[choose_specialist(rows, "x", by="loss").name]
    assert lowest.loss == min(row.loss or 0 for row in rows)


@given(checkpoints(), st.sets(st.sampled_from(["c0", "c1", "c2"])))
def test_who_is_out_is_chosen_only_where_all_are(rows, out):
    choice = choose_specialist(rows, "x", out=out)
    assert choice.name not in out or all(row.name in out for row in rows)
    if choice.runner_up is not None and choice.runner_up in out:
        assert sum(row.name not in out for row in rows) <= 1


def test_what_other_rules_would_choose_is_among_those_not_out():
    rows = [
        ProbedCheckpoint(name, loss, {"x": one}, {"x": 0.5}) for name, loss, one in (("a", 0.1, 1.0), ("b", 0.9, 0))
    ]
    choice = choose_specialist(rows, "x", out=["a"])
    assert (choice.name, choice.lowest_loss, choice.best_pass_at_1, choice.runner_up) == ("b", "b", "b", "a")


def test_losses_are_compared_within_the_domains_own_run_where_there_is_one():
    def checkpoint(name, loss, trained_on):
        return ProbedCheckpoint(name, loss, {"x": 0.5}, {"x": 0.5}, trained_on)

    rows = [checkpoint("x/1", 0.9, "x"), checkpoint("x/2", 0.8, "x"), checkpoint("y/2", 0.1, "y")]
    choice = choose_specialist(rows, "x", by="loss")
    assert (choice.name, choice.lowest_loss) == ("x/2", "x/2")
    assert choose_specialist([*rows[2:], checkpoint("all/1", 0.2, "all")], "x", by="loss").name == "y/2"


def test_losses_that_are_not_known_cannot_choose():
    with pytest.raises(ValueError, match="no checkpoint has a loss"):
        choose_specialist([ProbedCheckpoint("a", None, {"x": 1.0}, {"x": 1.0})], "x", by="loss")


values = st.lists(st.lists(shares, min_size=6, max_size=6), min_size=1, max_size=4)


@given(values, st.integers(0, 9))
def test_the_shares_of_wins_of_all_checkpoints_sum_to_one(rows, seed):
    table = {f"c{number}": row for number, row in enumerate(rows)}
    found = [share_of_wins(table, name, resamples=20, seed=seed) for name in table]
    assert sum(found) == pytest.approx(1)


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=8))
def test_who_is_ahead_on_every_problem_always_wins_and_equals_share(row):
    table = {"ahead": [value + 0.1 for value in row], "behind": row, "same": row}
    assert share_of_wins(table, "ahead", resamples=10, seed=0) == 1
    assert share_of_wins({"a": row, "b": list(row)}, "a", resamples=10, seed=0) == 0.5
