"""What a searched fusion is scored by: differences to the start, over what could be judged for both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.engines.weight_search import scored
from vibethinker.errors import WorkError

verdicts = st.lists(st.sampled_from([True, False]), min_size=2, max_size=2)
UNKNOWN = [None, None]


def rows(by_problem):
    """Return rows of problems that are named by domain and number."""
    return [
        {"problem_id": problem, "domain": problem.split()[0], "correct": correct}
        for problem, found in by_problem.items()
        for correct in found
    ]


@given(st.lists(verdicts, min_size=1, max_size=4), st.lists(verdicts, min_size=1, max_size=4))
def test_where_all_could_be_judged_the_score_is_the_mean_of_the_domains(first, second):
    answers = {f"x {n}": found for n, found in enumerate(first)} | {f"y {n}": found for n, found in enumerate(second)}
    found = scored(rows(answers), 1, None)
    means = [sum(map(sum, domain)) / (2 * len(domain)) for domain in (first, second)]
    assert found["score"] == pytest.approx(sum(means) / 2)
    assert list(found["pass@1"].values()) == pytest.approx(means)
    assert found["left_out"] == 0
    again = scored(rows(answers), 1, found["values"])
    assert again["score"] == found["score"]
    assert "values" not in again


def test_a_domain_that_cannot_be_judged_makes_a_candidate_no_better_and_no_worse_than_the_start():
    start = scored(rows({"x 0": [True, True], "y 0": [False, False]}), 2, None)
    assert start["score"] == 0.5
    # Over what could be judged their means would be 1 and 0.
    for known, lacking in (("x 0", "y 0"), ("y 0", "x 0")):
        answers = {known: [known == "x 0"] * 2, lacking: UNKNOWN}
        same = scored(rows(answers), 2, start["values"])
        assert (same["score"], same["left_out"]) == (0.5, 1)
    worse = scored(rows({"x 0": [False, False], "y 0": UNKNOWN}), 2, start["values"])
    assert worse["score"] == 0.0


def test_what_the_start_could_not_be_judged_on_counts_for_nobody():
    start = scored(rows({"x 0": [True, True], "y 0": UNKNOWN, "x 1": UNKNOWN}), 2, None)
    assert (start["score"], start["pass@2"]) == (1.0, {"x": 1.0, "y": None})
    other = scored(rows({"x 0": [False, False], "y 0": [True, True], "x 1": [True, True]}), 2, start["values"])
    assert (other["score"], other["left_out"]) == (0.0, 0)


def test_a_start_of_which_nothing_could_be_judged_is_refused():
    with pytest.raises(WorkError, match="no problem has 2 responses that could be judged"):
        scored(rows({"x 0": UNKNOWN}), 2, None)
