"""Tables of results count problems, not samples, and never count what could not be judged."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vibethinker.algos.intervals import mean_interval
from vibethinker.algos.score_differences import judge_difference, paired_differences
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


problem_sets = st.lists(
    st.tuples(st.sampled_from("xy"), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12
).map(lambda drawn: [(str(place), domain, sorted([n, c])) for place, (domain, n, c) in enumerate(drawn)])


def scored(problems):
    return [ProblemScore(name, domain, n, c) for name, domain, (c, n) in problems]


@given(problem_sets, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_difference_of_each_domain_is_that_of_its_problems_alone_and_antisymmetric(problems, random, k):
    ours = scored(problems)
    theirs = [ProblemScore(score.problem_id, score.domain, 6, random.randint(0, 6)) for score in ours]
    found, turned = paired_differences(ours, theirs, k=k), paired_differences(theirs, ours, k=k)
    assert found.keys() == {"pass@1", f"pass@{k}"}
    for domain in {score.domain for score in ours}:
        alone = paired_difference([score for score in ours if score.domain == domain], theirs, k=k)
        assert found[f"pass@{k}"][domain] == alone
        for key in found:
            one, other = found[key][domain], turned[key][domain]
            assert (one is None) == (other is None)
            if one and other:
                assert one["points"] == pytest.approx(-other["points"], abs=1e-9)
                assert one["half_width"] == pytest.approx(other["half_width"], abs=1e-9)


def test_problems_with_fewer_samples_than_k_are_in_no_difference_of_pass_at_k():
    ours = [ProblemScore("a", "x", 4, 4), ProblemScore("b", "x", 4, 4), ProblemScore("c", "x", 1, 0)]
    theirs = [ProblemScore(name, "x", 4, 0) for name in "abc"]
    found = paired_differences(ours, theirs, k=2)
    assert found["pass@2"]["x"] == {"points": 100.0, "half_width": 0.0}
    first = found["pass@1"]["x"]
    assert first is not None
    assert first["points"] == pytest.approx(200 / 3)


@given(st.lists(st.integers(-6, 6), min_size=2, max_size=6))
@example([6, 6, 2])  # an interval over 0 that is cut at 1
def test_a_gain_is_told_only_where_the_whole_interval_is_above_zero(gaps):
    ours = [ProblemScore(str(place), "x", 6, max(gap, 0)) for place, gap in enumerate(gaps)]
    theirs = [ProblemScore(str(place), "x", 6, max(-gap, 0)) for place, gap in enumerate(gaps)]
    low, high = mean_interval([gap / 6 for gap in gaps], low=-1.0, high=1.0)
    expected = "gains" if low > 0 else "loses" if high < 0 else "keeps"
    if abs(low) > 1e-9 and abs(high) > 1e-9:
        assert judge_difference(paired_difference(ours, theirs)) == expected
    assert judge_difference(None) is None


def probed(name, ones, ks, loss=None):
    return ProbedCheckpoint(name, loss, {"x": ones}, {"x": ks})


def test_the_specialist_has_the_greatest_pass_at_k_not_pass_at_1_or_the_lowest_loss():
    choice = choose_specialist([probed("a", 0.9, 0.5, 0.1), probed("b", 0.2, 0.8, 2.0), probed("c", 0.1, 0.7)], "x")
    assert (choice.name, choice.runner_up, choice.lowest_loss, choice.best_pass_at_1) == ("b", "c", "a", "a")


def test_equals_are_decided_by_pass_at_1_then_by_order():
    assert choose_specialist([probed("a", 0.2, 0.5), probed("b", 0.3, 0.5)], "x").name == "b"
    assert choose_specialist([probed("a", 0.3, 0.5), probed("b", 0.3, 0.5)], "x").name == "a"


def test_a_domain_without_a_judged_checkpoint_has_no_specialist():
    with pytest.raises(ValueError, match="could be judged"):
        choose_specialist([probed("a", None, None)], "x")
