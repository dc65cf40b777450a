"""How long a fine-tuning runs is said once; what cannot be is refused in one line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vibethinker.configs.loading import load_recipe
from vibethinker.configs.sft import SftConfig
from vibethinker.errors import InputError

NEEDED = {"id": "broad", "kind": "sft", "data": "problems", "learning_rate": 1e-4, "save_every": 2}


def config(**changes):
    return SftConfig.model_validate({**NEEDED, **changes})


@given(st.integers(1, 1000), st.integers(1, 64), st.sampled_from([0.25, 0.5, 1, 2, 5]))
def test_epochs_are_the_fewest_steps_that_take_every_row_as_often(rows, batch, epochs):
    steps = config(epochs=epochs, batch_size=batch).training(rows).steps
    assert (steps - 1) * batch < epochs * rows <= steps * batch


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_share_of_warm_up_is_that_share_of_the_steps_rounded_up(steps, share):
    warmup = config(steps=steps, warmup_share=share).training(1).warmup_steps
    assert warmup == pytest.approx(share * steps, abs=1)
    assert warmup >= share * steps - 1e-5


def test_the_papers_schedule_is_that_of_its_numbers():
    training = config(epochs=5, batch_size=128, warmup_share=0.05).training(128 * 1000)
    assert (training.steps, training.warmup_steps) == (5000, 250)
    assert config(steps=7).training(99).warmup_steps == 10
    assert config(steps=7, warmup_steps=0).training(99).warmup_steps == 0


def test_what_else_the_optimiser_runs_by_is_taken_over():
    given_ = {"weight_decay": 0.1, "adam_beta2": 0.9, "max_grad_norm": 2.0, "save_every": 3}
    training = config(steps=4, **given_).training(10)
    assert {name: getattr(training, name) for name in given_} == given_
    assert training.learning_rate == NEEDED["learning_rate"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "need either steps or epochs, got neither: give one of them"),
        ({"steps": 3, "epochs": 2}, "need either steps or epochs, got steps=3 and epochs=2: give one of them"),
        (
            {"steps": 3, "warmup_steps": 1, "warmup_share": 0.05},
            "need warmup_steps or warmup_share, got warmup_steps=1 and warmup_share=0.05: give one of them",
        ),
        (
            {"steps": 3, "batch_size": 12, "micro_batch_size": 5},
            "micro_batch_size must divide batch_size=12, got 5: the nearest that does is 4",
        ),
        ({"epochs": math.inf}, "finite"),
        ({"epochs": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ValidationError, match=message):
        config(**changes)


def test_a_config_read_again_is_the_same():
    for changes in ({"steps": 3}, {"epochs": 2, "warmup_share": 0.1, "hard": {"reference": "base"}}):
        first = config(**changes)
        assert SftConfig.model_validate(first.model_dump(mode="json")) == first


RECIPE = """
name: curriculum
model: micro
stages:
  - {id: problems, kind: data, train: {source: procedural, count: 8}, heldout: {source: procedural, count: 8}}
  - {id: broad, kind: sft, data: problems, epochs: 1, learning_rate: 1.0e-4, save_every: 2, per_domain: PER_DOMAIN}
  - id: narrow
    kind: sft
    model: broad
    data: problems
    steps: 2
    save_every: 2
    learning_rate: 1.0e-4
    hard: {reference: REFERENCE}
  - {id: results, kind: evaluate, data: problems, models: [base, broad, narrow]}
"""


def load(folder, *, per_domain="false", reference="broad"):
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.replace("PER_DOMAIN", per_domain).replace("REFERENCE", reference))
    return load_recipe(path)


def test_an_sft_stage_of_one_run_is_a_model_to_the_stages_after_it(tmp_path):
    recipe = load(tmp_path)
    assert recipe.needs(recipe.stage("narrow")) == ("problems", "broad")
    assert recipe.needs(recipe.stage("results")) == ("problems", "broad", "narrow")


def test_an_sft_stage_of_many_runs_is_not_a_model(tmp_path):
    with pytest.raises(InputError, match='stage "narrow": model: "broad" is of kind sft and has many checkpoints'):
        load(tmp_path, per_domain="true")


def test_the_reference_of_hard_problems_is_a_model_that_there_is(tmp_path):
    assert load(tmp_path, reference="base").stage("narrow").model_refs() == ("broad", "base")
    with pytest.raises(InputError, match='stage "narrow": hard.reference: there is no stage "braod"'):
        load(tmp_path, reference="braod")
