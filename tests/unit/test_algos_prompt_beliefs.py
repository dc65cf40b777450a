"""Beliefs about prompts: what evidence does to them, what time does, and that they survive a checkpoint."""

import json
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.prompt_beliefs import OVERALL, SHARED, PromptBeliefs
from vibethinker.algos.prompt_value import prompt_value

PATHS: list[tuple[str | int, ...]] = [
    ("algebra", "lessons", 1),
    ("algebra", "lessons", 1),
    ("algebra", "lessons", 5),
    ("algebra", "contests", 5),
    ("geometry",),
    (),
]
Observation = tuple[int, int, int, int]  # prompt, right, judged, step


@st.composite
def observation(draw: st.DrawFn) -> Observation:
    judged = draw(st.integers(0, 16))
    return draw(st.integers(0, len(PATHS) - 1)), draw(st.integers(0, judged)), judged, draw(st.integers(0, 200))


histories = st.lists(observation(), max_size=20)
decays = st.floats(0.5, 1)


def believe(history: list[Observation], *, decay: float = 0.98, strength: float = 2.0) -> PromptBeliefs:
    beliefs = PromptBeliefs(PATHS, strength=strength, decay=decay)
    for index, right, judged, step in history:
        beliefs.observe(index, right=right, judged=judged, step=step)
    return beliefs


@given(histories, decays, st.floats(0.1, 10))
def test_a_posterior_is_the_formula_over_the_whole_history(
    history: list[Observation], decay: float, strength: float
) -> None:
    def faded(chosen: set[int]) -> tuple[float, float]:
        kept = [(r, n - r, decay ** (200 - step)) for i, r, n, step in history if i in chosen]
        return sum(r * weight for r, _, weight in kept), sum(w * weight for _, w, weight in kept)

    beliefs = believe(history, decay=decay, strength=strength)
    for index, path in enumerate(PATHS):
        prior = 0.5
        for end in range(len(path) + 1):
            right, wrong = faded({i for i, other in enumerate(PATHS) if other[:end] == path[:end]})
            weight = SHARED if end else OVERALL
            prior = (right + prior * weight) / (right + wrong + weight)
        right, wrong = faded({index})
        expected = (strength * prior + right, strength * (1 - prior) + wrong)
        assert beliefs.posterior(index, step=200) == pytest.approx(expected)


@given(histories, decays, st.integers(0, len(PATHS) - 1), st.integers(0, 15))
def test_one_more_right_of_as_many_raises_every_mean_and_its_own_most(
    history: list[Observation], decay: float, index: int, right: int
) -> None:
    fewer, more = (
        believe([*history, (index, count, 16, 200)], decay=decay).accuracies(step=200) for count in (right, right + 1)
    )
    gains = [high - low for low, high in zip(fewer, more, strict=True)]
    assert min(gains) > 0
    assert gains[index] >= max(gains) - 1e-12


@given(histories)
def test_posterior_values_and_accuracies_agree(history: list[Observation]) -> None:
    beliefs = believe(history)
    posteriors = [beliefs.posterior(index, step=210) for index in range(len(PATHS))]
    assert beliefs.accuracies(step=210) == [a / (a + b) for a, b in posteriors]
    values = [prompt_value(a, b, group_size=8, lam=4.0) for a, b in posteriors]
    assert beliefs.values(step=210, group_size=8, lam=4.0) == values


def test_an_unseen_prompt_is_worth_more_where_like_ones_are_solved_half_of_the_time_than_where_never() -> None:
    beliefs = PromptBeliefs([("half",), ("half",), ("never",), ("never",)])
    beliefs.observe(0, right=8, judged=16, step=1)
    beliefs.observe(2, right=0, judged=16, step=1)
    values = beliefs.values(step=1, group_size=8, lam=4.0)
    assert values[1] > 1.5 * values[3]


def test_a_source_never_tried_is_judged_by_its_domain() -> None:
    beliefs = PromptBeliefs([("a", "x"), ("a", "y"), ("b", "x")])
    beliefs.observe(0, right=0, judged=64, step=1)
    beliefs.observe(2, right=64, judged=64, step=1)
    assert beliefs.accuracies(step=1)[1] < 0.1


def test_what_nothing_is_known_of_is_taken_to_be_like_all_prompts() -> None:
    beliefs = PromptBeliefs([("seen",), ("unseen",)])
    beliefs.observe(0, right=0, judged=98, step=1)
    assert beliefs.accuracies(step=1)[1] == pytest.approx(0.01)


def test_without_any_evidence_every_accuracy_is_one_half() -> None:
    assert believe([]).accuracies(step=7) == [0.5] * len(PATHS)
    assert believe([], strength=3.0).posterior(0, step=7) == (1.5, 1.5)


