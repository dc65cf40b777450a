"""Fine-tuning learns the assistant's tokens, each as much as any other, and goes on to the same bits after a stop."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from rich.console import Console

from vibethinker.configs.sft import SftConfig
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems, draw_traces
from vibethinker.engines.adapters import check_merge, load_with_adapter
from vibethinker.engines.checkpoints import checkpoint_folders, remove_checkpoint
from vibethinker.engines.models import load_model
from vibethinker.engines.packing import attend_within_traces
from vibethinker.engines.sft_trainer import fine_tune, make_trainer, plan_run
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay

DRAWN = draw_problems(FAMILIES, (1, 2, 3), range(50), count=40, rng=Random(5))
TRACES = draw_traces(DRAWN, {"careful": 1.0, "direct": 1.0}, per_problem=1, rng=Random(6))
RESUME_STATE = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin")
LORA = {"name": "lora", "rank": 4, "dropout": 0.1}
KINDS: dict[str, dict[str, Any]] = {
    "full": {},
    "micro-batches": {"micro_batch_size": 2},
    "epochs": {"steps": None, "epochs": 0.4},
    "packed": {"packing": True, "max_length": 128},
    "lora": {"adapter": LORA},
    "packed lora": {"packing": True, "max_length": 128, "adapter": LORA, "gradient_checkpointing": True},
}


def stage(**changes):
    numbers = {"steps": 4, "save_every": 1, "learning_rate": 1e-3, "warmup_steps": 1, "batch_size": 4, "max_length": 96}
    return SftConfig.model_validate({"id": "broad", "kind": "sft", "data": "problems", **numbers, **changes})


@dataclass
class Work:
    """A stage's folder, where a training is asked to stop once it has shown so many steps."""

    folder: Path
    stop_after: int | None = None

    def steps(self):
        path = self.folder / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def context(self):
        self.folder.mkdir(exist_ok=True)
        display = RunDisplay("test", 1, self.folder, "", [("broad", "sft")], console=Console(file=io.StringIO()))
        return StageContext(
            folder=self.folder,
            inputs={},
            seed=3,
            model="micro",
            prompt="{question}",
            numerics=Numerics("float32", 2),
            progress=display.stage(
                "broad", lambda: self.stop_after is not None and len(self.steps()) >= self.stop_after
            ),
            metrics=MetricsFile(self.folder / "metrics.jsonl", "broad"),
        )

    def plan(self, config, traces=TRACES, run=""):
        return plan_run(config, self.context(), load_model("micro")[1], traces, run=run, seed=11)

    def tune(self, config):
        context, plan = self.context(), self.plan(config)
        context.progress.start(plan.training.steps, unit="steps")
        return fine_tune(config, context, "micro", plan, self.folder / "run")

    def trainer(self, config):
        context, plan = self.context(), self.plan(config)
        model, tokenizer = load_with_adapter("micro", config.adapter, seed=11, numerics=context.numerics)
        if config.packing:
            base = model.get_base_model() if config.adapter else model
            attend_within_traces(base, [[5, 6, 7], [8, 9]])
        return make_trainer(config, context, model, tokenizer, plan, self.folder / "run"), plan


