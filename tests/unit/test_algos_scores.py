"""Tables of results count problems, not samples, and never count what could not be judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.scores import ProblemScore, paired_difference, problem_scores, summarise
from vibethinker.algos.specialists import ProbedCheckpoint, choose_specialist

rows = st.lists(
    st.tuples(st.sampled_from("abcd"), st.just("algebra"), st.sampled_from([True, False, None])), min_size=1
)


@given(rows)
def test_what_could_not_be_judged_changes_nothing_but_the_count(found):
    judged = [row for row in found if row[2] is not None]
    left = {score.problem_id: (score.n, score.c) for score in problem_scores(found) if score.n}
    assert left == {score.problem_id: (score.n, score.c) for score in problem_scores(judged)}


@given(rows)
def test_pass_at_1_of_all_is_the_mean_over_problems(found):
    scores = [score for score in problem_scores(found) if score.n]
    summary = summarise(problem_scores(found), k=2)
    if scores:
        assert summary["pass@1"]["all"] == pytest.approx(sum(score.c / score.n for score in scores) / len(scores))
    else:
        assert summary["pass@1"]["all"] is None


def test_domains_are_told_apart_and_too_few_samples_are_left_out():
    scores = [ProblemScore("a", "x", 4, 4), ProblemScore("b", "y", 4, 0), ProblemScore("c", "y", 1, 1)]
    summary = summarise(scores, k=2)
    assert summary["pass@1"] == {"all": 2 / 3, "x": 1.0, "y": 0.5}
    assert summary["pass@2"] == {"all": 0.5, "x": 1.0, "y": 0.0}
    assert summary["left_out"] == {"all": 1, "x": 0, "y": 1}


def test_k_of_1_leaves_pass_at_1_standing():
    assert summarise([ProblemScore("a", "x", 4, 1)], k=1)["pass@1"]["all"] == 0.25


def test_a_paired_difference_is_antisymmetric_and_has_no_width_when_constant():
    ours = [ProblemScore(str(i), "x", 4, 3) for i in range(5)]
    theirs = [ProblemScore(str(i), "x", 4, 1) for i in range(5)]
    assert paired_difference(ours, theirs) == {"points": 50.0, "half_width": 0.0}
    assert paired_difference(theirs, ours) == {"points": -50.0, "half_width": 0.0}
    assert paired_difference(ours[:1], theirs) is None


def probed(name, ones, ks, loss=None):
    return ProbedCheckpoint(name, loss, {"x": ones}, {"x": ks})


def test_the_specialist_has_the_greatest_pass_at_k_not_pass_at_1_or_the_lowest_loss():
    choice = choose_specialist([probed("a", 0.9, 0.5, 0.1), probed("b", 0.2, 0.8, 2.0), probed("c", 0.1, 0.7)], "x")
    assert (choice.name, choice.runner_up, choice.lowest_loss, choice.best_pass_at_1) == ("b", "c", "a", "a")
    assert choice.margin == pytest.approx(0.1)


def test_equals_are_decided_by_pass_at_1_then_by_order():
    assert choose_specialist([probed("a", 0.2, 0.5), probed("b", 0.3, 0.5)], "x").name == "b"
    assert choose_specialist([probed("a", 0.3, 0.5), probed("b", 0.3, 0.5)], "x").name == "a"


def test_a_domain_without_a_judged_checkpoint_has_no_specialist():
    with pytest.raises(ValueError, match="could be judged"):
        choose_specialist([probed("a", None, None)], "x")
