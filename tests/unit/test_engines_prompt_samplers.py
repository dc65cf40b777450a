"""Prompt samplers: uniform passes, and samplers that learn where the signal is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.configs.prompts import CurriculumSampler, DynamicSampler, MaxEntropySampler, UniformSampler
from vibethinker.engines.groups import judge_group
from vibethinker.engines.prompt_samplers import make_sampler

LEARNING = [MaxEntropySampler(name="max_entropy"), CurriculumSampler(name="curriculum")]
ALL = [UniformSampler(), DynamicSampler(name="dynamic"), *LEARNING]
SIZE, BATCH = 40, 8


def sampler(config, *, seed=3, paths=None, counts=None):
    return make_sampler(
        config, paths or [("all",)] * SIZE, batch=BATCH, seed=seed, group_size=8, lam=4.0, counts=counts
    )


def group(right, *, judged=8):
    return judge_group([place < right for place in range(judged)] + [None] * (8 - judged), lam=4.0)


def flat(batches):
    return [row for rows in batches for row in rows]


def play(prompts, accuracy, *, start=0, steps=40):
    """Let the prompts be solved as their row says; return the rows of every step."""
    chosen = []
    for step in range(start, start + steps):
        rows = prompts.choose(step)
        prompts.observe(step, rows, [group(round(8 * accuracy(row))) for row in rows])
        chosen.append(rows)
    return chosen


@pytest.mark.parametrize("config", ALL)
@given(seed=st.integers(0, 2**31))
def test_a_batch_is_whole_and_holds_no_prompt_twice(config, seed):
    for rows in play(sampler(config, seed=seed), lambda row: row / SIZE, steps=8):
        assert len(set(rows)) == len(rows) == BATCH
        assert set(rows) <= set(range(SIZE))


def test_uniform_visits_every_prompt_once_a_pass():
    chosen = play(sampler(UniformSampler()), lambda row: 0.5, steps=2 * SIZE // BATCH)
    first, second = (flat(chosen[at : at + SIZE // BATCH]) for at in (0, SIZE // BATCH))
    assert sorted(first) == sorted(second) == list(range(SIZE))
    assert first != second


@pytest.mark.parametrize("config", LEARNING)
def test_prompts_with_signal_come_to_be_drawn_far_more_often_and_no_other_is_given_up(config):
    useful = set(range(0, SIZE, 4))
    chosen = play(sampler(config), lambda row: 0.5 if row in useful else 0.0, steps=120)
    late = flat(chosen[60:])
    assert sum(row in useful for row in late) / len(late) > 0.6
    assert set(flat(chosen)) == set(range(SIZE))


@pytest.mark.parametrize("config", LEARNING)
def test_a_prompt_never_tried_is_judged_by_those_of_its_source_domain_and_level(config):
    paths = [("maths", "easy" if row % 2 else "hard") for row in range(SIZE)]
    prompts = sampler(config, paths=paths)
    tried = range(SIZE // 2)
    prompts.observe(0, list(tried), [group(4 if row % 2 else 0) for row in tried])
    drawn = [row for step in range(40) for row in prompts.choose(step) if row >= SIZE // 2]
    assert sum(row % 2 for row in drawn) / len(drawn) > 0.6


@pytest.mark.parametrize("config", LEARNING)
def test_counts_of_the_filter_before_the_stage_are_known_from_the_first_step(config):
    counts = [(4, 8) if row < BATCH else (0, 8) for row in range(SIZE)]
    first = [sampler(config, seed=seed, counts=counts).choose(0) for seed in range(30)]
    unknown = [sampler(config, seed=seed).choose(0) for seed in range(30)]
    share = lambda batches: sum(row < BATCH for rows in batches for row in rows) / (30 * BATCH)  # noqa: E731
    assert share(first) > 0.6 > 0.4 > share(unknown)


@pytest.mark.parametrize("config", LEARNING)
def test_what_could_not_be_judged_teaches_nothing(config):
    blind, fresh = sampler(config), sampler(config)
    blind.observe(0, list(range(SIZE)), [group(0, judged=0)] * SIZE)
    assert blind.choose(1) == fresh.choose(1)


@pytest.mark.parametrize("config", ALL)
def test_going_on_from_a_state_chooses_as_if_never_stopped(config):
    whole, first, second = sampler(config), sampler(config), sampler(config)
    expected = play(whole, lambda row: (row % 5) / 4, steps=20)
    begun = play(first, lambda row: (row % 5) / 4, steps=9)
    second.restore(json.loads(json.dumps(first.state())))
    assert begun + play(second, lambda row: (row % 5) / 4, start=9, steps=11) == expected


@pytest.mark.parametrize("config", LEARNING)
def test_the_state_of_other_prompts_is_refused(config):
    with pytest.raises(ValueError, match="prompts"):
        sampler(config).restore(sampler(config, paths=[("all",)] * (SIZE + 1)).state())


@pytest.mark.parametrize("config", ALL)
def test_fewer_prompts_than_a_batch_are_refused(config):
    with pytest.raises(ValueError, match="need at least one batch"):
        sampler(config, paths=[("all",)] * (BATCH - 1))
