"""What docs/spectrum.md says of options, methods and recipes is what the code has."""

import re
from pathlib import Path

import pytest
import yaml

from vibethinker.algos.curtailed import plan
from vibethinker.configs.common import SamplingConfig, StageConfig, TrainingConfig
from vibethinker.configs.fuse import FuseConfig
from vibethinker.configs.fusion_methods import METHODS
from vibethinker.configs.probe import AdaptiveBudget, ProbeConfig
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.sft import SftConfig

TEXT = (Path(__file__).parents[2] / "docs" / "spectrum.md").read_text()
# Options of every training, which no page lists twice.
OF_EVERY_TRAINING = {*TrainingConfig.model_fields} - {"steps", "warmup_steps", "learning_rate", "save_every"}


def first_cells(header: str) -> list[str]:
    """Return the names in the first column of the table whose header begins so."""
    found = re.search(rf"^\| {re.escape(header)}.*\n[|\- ]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found is not None, header
    return [name for line in found[1].splitlines() for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def defaults(header: str, column: int) -> list[tuple[str, str]]:
    """Return option and default where a row has one of each."""
    found = re.search(rf"^\| {re.escape(header)}.*\n[|\- ]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found is not None, header
    rows = [re.split(r"\s*\|\s*", line.strip())[1:-1] for line in found[1].splitlines()]
    pairs = [(re.findall(r"`([^`]+)`", row[0]), re.findall(r"`([^`]+)`", row[column])) for row in rows]
    return [(names[0], values[0]) for names, values in pairs if len(names) == len(values) == 1]


def test_every_option_of_fine_tuning_is_listed_and_every_one_listed_is_there():
    fields = {*SftConfig.model_fields} - {*StageConfig.model_fields} - OF_EVERY_TRAINING - {"kind"}
    assert set(first_cells("recipe, `sft.`")) == fields


def test_every_option_of_probing_is_listed_and_every_one_listed_is_there():
    fields = {*ProbeConfig.model_fields} - {*StageConfig.model_fields} - {"kind"}
    assert {*SamplingConfig.model_fields} < fields
    assert set(first_cells("recipe, `probe.`")) == fields


@pytest.mark.parametrize(
    ("config", "option", "value"),
    [(SftConfig, *pair) for pair in defaults("recipe, `sft.`", 2)]
    + [(ProbeConfig, *pair) for pair in defaults("recipe, `probe.`", 2)],
)
def test_an_options_default_is_the_recipes(config, option, value):
    assert config.model_fields[option].default == yaml.safe_load(value)


def test_every_method_of_fusion_is_listed():
    assert set(first_cells("method")) == set(METHODS)


def test_the_plan_and_the_race_are_as_described():
    made = plan(8, 16)
    assert f"after {made.looks[0]}, {made.looks[1]} and {made.looks[2]} (at k = 8, samples = 16)" in TEXT
    assert f"a problem with {made.enough} right ones" in TEXT
    budget = AdaptiveBudget(name="adaptive")
    assert budget.rounds == (0.25, 0.5, 1.0)
    assert "a quarter, half and all of them in three rounds" in TEXT
    assert f"`keep` ({str(budget.keep).lstrip('0')})" in TEXT
    assert f"`error` ({str(budget.error).lstrip('0')})" in TEXT


def test_the_stages_shown_load_in_a_recipe():
    head = """
name: page
model: micro
stages:
  - {id: problems, kind: data, train: {source: procedural, count: 9}, probing: {source: procedural, count: 9}}
  - {id: broad, kind: sft, data: problems, steps: 2, save_every: 1, learning_rate: 1.0e-4}
  - {id: probe, kind: probe, checkpoints: broad, data: problems}
"""
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("  - id:")]
    assert len(blocks) == 2
    for block in blocks:
        text = block.replace("    ...\n", "    save_every: 1\n    learning_rate: 1.0e-4\n")
        recipe = Recipe.model_validate(yaml.safe_load(head + text))
        assert isinstance(recipe.stages[-1], SftConfig | FuseConfig)
    keep = next(block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "keep:" in block)
    line = head.replace("steps: 2,", f"steps: 2, {keep.strip()},")
    bounded = Recipe.model_validate(yaml.safe_load(line)).stages[1]
    assert isinstance(bounded, SftConfig)
    assert bounded.keep is not None
