"""Training checkpoints that are whole or absent, and training that stops where it can go on.

Shared by every trainer of the package. A checkpoint is written under another name, forced to disk, and renamed; a
kill or a full disk leaves the one before it intact. An interrupted training ends at the next step's checkpoint.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vibethinker.errors import Interrupted, WorkError
from vibethinker.files import sync_folder, sync_tree
from vibethinker.interfaces import Metrics, Progress

_PREFIX = "checkpoint-"
_UNFINISHED = "unfinished"
_REMOVED = "removed-"


def checkpoint_folders(folder: Path) -> list[tuple[int, Path]]:
    """Return the whole checkpoints below ``folder`` by step, earliest first."""
    found = [(int(path.name.removeprefix(_PREFIX)), path) for path in folder.glob(f"{_PREFIX}[0-9]*")]
    return sorted(found)


def last_checkpoint(folder: Path) -> tuple[int, Path] | None:
    """Return the latest whole checkpoint and its step, or None."""
    found = checkpoint_folders(folder)
    return found[-1] if found else None


def remove_resume_state(checkpoint: Path) -> None:
    """Leave a checkpoint's model and its losses; drop what only going on from it needs, pickles among it."""
    for pattern in ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "training_args.bin"):
        for path in checkpoint.glob(pattern):
            path.unlink()


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove a checkpoint; a kill in the middle leaves none that looks whole."""
    aside = checkpoint.with_name(f"{_REMOVED}{checkpoint.name}")
    checkpoint.replace(aside)
    for path in checkpoint.parent.glob(f"{_REMOVED}*"):
        shutil.rmtree(path)


def is_scheduled(step: int, *, save_every: int, steps: int) -> bool:
    """Say whether a training of so many steps saves at this one whether it is interrupted or not."""
    return step % save_every == 0 or step == steps


def remove_unscheduled(folder: Path, *, save_every: int, steps: int) -> None:
    """Remove the checkpoints that an interruption left off the schedule, but not the last: it may be gone on from."""
    for step, checkpoint in checkpoint_folders(folder)[:-1]:
        if not is_scheduled(step, save_every=save_every, steps=steps):
            remove_checkpoint(checkpoint)


class WholeCheckpoints:
    """Mix-in for a Hugging Face trainer: ``_save_checkpoint`` leaves a whole checkpoint or none.

    Of several processes the first one stages and renames, and the others wait for it.

    ``keep_checkpoints`` says how many stay; None keeps all, for stages that choose among them later.
    """

    args: TrainingArguments
    state: TrainerState
    accelerator: Accelerator
    keep_checkpoints: int | None = None

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:  # noqa: ANN401 - transformers' signature
        final = Path(self.args.output_dir)
        staging = final / _UNFINISHED
        if self.args.should_save:
            shutil.rmtree(staging, ignore_errors=True)
        # Every process writes its generators' state: none before the folder is cleared, all before it is renamed, and
        # none goes on to a checkpoint that is not there yet.
        self.accelerator.wait_for_everyone()
        self.args.output_dir = str(staging)
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
        finally:
            self.args.output_dir = str(final)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self._put_in_place(staging, final)
        self.accelerator.wait_for_everyone()

    def _put_in_place(self, staging: Path, final: Path) -> None:
        name = f"{_PREFIX}{self.state.global_step}"
        sync_tree(staging / name)
        shutil.rmtree(final / name, ignore_errors=True)
        (staging / name).replace(final / name)
        sync_folder(final)
        shutil.rmtree(staging, ignore_errors=True)
        if self.keep_checkpoints is not None:
            for _, old in checkpoint_folders(final)[: -self.keep_checkpoints]:
                remove_checkpoint(old)
        self.checkpoint_in_place(final)

    def checkpoint_in_place(self, folder: Path) -> None:
        """Do what is to be done once the last checkpoint below ``folder`` is whole and on disk; nothing by default.

        Of several processes only the first one comes here. After a kill it may not have been called for the last
        checkpoint: what it left undone it has to do the next time.
        """


class StepWatch(TrainerCallback):  # type: ignore[misc]
    """Counts steps, keeps their metrics, and turns a request to stop into a checkpoint and a clean end."""

    def __init__(
        self, progress: Progress, metrics: Metrics, *, run: str = "", names: Mapping[str, str] | None = None
    ) -> None:
        """Watch one training; ``names`` maps the trainer's metric names to ours, all others are dropped."""
        self.progress = progress
        self.metrics = metrics
        self.run = run
        self.names = dict(names or {"loss": "loss", "learning_rate": "learning_rate", "grad_norm": "grad_norm"})
        self.interrupted = False
        self.extra: dict[str, Any] = {}
        self.last: dict[str, Any] = {}

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Ask for a checkpoint and an end when the user has asked to stop, once a batch's updates are done."""
        # Amid the updates on one batch of rollouts nobody can go on: a checkpoint does not hold the batch.
        whole = state.global_step % getattr(args, "num_iterations", 1) == 0
        if self.progress.interrupt_requested() and whole and state.global_step < state.max_steps:
            self.interrupted = True
            control.should_save = True
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Keep what one step showed; the trainer's closing summary is not a step."""
        if not logs or "loss" not in logs:
            return
        values = {ours: logs[theirs] for theirs, ours in self.names.items() if theirs in logs} | self.extra
        trouble = self.trouble(state, values)
        # The step's line first: it says what the trouble is.
        self.metrics.log(state.global_step, values, run=self.run)
        if trouble:
            raise WorkError(trouble)
        self.last = values
        if not self.progress.interrupt_requested():
            self.progress.advance(note=self.note(state, values))

    def trouble(self, state: TrainerState, values: dict[str, Any]) -> str | None:
        """Return what ends the training with this step, before its checkpoint is saved; may add to the values."""
        loss = values.get("loss")
        if isinstance(loss, float) and loss != loss:
            return (
                f"the loss is not a number at step {state.global_step}: lower the learning rate; "
                f"the last checkpoint is intact"
            )
        return None

    def note(self, state: TrainerState, values: Mapping[str, Any]) -> str:
        """Say in a few words where training stands."""
        where = f"{self.run} {state.global_step}/{state.max_steps} · " if self.run else ""
        return f"{where}loss {values['loss']:.3f}"

    def raise_if_interrupted(self, state: TrainerState) -> None:
        """End the stage after an interrupted training, whose checkpoint is saved by now."""
        if self.interrupted:
            raise Interrupted(step=state.global_step)
