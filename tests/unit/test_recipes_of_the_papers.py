"""The papers' recipes say what the papers say, and say of every number where it comes from."""

import math
import re
from pathlib import Path

import pytest

from vibethinker.configs.data import DataConfig, FileSource
from vibethinker.configs.loading import load_recipe
from vibethinker.configs.probe import ProbeConfig
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.rl import RlConfig
from vibethinker.configs.sft import SftConfig

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL, LARGE = (RECIPES / f"vibethinker-{size}.yaml" for size in ("1.5b", "3b"))

both = pytest.mark.parametrize("path", [SMALL, LARGE], ids=lambda path: path.stem)


def rl_stages(recipe: Recipe) -> list[RlConfig]:
    return [stage for stage in recipe.stages if isinstance(stage, RlConfig)]


def sft_stages(recipe: Recipe) -> list[SftConfig]:
    return [stage for stage in recipe.stages if isinstance(stage, SftConfig)]


@both
def test_every_number_names_its_section_or_is_marked_ours(path: Path) -> None:
    previous = ""
    for line in path.read_text().splitlines():
        setting, _, comment = line.partition(" #")
        is_comment = line.lstrip().startswith("#")
        if not is_comment and re.search(r"[:{,] *-?\d[\d.e_+-]*(?=[\s,}]|$)", setting):
            said = comment or (previous if previous.lstrip().startswith("#") else "")
            assert re.search(r"\bours\b|section \d|see above", said), line
        previous = line


@both
def test_a_number_that_points_above_finds_its_calculation_there(path: Path) -> None:
    text = path.read_text()
    for steps in re.finditer(r"    steps: (\d+) +# see above", text):
        before = text[: steps.start()]
        epochs, traces = re.findall(r"# (\d+) epochs \(.*?section 2\.1\.2\) of ([\d,]+) traces", before)[-1]
        assert int(steps[1]) == math.ceil(int(traces.replace(",", "")) / 128) * int(epochs)
    assert text.count("# see above") == sum(stage.steps is not None for stage in sft_stages(load_recipe(path)))


@both
def test_supervised_fine_tuning_is_that_of_3b_section_2_1_2(path: Path) -> None:
    for stage in sft_stages(load_recipe(path)):
        assert stage.batch_size == 128
        assert stage.learning_rate == 5e-5
        assert stage.learning_rate * stage.min_learning_rate_ratio == pytest.approx(8e-8)
        assert stage.weight_decay == 0
        training = stage.training(rows=128_000)
        assert training.warmup_steps == math.ceil(0.05 * training.steps)


def test_the_curriculum_of_the_large_model_has_the_papers_two_stages() -> None:
    recipe = load_recipe(LARGE)
    broad, hard = sft_stages(recipe)
    assert (broad.epochs, broad.model, broad.hard) == (5, "base", None)
    assert (hard.epochs, hard.model) == (2, broad.id)
    assert hard.hard is not None
    assert (hard.hard.min_trace_tokens, hard.hard.min_error_rate, hard.hard.samples) == (5000, 0.75, 8)
    assert broad.packing
    assert hard.packing
    # The same hyperparameters in both.
    same = {"id", "model", "epochs", "save_every", "hard"}
    assert broad.model_dump(exclude=same) == hard.model_dump(exclude=same)
    # Diversity is explored in both.
    probed = [stage.checkpoints for stage in recipe.stages if isinstance(stage, ProbeConfig)]
    assert probed == [broad.id, hard.id]


@both
def test_reinforcement_learning_stages_follow_one_another(path: Path) -> None:
    stages = rl_stages(load_recipe(path))
    assert [stage.model for stage in stages] == ["spectrum", *(stage.id for stage in stages[:-1])]
    for stage in stages:
        assert stage.prefilter is not None
        # What is always right has most to shorten, and MGPO's weight would make little of it.
        assert stage.prefilter.keep == ("solved" if stage.long2short else "mixed")
        assert (stage.advantage, stage.averaging, stage.updates_per_batch) == ("std", "response", 1)
        assert (stage.lam > 0) == (stage.long2short is None)


def test_the_windows_of_the_small_model_grow_and_code_comes_last() -> None:
    stages = rl_stages(load_recipe(SMALL))
    windows = [stage.max_new_tokens + (stage.max_prompt_tokens or 0) for stage in stages]
    assert windows == [4 * 1024, 16 * 1024, 32 * 1024, 32 * 1024]
    assert [stage.data for stage in stages] == [("problems",)] * 3 + [("code_problems",)]


def test_the_large_model_has_one_window_and_the_order_math_code_stem_long2short() -> None:
    recipe = load_recipe(LARGE)
    stages = rl_stages(recipe)
    assert [stage.id for stage in stages] == ["math", "code", "stem", "long2short"]
    assert {stage.max_new_tokens + (stage.max_prompt_tokens or 0) for stage in stages} == {64 * 1024}
    assert all(stage.mismatch is not None for stage in stages)
    assert [stage.long2short.lam for stage in stages if stage.long2short] == [0.2]
    assert stages[-1].long2short is not None
    kinds = set()
    for data in stages[2].data:
        config = recipe.stage(data)
        assert isinstance(config, DataConfig)
        assert isinstance(config.rl, FileSource)
        kinds.add(config.rl.kind)
    assert kinds == {"choice", "math"}


@both
def test_the_head_names_every_file_that_the_user_has_to_bring(path: Path) -> None:
    head = path.read_text().partition("\nname: ")[0]
    assert "Not run by us" in head
    assert "Nothing is downloaded but the base" in head
    for stage in load_recipe(path).stages:
        if isinstance(stage, DataConfig):
            for source in (stage.train, stage.probing, stage.rl, stage.heldout):
                if source is not None:
                    assert source.source in ("file", "code_file")
                    assert source.path.startswith("data/")
                    assert source.path.removeprefix("data/") in head
