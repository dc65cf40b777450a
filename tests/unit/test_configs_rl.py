"""An rl stage whose numbers do not go together is refused with the numbers, and with what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vibethinker.configs.prompts import MixConfig, PrefilterConfig
from vibethinker.configs.rl import RlConfig

STAGE = {"id": "signal", "kind": "rl", "model": "base", "data": "problems", "steps": 4, "save_every": 2}
NUMBERS = {"learning_rate": 1e-4, "prompts_per_step": 4, "group_size": 4, "micro_batch_size": 8}


def stage(**changes):
    return RlConfig.model_validate({**STAGE, **NUMBERS, **changes})


def refusal(**changes):
    with pytest.raises(ValidationError) as caught:
        stage(**changes)
    (error,) = caught.value.errors()
    return error["msg"]


@given(st.integers(1, 40), st.integers(2, 16), st.integers(1, 200))
def test_the_micro_batch_that_is_proposed_divides_and_none_that_does_is_nearer(prompts, group, given_size):
    rollouts = prompts * group
    changes = {"prompts_per_step": prompts, "group_size": group}
    if rollouts % given_size == 0:
        assert stage(**changes, micro_batch_size=given_size).micro_batch_size == given_size
        return
    line = refusal(**changes, micro_batch_size=given_size)
    assert f"= {rollouts}, got {given_size}" in line
    proposed = int(line.rpartition(" ")[2])
    assert stage(**changes, micro_batch_size=proposed).micro_batch_size == proposed
    nearer = range(given_size - abs(proposed - given_size) + 1, given_size + abs(proposed - given_size))
    assert not [size for size in nearer if size > 0 and rollouts % size == 0]


@pytest.mark.parametrize("name", ["lam", "kl_coefficient", "clip_epsilon", "clip_epsilon_high", "temperature"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_no_number_of_the_objective_is_negative_infinite_or_no_number(name, value):
    assert refusal(**{name: value}).startswith("Input should be")


@pytest.mark.parametrize("name", ["clip_epsilon", "clip_epsilon_high", "temperature"])
def test_what_is_divided_by_or_clipped_to_is_above_0(name):
    assert "greater than 0" in refusal(**{name: 0.0})


@pytest.mark.parametrize("size", [1, 0, -3])
def test_a_group_has_at_least_two_rollouts(size):
    assert f"need group_size >= 2, got group_size={size}" in refusal(group_size=size)


@given(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))
def test_training_ends_and_saves_only_where_a_batch_of_rollouts_is_used_up(updates, steps, save_every):
    changes = {"updates_per_batch": updates, "steps": steps, "save_every": save_every}
    if steps % updates == 0 and save_every % updates == 0:
        assert stage(**changes).steps == steps
    else:
        assert f"multiples of updates_per_batch={updates}, got {steps} and {save_every}" in refusal(**changes)


@pytest.mark.parametrize("given_data", ["problems", ["problems"], ("problems",)])
def test_one_data_stage_or_a_list_of_them(given_data):
    assert stage(data=given_data).data == ("problems",)


def test_a_data_stage_named_twice_or_none_at_all_is_refused():
    assert "need each stage once, got problems, more, problems" in refusal(data=["problems", "more", "problems"])
    assert "at least 1" in refusal(data=[])


def test_a_filter_that_keeps_less_than_a_step_takes_is_refused():
    line = refusal(prefilter={"max_prompts": 3})
    assert "need prefilter.max_prompts >= prompts_per_step, got max_prompts=3, prompts_per_step=4" in line
    assert stage(prefilter={"max_prompts": 4}).prefilter == PrefilterConfig(max_prompts=4)


def test_the_sampler_that_drops_what_is_all_right_does_not_shorten_it():
    changes = {"sampler": {"name": "dynamic"}, "long2short": {"lam": 0.2}}
    assert "sampler dynamic drops groups that are all right" in refusal(**changes)
    for name in ("uniform", "max_entropy", "curriculum"):
        assert stage(**changes | {"sampler": {"name": name}}).long2short is not None


@pytest.mark.parametrize("share", [0.0, -1.0, float("nan"), float("inf")])
def test_a_share_that_is_no_share_is_refused_by_the_name_of_its_domain(share):
    with pytest.raises(ValidationError, match="leave code out"):
        MixConfig(shares={"algebra": 1.0, "code": share})


def test_a_stage_reads_its_data_and_the_counts_it_takes_over():
    assert stage(data=["problems", "more"]).input_ids() == ("problems", "more")
    assert stage(prefilter={"counts_from": "first"}).input_ids() == ("problems", "first")
    assert stage(prefilter=None).input_ids() == ("problems",)
