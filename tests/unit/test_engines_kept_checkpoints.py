"""Checkpoints that cannot become a specialist leave the disk, whether a training was interrupted or not."""

import io
import shutil
from functools import partial

import pytest
from rich.console import Console

from vibethinker.configs.keep import KeepConfig
from vibethinker.configs.loading import load_recipe
from vibethinker.data.probing_sets import probing_problems
from vibethinker.engines.checkpoints import checkpoint_folders, remove_checkpoint
from vibethinker.engines.kept_checkpoints import SEEN_FILE, CheckpointKeeper
from vibethinker.engines.models import load_model, save_model
from vibethinker.errors import InputError, WorkError
from vibethinker.files import read_json
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.pipeline.runner import run_recipe
from vibethinker.verify import judge_responses

RECIPE = """
name: keeping
seed: 2
model: micro
dtype: float32
threads: 2
stages:
  - id: problems
    kind: data
    train: {source: procedural, count: 40, levels: [1], domains: [algebra, statistics]}
    probing: {source: procedural, count: 24, levels: [1], domains: [algebra, statistics]}
  - id: broad
    kind: sft
    data: problems
    steps: 8
    save_every: 1
    batch_size: 4
    learning_rate: RATE
    warmup_steps: 0
    packing: PACKING
    max_length: 160
    keep: {data: problems, most: 2, k: 1, samples: 2, max_new_tokens: 24}
"""


def run(folder, **changes):
    text = RECIPE
    for key, value in {"RATE": "1.0e-3", "PACKING": "false", **changes}.items():
        text = text.replace(key, value)
    (folder.parent / "recipe.yaml").write_text(text)
    ui = partial(RunDisplay, console=Console(file=io.StringIO()), clock=lambda: 0.0)
    return run_recipe(load_recipe(folder.parent / "recipe.yaml"), folder, ui=ui)


def steps_on_disk(folder):
    return [step for step, _ in checkpoint_folders(folder / "broad/checkpoints/all")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, run(folder)


def test_no_more_checkpoints_stay_than_there_is_room_for_beside_the_last(finished):
    folder, result = finished
    steps = steps_on_disk(folder)
    assert len(steps) <= 3
    assert steps[-1] == 8
    stage = result.run["stages"][1]
    assert stage["metrics"]["removed"] == 8 - len(steps)
    listed = [row["step"] for row in read_json(folder / "broad/checkpoints.json")["checkpoints"]]
    assert listed == steps


class StoppedError(Exception):
    """As if the power had gone."""


def test_a_training_that_was_stopped_keeps_what_an_uninterrupted_one_keeps(finished, tmp_path, monkeypatch):
    """Stopped after the fifth checkpoint was put in place, before it was looked at."""
    folder = tmp_path / "run"
    look = CheckpointKeeper.look

    def stop(self, step, model, tokenizer):
        if step == 5:
            raise StoppedError
        look(self, step, model, tokenizer)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointKeeper, "look", stop)
        with pytest.raises(WorkError, match="StoppedError"):
            run(folder)
    run(folder)
    assert steps_on_disk(folder) == steps_on_disk(finished[0])
    name = f"broad/checkpoints/all/{SEEN_FILE}"
    assert (folder / name).read_text() == (finished[0] / name).read_text()
    for step in steps_on_disk(folder):
        name = f"broad/checkpoints/all/checkpoint-{step}/model.safetensors"
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()


def test_packed_training_samples_whole_rows_and_goes_on_packed(tmp_path):
    run(tmp_path / "run", PACKING="true")
    assert steps_on_disk(tmp_path / "run")[-1] == 8


@pytest.fixture
def context(finished, tmp_path):
    console = Console(file=io.StringIO())
    display = RunDisplay("keeping", 1, tmp_path, "", [("broad", "sft")], console=console, clock=lambda: 0.0)
    return StageContext(
        folder=tmp_path,
        inputs={},
        seed=3,
        model=None,
        prompt="{question}",
        numerics=Numerics("float32", 2),
        progress=display.stage("broad", lambda: False),
        metrics=MetricsFile(tmp_path / "metrics.jsonl", "broad"),
    )


def keeper(finished, context, folder, *, most=2):
    problems = probing_problems(finished[0] / "problems")
    config = KeepConfig(data="problems", most=most, k=1, samples=4, max_new_tokens=48)
    return CheckpointKeeper(config, context, problems, folder=folder, seed=5, judge=judge_responses)


def test_a_broken_checkpoint_goes_and_the_last_one_stays_whatever_it_is(finished, context, tmp_path):
    folder = tmp_path / "checkpoints"
    good, tokenizer = load_model("micro")
    broken, _ = load_model("micro")
    broken.model.norm.weight.data.zero_()
    watch = keeper(finished, context, folder)
    for step, model in ((1, good), (2, broken), (3, good), (4, broken)):
        save_model(model, tokenizer, folder / f"checkpoint-{step}")
        model.train()
        watch.look(step, model, tokenizer)
        assert model.training
    assert [step for step, _ in checkpoint_folders(folder)] == [1, 3, 4]
    assert watch.removed == 1
    # As after a kill: what was seen is not sampled again, and the same ones stay.
    again = keeper(finished, context, folder)
    before = (folder / SEEN_FILE).read_bytes()
    again.look(4, broken, tokenizer)
    assert (folder / SEEN_FILE).read_bytes() == before
    assert [step for step, _ in checkpoint_folders(folder)] == [1, 3, 4]


def test_room_for_fewer_than_the_domains_is_refused(finished, context, tmp_path):
    with pytest.raises(InputError, match=r"keep\.most=1 is less than the 2 domains"):
        keeper(finished, context, tmp_path, most=1)


def test_a_checkpoint_whose_removal_was_cut_short_does_not_look_whole(tmp_path):
    for step in (1, 2):
        (tmp_path / f"checkpoint-{step}").mkdir()
    shutil.move(tmp_path / "checkpoint-1", tmp_path / "removed-checkpoint-1")
    assert [step for step, _ in checkpoint_folders(tmp_path)] == [2]
    remove_checkpoint(tmp_path / "checkpoint-2")
    assert list(tmp_path.iterdir()) == []