@given(histories, st.randoms(use_true_random=False))
def test_without_decay_the_order_of_observations_does_not_matter(history: list[Observation], rng: Random) -> None:
    mixed = list(history)
    rng.shuffle(mixed)
    once, again = believe(history, decay=1.0), believe(mixed, decay=1.0)
    assert again.values(step=200, group_size=8, lam=4.0) == once.values(step=200, group_size=8, lam=4.0)


@given(histories, decays)
def test_with_decay_an_observation_that_comes_late_counts_by_its_step(history: list[Observation], decay: float) -> None:
    in_order = sorted(history, key=lambda observation: observation[3])
    once, again = believe(history, decay=decay), believe(in_order, decay=decay)
    assert again.accuracies(step=200) == pytest.approx(once.accuracies(step=200))


@given(histories, st.integers(0, len(PATHS) - 1), st.integers(0, 300))
def test_what_could_not_be_judged_changes_nothing(history: list[Observation], index: int, step: int) -> None:
    beliefs = believe(history)
    before = beliefs.state()
    beliefs.observe(index, right=0, judged=0, step=step)
    assert beliefs.state() == before


@given(histories, st.floats(0.5, 0.99))
def test_after_long_enough_every_belief_is_the_prior_again(history: list[Observation], decay: float) -> None:
    beliefs = believe(history, decay=decay)
    for index in range(len(PATHS)):
        assert beliefs.posterior(index, step=10_000) == pytest.approx((1.0, 1.0))


@given(histories, decays)
def test_asking_changes_nothing(history: list[Observation], decay: float) -> None:
    beliefs = believe(history, decay=decay)
    before = beliefs.state()
    beliefs.values(step=5000, group_size=8, lam=4.0)
    beliefs.posterior(0, step=0)
    assert beliefs.state() == before


@given(decays, st.integers(0, 200), st.integers(0, 200))
def test_evidence_from_a_later_step_than_asked_about_counts_in_full(decay: float, step: int, asked: int) -> None:
    beliefs = believe([(0, 3, 8, step)], decay=decay)
    expected = 2 + 8 * decay ** max(0, asked - step)
    assert sum(beliefs.posterior(0, step=asked)) == pytest.approx(expected)


@given(histories, histories, decays)
def test_beliefs_go_through_json_exactly(before: list[Observation], after: list[Observation], decay: float) -> None:
    beliefs = believe(before, decay=decay)
    resumed = PromptBeliefs(PATHS, decay=decay)
    resumed.restore(json.loads(json.dumps(beliefs.state())))
    for index, right, judged, step in after:
        beliefs.observe(index, right=right, judged=judged, step=step)
        resumed.observe(index, right=right, judged=judged, step=step)
    assert resumed.state() == beliefs.state()
    assert resumed.values(step=250, group_size=8, lam=4.0) == beliefs.values(step=250, group_size=8, lam=4.0)


def test_a_state_does_not_follow_later_observations() -> None:
    beliefs = believe([(0, 1, 2, 3)])
    kept = json.dumps(state := beliefs.state())
    beliefs.observe(0, right=2, judged=2, step=4)
    assert json.dumps(state) == kept


@pytest.mark.parametrize("paths", [PATHS[:-1], [*PATHS[:-1], ("other",)], PATHS[::-1], []])
def test_beliefs_about_other_prompts_are_refused(paths: list[tuple[str | int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"beliefs about other prompts \(6\)"):
        PromptBeliefs(paths).restore(believe([]).state())


@pytest.mark.parametrize("index", [-1, len(PATHS)])
def test_an_index_of_no_prompt_raises(index: int) -> None:
    with pytest.raises(ValueError, match="need a prompt index of 0 to 5"):
        believe([]).observe(index, right=0, judged=1, step=0)
    with pytest.raises(ValueError, match="need a prompt index of 0 to 5"):
        believe([]).posterior(index, step=0)


@pytest.mark.parametrize(("right", "judged"), [(-1, 2), (3, 2), (0, -1)])
def test_more_right_than_judged_raises(right: int, judged: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= right <= judged"):
        believe([]).observe(0, right=right, judged=judged, step=0)


@pytest.mark.parametrize(("strength", "decay"), [(0, 1), (-1, 1), (nan, 1), (inf, 1), (2, 0), (2, 1.01), (2, nan)])
def test_a_setting_out_of_range_raises(strength: float, decay: float) -> None:
    with pytest.raises(ValueError, match="need strength > 0 and 0 < decay <= 1"):
        PromptBeliefs(PATHS, strength=strength, decay=decay)
