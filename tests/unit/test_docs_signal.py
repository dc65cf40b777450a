"""What docs/signal.md says of options, defaults, warnings and errors is what the code has."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from vibethinker.configs.adapter import QloraAdapter
from vibethinker.configs.common import StageConfig, TrainingConfig
from vibethinker.configs.health import HEALTH_NAMES, HealthConfig
from vibethinker.configs.loading import load_recipe
from vibethinker.configs.prompts import CurriculumSampler, DynamicSampler, MaxEntropySampler, PrefilterConfig
from vibethinker.configs.rl import RlConfig
from vibethinker.engines.groups import group_statistics, judge_group
from vibethinker.engines.mgpo_config import LEARNING_SAMPLERS, MGPOConfig
from vibethinker.engines.rl import _NAMES
from vibethinker.errors import InputError
from vibethinker.observe.health import ADVICE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "signal.md").read_text()
# The recipe's words for what TRL's configuration has other words for.
IN_TRLS_WORDS = {"std": "group", "response": "grpo"}
# Options that an rl stage has in common with others, and those that say which stage it is.
COMMON = {*StageConfig.model_fields, *TrainingConfig.model_fields, "kind"}
SAID_OTHERWISE = {"on"}


def table(header: str) -> list[list[str]]:
    """Return the cells of the table whose header begins so."""
    found = re.search(rf"^\| {re.escape(header)}.*\n[|-]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found is not None, header
    return [re.split(r"\s*\|\s*", line.strip())[1:-1] for line in found[1].splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def read(value: str) -> object:
    return yaml.safe_load(value)


def default_of(key: str) -> object:
    """Return the default of an rl stage's option; None where the part it belongs to is absent by default."""
    first, _, rest = key.partition(".")
    if key == "sampler.max_rounds":
        return DynamicSampler.model_fields["max_rounds"].default
    value = RlConfig.model_fields[first].default
    return getattr(value, rest, None) if rest else value


OPTIONS = {quoted(row[0])[0]: row for row in table("recipe, `rl.`") if len(quoted(row[0])) == 1}


@pytest.mark.parametrize("key", [key for key, row in OPTIONS.items() if row[3] not in SAID_OTHERWISE])
def test_an_options_default_is_the_recipes(key):
    assert read(quoted(OPTIONS[key][3])[0]) == default_of(key)


@pytest.mark.parametrize("key", [key for key, row in OPTIONS.items() if re.fullmatch(r"`\w+`", row[1])])
def test_and_mgpo_configs_unless_the_row_says_another(key):
    field, said = quoted(OPTIONS[key][1])[0], quoted(OPTIONS[key][3])
    default = {field.name: field.default for field in fields(MGPOConfig)}[field]
    expected = read(said[-1])
    assert default == IN_TRLS_WORDS.get(str(expected), expected)


def test_what_is_called_on_is_on():
    on = {key for key, row in OPTIONS.items() if row[3] in SAID_OTHERWISE}
    assert on == {"prefilter", "health"}
    assert all(default_of(key) is not None for key in on)


def test_every_option_of_an_rl_stage_has_its_row():
    named = {key.partition(".")[0] for row in table("recipe, `rl.`") for key in quoted(row[0])}
    assert named == RlConfig.model_fields.keys() - COMMON


def test_every_field_that_mgpo_config_adds_is_named():
    ours = {field.name for field in fields(MGPOConfig)} - {field.name for field in fields(MGPOConfig.__base__)}
    assert len(ours) > 5
    assert {name for name in ours if f"`{name}`" not in TEXT} == set()


@pytest.mark.parametrize(
    ("header", "config", "without"),
    [
        ("`max_entropy`, `curriculum`", MaxEntropySampler, {"name"}),
        ("`max_entropy`, `curriculum`", CurriculumSampler, {"name"}),
        ("`prefilter`", PrefilterConfig, set()),
        ("`adapter`", QloraAdapter, {"name"}),
    ],
)
def test_a_parts_table_has_each_of_its_options_with_its_default(header, config, without):
    said = {
        key: read(value) for row in table(header) for key, value in zip(quoted(row[0]), quoted(row[2]), strict=True)
    }
    assert said == {name: field.default for name, field in config.model_fields.items() if name not in without}


def test_every_sampler_has_its_row():
    assert {quoted(row[0])[0] for row in table("`sampler.name`")} == {"uniform", "dynamic", *LEARNING_SAMPLERS}


def test_every_warning_has_its_row_with_the_advice_that_is_given():
    rows = {quoted(row[0])[0]: row for row in table("warning")}
    assert tuple(rows) == HEALTH_NAMES
    assert {name: row[2] for name, row in rows.items()} == dict(ADVICE)


def test_every_threshold_of_health_stands_there_with_its_default():
    conditions = " ".join(row[1] for row in table("warning"))
    said = {name: read(value) for name, value in re.findall(r"`(\w+)` \(([\d.]+)\)", conditions)}
    thresholds = {name: field.default for name, field in HealthConfig.model_fields.items() if name != "stop_on"}
    assert said == thresholds
    stops = re.search(r"by default what no further step can mend, `(\w+)` and `(\w+)`", TEXT)
    assert stops is not None
    assert stops.groups() == HealthConfig().stop_on


def test_every_number_that_a_step_logs_has_its_row():
    named = {key for row in table("key | what") for key in quoted(row[0])}
    groups = group_statistics([judge_group([True, False], lam=1.0)], group_size=2)
    assert {*_NAMES.values(), *groups} - named == set()


BAD = [(quoted(row[0])[0], row[1]) for row in table("given")]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_bad_input_is_answered_as_the_table_says(given, said):
    with pytest.raises(InputError) as caught:
        load_recipe(ROOT / "recipes" / "quickstart.yaml", [given])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_tables_are_read():
    assert len(OPTIONS) > 20
    assert len(BAD) > 5


def test_the_script_for_trl_users_trains_and_prints(tmp_path, monkeypatch, capsys):
    script = TEXT.partition("```python\n")[2].partition("```")[0]
    assert len(ast.parse(script).body) <= 11
    # Two small steps of the twelve: that it runs, not what it learns.
    for long, short in {
        "batch_size=128": "batch_size=8",
        "max_steps=12": "max_steps=2",
        "logging_steps=4": "logging_steps=1",
    }.items():
        assert long in script
        script = script.replace(long, short)
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "docs/signal.md", "exec"), {})  # noqa: S102 - our own page
    printed = ast.literal_eval(capsys.readouterr().out.strip().splitlines()[-1])
    assert [step for step, _ in printed] == [1, 2]
    assert all(0 <= reward <= 1 for _, reward in printed)


@pytest.mark.parametrize("page", ["signal.md", "spectrum.md", "papers.md"])
def test_every_file_that_the_page_names_is_there(page):
    text = (ROOT / "docs" / page).read_text()
    linked = {ROOT / "docs" / target for target in re.findall(r"\]\(([^)#:]+)\)", text)}
    shapes = r"`((?:algos|engines|stages|data|sandbox|verify|observe|configs|integrations|recipes|tests|tools)/[^` ]*)`"
    named = {
        ROOT / name if name.startswith(("recipes", "tests", "tools")) else ROOT / "src" / "vibethinker" / name
        for name in re.findall(shapes, text)
    }
    assert len(linked | named) > 2
    assert {path for path in linked | named if not path.exists()} == set()
