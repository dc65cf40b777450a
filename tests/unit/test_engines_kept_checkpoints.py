"""Checkpoints that cannot become a specialist leave the disk, whether a training was interrupted or not."""

import io
import json
import os
import shutil
import signal
from dataclasses import replace
from functools import partial

import pytest
from rich.console import Console

from vibethinker.algos.contenders import contenders
from vibethinker.configs.keep import KeepConfig
from vibethinker.configs.loading import load_recipe
from vibethinker.data.probing_sets import probing_problems
from vibethinker.engines.checkpoints import StepWatch, checkpoint_folders, remove_checkpoint
from vibethinker.engines.kept_checkpoints import SEEN_FILE, CheckpointKeeper
from vibethinker.engines.models import load_model, save_model
from vibethinker.errors import InputError, Interrupted, WorkError
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
    save_every: EVERY
    per_domain: PER_DOMAIN
    adapter: ADAPTER
    batch_size: 4
    learning_rate: RATE
    warmup_steps: 0
    packing: PACKING
    max_length: 160
    keep: {data: problems, most: 2, k: 1, samples: 2, max_new_tokens: 24}
"""


def run(folder, **changes):
    text = RECIPE
    defaults = {"RATE": "1.0e-3", "PACKING": "false", "EVERY": "1", "PER_DOMAIN": "false", "ADAPTER": "null"}
    for key, value in {**defaults, **changes}.items():
        text = text.replace(key, value)
    (folder.parent / "recipe.yaml").write_text(text)
    ui = partial(RunDisplay, console=Console(file=io.StringIO()), clock=lambda: 0.0)
    return run_recipe(load_recipe(folder.parent / "recipe.yaml"), folder, ui=ui)


def steps_on_disk(folder, name="all"):
    return [step for step, _ in checkpoint_folders(folder / "broad/checkpoints" / name)]


def seen(folder, name="all"):
    return (folder / "broad/checkpoints" / name / SEEN_FILE).read_text()


def assert_same(folder, expected):
    """Whole runs left the same checkpoints, bit for bit, saw the same, and say the same of them."""
    assert steps_on_disk(folder) == steps_on_disk(expected)
    assert seen(folder) == seen(expected)
    assert read_json(folder / "broad/checkpoints.json") == read_json(expected / "broad/checkpoints.json")
    for step in steps_on_disk(folder):
        name = f"broad/checkpoints/all/checkpoint-{step}/model.safetensors"
        assert (folder / name).read_bytes() == (expected / name).read_bytes()


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


def without_power():
    raise StoppedError


def with_a_request():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("stop", "at", "error"),
    [(without_power, 5, WorkError), (without_power, 8, WorkError), (with_a_request, 5, Interrupted)],
    ids=["killed before a look", "killed before the last look", "asked to stop during a save"],
)
def test_a_training_that_was_stopped_keeps_what_an_uninterrupted_one_keeps(
    finished, tmp_path, monkeypatch, stop, at, error
):
    """Stopped after a checkpoint was put in place, before it was looked at."""
    folder = tmp_path / "run"
    look = CheckpointKeeper.look

    def stopped(self, step, load):
        if step == at:
            stop()
        look(self, step, load)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointKeeper, "look", stopped)
        with pytest.raises(error):
            run(folder)
    (left,) = folder.rglob(SEEN_FILE)
    assert json.loads(left.read_text().splitlines()[-1])["step"] == at - 1
    result = run(folder)
    assert_same(folder, finished[0])
    assert result.run["stages"][1]["metrics"]["removed"] == finished[1].run["stages"][1]["metrics"]["removed"]


def test_a_checkpoint_off_the_schedule_is_not_looked_at_and_does_not_stay(tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole" / "run", tmp_path / "stopped" / "run"
    for each in (whole, folder):
        each.parent.mkdir()
    run(whole, EVERY="3")
    on_log = StepWatch.on_log

    def asked(self, args, state, control, **options):
        on_log(self, args, state, control, **options)
        if state.global_step == 4:
            with_a_request()

    with monkeypatch.context() as patch:
        patch.setattr(StepWatch, "on_log", asked)
        with pytest.raises(Interrupted):
            run(folder, EVERY="3")
    assert sorted(path.name for path in folder.rglob("checkpoint-*")) == ["checkpoint-3", "checkpoint-5"]
    run(folder, EVERY="3")
    assert [json.loads(line)["step"] for line in seen(folder).splitlines()] == [3, 6, 8]
    assert_same(folder, whole)


def test_every_domains_run_keeps_its_own_checkpoints(tmp_path):
    result = run(tmp_path / "run", PER_DOMAIN="true")
    steps = {name: steps_on_disk(tmp_path / "run", name) for name in ("algebra", "statistics")}
    assert all(found[-1] == 8 and len(found) <= 3 for found in steps.values())
    assert result.run["stages"][1]["metrics"]["removed"] == sum(8 - len(found) for found in steps.values())
    listed = read_json(tmp_path / "run/broad/checkpoints.json")["checkpoints"]
    assert [(row["run"], row["step"]) for row in listed] == [(name, step) for name in steps for step in steps[name]]


def test_adapters_are_kept_like_models_and_looked_at_after_a_kill(tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole" / "run", tmp_path / "killed" / "run"
    for each in (whole, folder):
        each.parent.mkdir()
    changes = {"ADAPTER": "{name: lora, rank: 4, dropout: 0.1}", "EVERY": "2", "RATE": "1.0e-2"}
    run(whole, **changes)
    look = CheckpointKeeper.look

    def stopped(self, step, load):
        if step == 8:
            raise StoppedError
        look(self, step, load)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointKeeper, "look", stopped)
        with pytest.raises(WorkError, match="StoppedError"):
            run(folder, **changes)
    run(folder, **changes)
    assert seen(folder) == seen(whole)
    assert steps_on_disk(folder) == steps_on_disk(whole)
    last = folder / "broad/checkpoints/all/checkpoint-8"
    assert not list(last.glob("model*"))
    assert load_model(str(last))[0].num_parameters() == load_model("micro")[0].num_parameters()


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


def keeper(finished, context, folder, *, most=2, batch_size=256):
    problems = probing_problems(finished[0] / "problems")
    config = KeepConfig(data="problems", most=most, k=1, samples=4, max_new_tokens=48, batch_size=batch_size)
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
        watch.look(step, partial(lambda *loaded: loaded, model, tokenizer))
        assert model.training
    assert [step for step, _ in checkpoint_folders(folder)] == [1, 3, 4]
    assert watch.removed == 1
    # As after a kill: what was seen is not sampled again, and the same ones stay.
    again = keeper(finished, context, folder)
    before = (folder / SEEN_FILE).read_bytes()
    again.look(4, without_power)
    assert (folder / SEEN_FILE).read_bytes() == before
    assert [step for step, _ in checkpoint_folders(folder)] == [1, 3, 4]


def test_what_was_decided_is_carried_out_and_not_decided_again(finished, context, tmp_path):
    """The bound, asked again of those that are left, would have the second go."""
    folder = tmp_path / "checkpoints"
    values = {domain: {str(number): 0.0 for number in range(20)} for domain in ("algebra", "statistics")}
    best = {domain: dict.fromkeys(row, 1.0) for domain, row in values.items()}
    assert contenders({"algebra": {"2": values["algebra"], "3": best["algebra"]}}, error=0.05, most=2) == ["3"]
    lines = [{"step": step, "values": best if step == 3 else values, "kept": [2, 3]} for step in (1, 2, 3)]
    for line in lines:
        (folder / f"checkpoint-{line['step']}").mkdir(parents=True)
    (folder / SEEN_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    for _ in range(2):
        watch = keeper(finished, context, folder)
        watch.look(3, without_power)
        assert [step for step, _ in checkpoint_folders(folder)] == [2, 3]
        assert watch.removed == 1


def test_asked_to_stop_it_does_not_look_and_looks_the_next_time(finished, context, tmp_path):
    folder = tmp_path / "checkpoints"
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, folder / "checkpoint-1")
    answers = iter([False, False, True])
    display = RunDisplay("keeping", 1, tmp_path, "", [("broad", "sft")], console=Console(file=io.StringIO()))
    asked = replace(context, progress=display.stage("broad", lambda: next(answers)))
    with pytest.raises(Interrupted, match="step 1"):
        keeper(finished, asked, folder, batch_size=8).look(1, lambda: (model, tokenizer))
    # Between two batches of the probe.
    assert next(answers, None) is None
    assert not (folder / SEEN_FILE).exists()
    keeper(finished, context, folder).look(1, lambda: (model, tokenizer))
    assert (folder / SEEN_FILE).exists()


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
