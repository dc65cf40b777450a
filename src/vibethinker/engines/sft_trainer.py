"""Fine-tuning with TRL's SFTTrainer: loss on the assistant's tokens only, checkpoints kept to choose from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from vibethinker.configs.sft import SftConfig
from vibethinker.engines.checkpoints import StepWatch, WholeCheckpoints, checkpoint_folders, last_checkpoint
from vibethinker.engines.models import load_model
from vibethinker.engines.planned_order import PlannedSampler, planned_order
from vibethinker.engines.sampler import render_prompt
from vibethinker.engines.training_arguments import common_arguments
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import StageContext
from vibethinker.records import Trace

_IGNORED = -100


class PlannedSFTTrainer(WholeCheckpoints, SFTTrainer):  # type: ignore[misc]
    """SFTTrainer whose data order is fixed by the seed and whose checkpoints are whole."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ANN401
        rows = train_dataset if train_dataset is not None else self.train_dataset
        batch = self.args.per_device_train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        return PlannedSampler(planned_order(len(rows), batch=batch, batches=self.args.max_steps, seed=self.args.seed))


@dataclass(frozen=True)
class TunedCheckpoint:
    """A checkpoint's step, its model folder, and the mean training loss over the steps since the one before."""

    step: int
    folder: Path
    loss: float | None


@dataclass(frozen=True)
class FineTuned:
    """What one run left: its checkpoints, earliest first, and how many traces were longer than allowed."""

    checkpoints: list[TunedCheckpoint]
    dropped: int


def encode_traces(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], *, prompt: str, max_length: int
) -> tuple[Dataset, int]:
    """Return a dataset of ``input_ids`` and ``labels``, and how many traces were too long for it.

    Labels are -100 but on the assistant's tokens, its end token included.
    """
    rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    dropped = 0
    for trace in traces:
        before = tokenizer.encode(render_prompt(tokenizer, prompt, trace.question), add_special_tokens=False)
        after = [*tokenizer.encode(trace.text, add_special_tokens=False), tokenizer.eos_token_id]
        if len(before) + len(after) > max_length:
            dropped += 1
            continue
        rows["input_ids"].append(before + after)
        rows["labels"].append([_IGNORED] * len(before) + after)
    return Dataset.from_dict(rows), dropped


def fine_tune(
    config: SftConfig,
    context: StageContext,
    reference: str,
    traces: Sequence[Trace],
    folder: Path,
    *,
    run: str,
    seed: int,
) -> FineTuned:
    """Fine-tune on the traces, from the last checkpoint in ``folder`` where there is one.

    A run that has ended leaves its checkpoints as model folders, without what resuming needs.

    Raises:
        InputError: If there are fewer traces than a batch takes.
        Interrupted: After saving, when the user asked to stop.
    """
    model, tokenizer = load_model(reference)
    dataset, dropped = encode_traces(tokenizer, traces, prompt=context.prompt, max_length=config.max_length)
    if len(dataset) < config.batch_size:
        raise InputError(
            f'stage "{config.id}": {len(dataset)} traces{f" of {run}" if run else ""} ({dropped} longer than '
            f"max_length) are fewer than batch_size={config.batch_size}: give more traces or lower batch_size"
        )
    micro = config.micro_batch_size or config.batch_size
    if config.batch_size % micro:
        raise InputError(
            f'stage "{config.id}": micro_batch_size must divide batch_size={config.batch_size}, got {micro}'
        )
    watch = StepWatch(context.progress, context.metrics, run=run)
    arguments = SFTConfig(
        **common_arguments(config, context, folder, seed=seed),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config.batch_size // micro,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": config.min_learning_rate_ratio},
        max_length=None,
        gradient_checkpointing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = PlannedSFTTrainer(
        model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer, callbacks=[watch]
    )
    trainer.remove_callback(PrinterCallback)
    resumed = last_checkpoint(folder)
    step = resumed[0] if resumed else 0
    context.metrics.cut_back(step, run=run)
    if step < config.steps:
        trainer.train(resume_from_checkpoint=str(resumed[1]) if resumed else None)
        watch.raise_if_interrupted(trainer.state)
    return FineTuned(list(_tuned(folder)), dropped)


def _tuned(folder: Path) -> Iterator[TunedCheckpoint]:
    before = 0
    for step, checkpoint in checkpoint_folders(folder):
        history = read_json(checkpoint / "trainer_state.json")["log_history"]
        losses = [row["loss"] for row in history if "loss" in row and before < row["step"] <= step]
        yield TunedCheckpoint(step, checkpoint, sum(losses) / len(losses) if losses else None)
        before = step