def weights(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def by_hand(model, rows, *, learned):
    """Accumulate the gradient of the mean loss over the learned tokens, each trace by itself; return the loss."""
    rows = [(torch.tensor(ids), torch.tensor(labels)) for ids, labels in rows]
    count = sum(int(learned(labels)[1:].sum()) for _, labels in rows)
    total = 0.0
    for ids, labels in rows:
        logits = model(input_ids=ids[None], use_cache=False).logits[0, :-1]
        chosen = learned(labels)[1:]
        loss = torch.nn.functional.cross_entropy(logits[chosen], ids[1:][chosen], reduction="sum") / count
        loss.backward()
        total += float(loss.detach())
    return total


def traces_of(row):
    """Return the traces of a row, packed or not."""
    ends = [sum(row.get("seq_lengths", [len(row["input_ids"])])[: place + 1]) for place in range(99)]
    starts = [0, *ends]
    return [
        (row["input_ids"][start:end], row["labels"][start:end])
        for start, end in zip(starts, ends, strict=False)
        if start < end
    ]


def gradients(model):
    found = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("kind", ["full", "micro-batches", "packed"])
def test_a_step_learns_the_mean_over_the_assistants_tokens_and_nothing_of_prompts(tmp_path, kind):
    config = stage(**KINDS[kind])
    trainer, plan = Work(tmp_path).trainer(config)
    model = trainer.model
    batches = list(trainer.get_train_dataloader())[
        : config.batch_size // (config.micro_batch_size or config.batch_size)
    ]
    count = trainer._get_num_items_in_batch(batches, torch.device("cpu"))
    model.train()
    loss = sum(float(trainer.training_step(model, dict(batch), num_items_in_batch=count)) for batch in batches)
    ours = gradients(model)
    rows = [trace for row in plan.order[: config.batch_size] for trace in traces_of(plan.dataset[row])]
    model.set_attn_implementation("sdpa")
    expected = by_hand(model, rows, learned=lambda labels: labels != -100)
    wanted = gradients(model)
    with_prompts = by_hand(model, rows, learned=lambda labels: labels == labels)
    others = gradients(model)
    assert loss == pytest.approx(expected, rel=1e-4)
    assert loss != pytest.approx(with_prompts, rel=1e-2)
    for name, gradient in wanted.items():
        scale = float(gradient.abs().max())
        assert torch.allclose(ours[name], gradient, rtol=0, atol=1e-3 * scale), name
        assert not torch.allclose(others[name], gradient, rtol=0, atol=1e-2 * scale), name


def test_micro_batches_and_checkpointing_change_the_training_by_no_more_than_rounding(tmp_path):
    ends = []
    kinds: list[dict[str, Any]] = [{}, {"micro_batch_size": 1}, {"gradient_checkpointing": True}]
    for number, changes in enumerate(kinds):
        work = Work(tmp_path / str(number))
        ends.append(load_model(str(work.tune(stage(**changes))[-1].folder))[0].state_dict())
    start = load_model("micro")[0].state_dict()
    for name, value in ends[0].items():
        moved = float((value - start[name]).abs().max())
        assert moved > 0
        for other in ends[1:]:
            assert float((value - other[name]).abs().max()) < 0.05 * moved, name


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_and_run_again_it_ends_with_the_same_bits(tmp_path, kind):
    config = stage(**KINDS[kind])
    whole, stopped = Work(tmp_path / "whole"), Work(tmp_path / "stopped", stop_after=2)
    expected = whole.tune(config)
    with pytest.raises(Interrupted) as caught:
        stopped.tune(config)
    assert 1 < (caught.value.step or 0) < 4
    stopped.stop_after = None
    found = stopped.tune(config)
    assert [checkpoint.step for checkpoint in found] == [1, 2, 3, 4]
    for ours, theirs in zip(found, expected, strict=True):
        assert weights(ours.folder) == weights(theirs.folder) != {}
        assert ours.loss == theirs.loss
    assert weights(found[0].folder) != weights(found[-1].folder)
    assert stopped.steps() == whole.steps()


@pytest.mark.parametrize("interrupted_at", [(1,), (0, 1), (3,), (1, 4)], ids=str)
def test_stopped_off_the_schedule_it_leaves_the_scheduled_checkpoints_with_the_same_losses(tmp_path, interrupted_at):
    config = stage(steps=7, save_every=3)
    expected = Work(tmp_path / "whole").tune(config)
    assert [checkpoint.step for checkpoint in expected] == [3, 6, 7]
    stopped = Work(tmp_path / "stopped")
    for step in interrupted_at:
        # One step more is done before the request is seen.
        stopped.stop_after = step
        with pytest.raises(Interrupted):
            stopped.tune(config)
    left = [step for step, _ in checkpoint_folders(tmp_path / "stopped" / "run")]
    # Of those off the schedule only the last is there, to go on from.
    assert [step for step in left if step not in (3, 6, 7)] == [interrupted_at[-1] + 1]
    stopped.stop_after = None
    found = stopped.tune(config)
    assert [(checkpoint.step, checkpoint.loss) for checkpoint in found] == [
        (checkpoint.step, checkpoint.loss) for checkpoint in expected
    ]
    assert [step for step, _ in checkpoint_folders(tmp_path / "stopped" / "run")] == [3, 6, 7]


def test_a_checkpoints_loss_is_over_its_own_steps_also_where_the_one_before_was_removed(tmp_path):
    work, config = Work(tmp_path), stage(steps=3)
    expected = work.tune(config)
    assert [checkpoint.loss for checkpoint in expected] == [line["loss"] for line in work.steps()]
    remove_checkpoint(expected[1].folder)
    assert work.tune(config) == [expected[0], expected[2]]


def test_kinds_differ_or_the_above_would_prove_little(tmp_path):
    kinds = ("full", "packed", "lora")
    ends = [Work(tmp_path / kind).tune(stage(**KINDS[kind] | {"save_every": 4}))[-1].folder for kind in kinds]
    assert len({tuple(weights(folder).values()) for folder in ends}) == len(kinds)


def test_only_the_last_checkpoint_keeps_what_resuming_needs_and_after_the_run_none_does(tmp_path):
    work = Work(tmp_path, stop_after=1)
    config = stage()
    with pytest.raises(Interrupted):
        work.tune(config)
    *older, (_, last) = checkpoint_folders(tmp_path / "run")
    assert all((last / name).is_file() for name in RESUME_STATE)
    assert older
    assert not any((path / name).exists() for _, path in older for name in RESUME_STATE)
    # As a kill right after the last checkpoint's renaming would leave it.
    for name in RESUME_STATE:
        (older[0][1] / name).write_bytes(b"left over")
    work.stop_after = 2
    with pytest.raises(Interrupted):
        work.tune(config)
    assert not any((older[0][1] / name).exists() for name in RESUME_STATE)
    work.stop_after = None
    for checkpoint in work.tune(config):
        assert not any((checkpoint.folder / name).exists() for name in RESUME_STATE)


def test_a_run_that_has_ended_is_not_trained_again(tmp_path):
    work, config = Work(tmp_path), stage(steps=2)
    first = work.tune(config)
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.safetensors"))]
    assert work.tune(config) == first
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.safetensors"))] == times


def test_whole_epochs_take_every_trace_as_often(tmp_path):
    plan = Work(tmp_path).plan(stage(steps=None, epochs=2, batch_size=8))
    assert plan.training.steps == 10
    assert sorted(plan.order) == sorted(2 * list(range(len(TRACES))))


def test_an_adapters_checkpoint_holds_the_adapter_alone_and_computes_what_was_trained(tmp_path):
    work, config = Work(tmp_path), stage(adapter={"name": "lora", "rank": 4}, steps=3)
    trainer, _ = work.trainer(config)
    trainer.train()
    last = checkpoint_folders(tmp_path / "run")[-1][1]
    assert set(weights(last)) == {"adapter_model.safetensors"}
    assert (last / "adapter_model.safetensors").stat().st_size < 0.1 * sum(
        value.numel() * 4 for value in load_model("micro")[0].parameters()
    )
    named = json.loads((last / "adapter_config.json").read_text())
    (last / "adapter_config.json").write_text(json.dumps({**named, "base_model_name_or_path": "micro"}))
    loaded, tokenizer = load_model(str(last))
    rows = [tokenizer.encode(trace.question) for trace in TRACES[:4]]
    assert check_merge(trainer.model, loaded, rows).kept == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "traces", "message"),
    [
        ({"batch_size": 64}, TRACES, r"40 traces of algebra \(0 longer than max_length\) are fewer than batch_size=64"),
        (
            {"batch_size": 30, "packing": True},
            TRACES,
            r"40 traces of algebra in \d+ packed rows \(0 longer than max_length\) are fewer than batch_size=30",
        ),
        (
            {"max_length": 16},
            TRACES,
            "all 40 traces of algebra are longer than max_length=16 tokens with their prompts",
        ),
    ],
)
def test_too_few_traces_are_refused_with_their_number(tmp_path, changes, traces, message):
    with pytest.raises(InputError, match=f'^stage "broad": {message}'):
        Work(tmp_path).plan(stage(**changes), traces, run="algebra")


def test_an_adapter_target_that_is_no_layer_is_refused_with_those_there_are(tmp_path):
    config = stage(adapter={"name": "lora", "targets": ["q_proj", "qkv"]})
    with pytest.raises(InputError, match="adapter targets qkv: no such linear layer in micro: allowed are down_proj"):
        Work(tmp_path).tune(config)


def test_traces_longer_than_allowed_are_counted(tmp_path):
    long = [replace(trace, text="1" * 200) for trace in TRACES[:3]]
    plan = Work(tmp_path).plan(stage(), [*TRACES, *long])
    assert (plan.traces, plan.dropped, len(plan.dataset)) == (40, 3, 40)
    assert plan.tokens == sum(map(len, plan.dataset["input_ids"]))
