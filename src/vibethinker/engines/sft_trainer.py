"""Fine-tuning with TRL's SFTTrainer: loss on the assistant's tokens only, checkpoints kept to choose from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import accumulate
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from peft import PeftModel
from torch.utils.data import Sampler
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from vibethinker.configs.common import TrainingConfig
from vibethinker.configs.sft import SftConfig
from vibethinker.engines.adapters import load_with_adapter, restore_adapter
from vibethinker.engines.checkpoints import (
    StepWatch,
    WholeCheckpoints,
    checkpoint_folders,
    is_scheduled,
    last_checkpoint,
    remove_resume_state,
    remove_unscheduled,
)
from vibethinker.engines.kept_checkpoints import CheckpointKeeper, LookAgain
from vibethinker.engines.packing import attend_within_traces, pack, packed_collator
from vibethinker.engines.planned_order import PlannedSampler
from vibethinker.engines.sft_batches import encode_traces, rows_in_order
from vibethinker.engines.training_arguments import common_arguments
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import StageContext
from vibethinker.records import Trace

# Traces, the shortest, on which packing is checked before a run; ours.
_CHECKED_TRACES = 3


class PlannedSFTTrainer(WholeCheckpoints, SFTTrainer):  # type: ignore[misc]
    """SFTTrainer whose data order is fixed before it starts and whose checkpoints are whole."""

    def __init__(
        self,
        *,
        order: Sequence[int],
        keeper: CheckpointKeeper | None = None,
        **arguments: Any,  # noqa: ANN401
    ) -> None:
        """Take the rows of all steps end to end, what bounds the checkpoints, and SFTTrainer's arguments."""
        self.order = list(order)
        self.keeper = keeper
        super().__init__(**arguments)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ANN401, ARG002
        return PlannedSampler(self.order)

    def checkpoint_in_place(self, folder: Path) -> None:
        """Leave what resuming needs in the last checkpoint alone: it is twice the size of the model."""
        schedule = {"save_every": int(self.args.save_steps), "steps": self.args.max_steps}
        remove_unscheduled(folder, **schedule)
        for _, older in checkpoint_folders(folder)[:-1]:
            remove_resume_state(older)
        if self.keeper is not None and is_scheduled(self.state.global_step, **schedule):
            self.keeper.look(self.state.global_step, lambda: (self.model, self.processing_class))

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write none: a checkpoint is not a model to publish."""


@dataclass(frozen=True)
class TunedCheckpoint:
    """A checkpoint's step, its model folder, and the mean training loss over the steps since the scheduled save before.

    Of that save the checkpoint may have been removed.
    """

    step: int
    folder: Path
    loss: float | None


@dataclass(frozen=True)
class PlannedRun:
    """One run before it starts: all of it that the model does not decide.

    Attributes:
        run: Its name; empty where it is the only one.
        seed: Of its adapter, its order and its dropout.
        dataset: Traces, or packed rows of them.
        training: How the optimiser runs, its steps known.
        order: The rows of all steps end to end.
        traces: How many are learned from.
        dropped: How many were longer than allowed.
        tokens: Of prompts and traces together, in one pass.
    """

    run: str
    seed: int
    dataset: Dataset
    training: TrainingConfig
    order: list[int]
    traces: int
    dropped: int
    tokens: int


def plan_run(
    config: SftConfig,
    context: StageContext,
    tokenizer: PreTrainedTokenizerBase,
    traces: Sequence[Trace],
    *,
    run: str,
    seed: int,
) -> PlannedRun:
    """Encode and pack the traces, and fix steps and order.

    Raises:
        InputError: If all traces are too long, or there are fewer rows than a batch takes.
    """
    encoded = encode_traces(tokenizer, traces, prompt=context.prompt, max_length=config.max_length)
    count = len(encoded.lengths)
    where = f'stage "{config.id}": '
    which = f" of {run}" if run else ""
    if not count:
        raise InputError(
            f"{where}all {len(traces)} traces{which} are longer than max_length={config.max_length} tokens with their "
            f"prompts: raise it"
        )
    dataset, lengths = encoded.dataset, encoded.lengths
    if config.packing:
        dataset = pack(dataset, length=config.max_length)
        lengths = list(map(sum, dataset["seq_lengths"]))
    if len(dataset) < config.batch_size:
        packed = f" in {len(dataset)} packed rows" if config.packing else ""
        raise InputError(
            f"{where}{count} traces{which}{packed} ({encoded.dropped} longer than "
            f"max_length) are fewer than batch_size={config.batch_size}: give more traces or lower batch_size"
        )
    training = config.training(len(dataset))
    micro = _micro_batch(config)
    order = rows_in_order(
        lengths,
        batch=config.batch_size,
        micro_batch=micro,
        steps=training.steps,
        by_passes=config.epochs is not None,
        # The trainer's own seed.
        seed=seed % 2**32,
    )
    return PlannedRun(run, seed, dataset, training, order, count, encoded.dropped, sum(lengths))


def _micro_batch(config: SftConfig) -> int:
    """Return the rows of one forward pass of one process; ``batch_size`` is of all processes together."""
    processes = PartialState().num_processes
    micro = config.micro_batch_size or max(1, config.batch_size // processes)
    if config.batch_size % (micro * processes):
        raise InputError(
            f'stage "{config.id}": micro_batch_size x processes must divide batch_size={config.batch_size}, '
            f"got {micro} x {processes}"
        )
    return micro


def fine_tune(
    config: SftConfig,
    context: StageContext,
    reference: str,
    plan: PlannedRun,
    folder: Path,
    *,
    keeper: CheckpointKeeper | None = None,
) -> list[TunedCheckpoint]:
    """Fine-tune as planned, from the last checkpoint in ``folder`` where there is one; return all of them.

    A run that has ended leaves its checkpoints as model folders, or adapters' folders, without what resuming needs:
    those that an uninterrupted run leaves, with the same losses.

    With a ``keeper``, those that cannot become a specialist any more are removed while it trains.

    Raises:
        Interrupted: After saving, when the user asked to stop.
    """
    resumed = last_checkpoint(folder)
    step = resumed[0] if resumed else 0
    schedule = {"save_every": config.save_every, "steps": plan.training.steps}
    context.metrics.cut_back(step, run=plan.run)
    if step < plan.training.steps:
        model, tokenizer = load_with_adapter(reference, config.adapter, seed=plan.seed, numerics=context.numerics)
        if config.packing:
            attend_within_traces(_base_of(model), _shortest(plan.dataset))
        watch = StepWatch(context.progress, context.metrics, run=plan.run)
        callbacks: list[TrainerCallback] = [watch]
        if keeper is not None and resumed and is_scheduled(step, **schedule):
            callbacks.append(LookAgain(keeper))
        trainer = make_trainer(config, context, model, tokenizer, plan, folder, callbacks=callbacks, keeper=keeper)
        trainer.train(resume_from_checkpoint=str(resumed[1]) if resumed else None)
        watch.raise_if_interrupted(trainer.state)
    elif keeper is not None and resumed:
        _look_at_end(config, context, reference, plan, resumed, keeper)
    remove_unscheduled(folder, **schedule)
    for _, checkpoint in checkpoint_folders(folder):
        remove_resume_state(checkpoint)
    return list(_tuned(folder, save_every=config.save_every))


def _look_at_end(
    config: SftConfig,
    context: StageContext,
    reference: str,
    plan: PlannedRun,
    last: tuple[int, Path],
    keeper: CheckpointKeeper,
) -> None:
    """Look at the last checkpoint of a run that has ended: a stop may have come between its place and its look."""

    def load() -> tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]:
        return load_with_adapter(
            reference, config.adapter, seed=plan.seed, numerics=context.numerics, checkpoint=last[1]
        )

    keeper.look(last[0], load)


def make_trainer(
    config: SftConfig,
    context: StageContext,
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    plan: PlannedRun,
    folder: Path,
    *,
    callbacks: Sequence[Any] = (),
    keeper: CheckpointKeeper | None = None,
) -> PlannedSFTTrainer:
    """Return the trainer of a run, which writes its checkpoints to ``folder``."""
    micro = _micro_batch(config)
    arguments = SFTConfig(
        **common_arguments(plan.training, context, folder, seed=plan.seed),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config.batch_size // micro // PartialState().num_processes,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": config.min_learning_rate_ratio},
        max_length=None,
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if config.gradient_checkpointing else None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = PlannedSFTTrainer(
        order=plan.order,
        keeper=keeper,
        model=model,
        args=arguments,
        train_dataset=plan.dataset,
        data_collator=packed_collator(tokenizer.pad_token_id) if config.packing else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    if config.adapter is not None:
        restore_adapter(model)
    return trainer


def _base_of(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    return model.get_base_model() if isinstance(model, PeftModel) else model


def _shortest(packed: Dataset) -> list[list[int]]:
    """Return the token ids of the shortest traces among packed rows."""
    places = (
        (end - length, end, row)
        for row, lengths in enumerate(packed["seq_lengths"])
        for length, end in zip(lengths, accumulate(lengths), strict=True)
    )
    chosen = nsmallest(_CHECKED_TRACES, places, key=lambda place: place[1] - place[0])
    return [packed[row]["input_ids"][start:end] for start, end, row in chosen]


def _tuned(folder: Path, *, save_every: int) -> Iterator[TunedCheckpoint]:
    for step, checkpoint in checkpoint_folders(folder):
        before = (step - 1) // save_every * save_every
        history = read_json(checkpoint / "trainer_state.json")["log_history"]
        losses = [row["loss"] for row in history if "loss" in row and before < row["step"] <= step]
        yield TunedCheckpoint(step, checkpoint, sum(losses) / len(losses) if losses else None)
