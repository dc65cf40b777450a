"""A bound on the checkpoints of a fine-tuning: those that can still win a domain stay, the others are removed.

What a checkpoint's look at the probing problems showed, and who stays after it, is kept beside the checkpoints, so that
a run that goes on after an interruption removes what an uninterrupted one removes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from peft import PeftModel
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from vibethinker.algos.contenders import contenders
from vibethinker.algos.pass_at_k import pass_at_k
from vibethinker.configs.keep import KeepConfig
from vibethinker.engines.checkpoints import checkpoint_folders, remove_checkpoint
from vibethinker.engines.line_record import Line, LineRecord
from vibethinker.engines.packing import whole_rows
from vibethinker.engines.sampler import ModelSampler
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem

SEEN_FILE = "seen.jsonl"
Loaded = tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]


class CheckpointKeeper:
    """Looks at every checkpoint when it is saved, and removes those that it leaves without a chance."""

    def __init__(
        self,
        config: KeepConfig,
        context: StageContext,
        problems: Sequence[Problem],
        *,
        folder: Path,
        seed: int,
        judge: Judge,
    ) -> None:
        """Bound the checkpoints below ``folder``.

        Raises:
            InputError: If fewer may stay than there are domains, each of which needs its best, or several processes
                train: none of them need have the whole model then.
        """
        if PartialState().num_processes > 1:
            raise InputError("keep: checkpoints are probed by one process only, several train: leave keep out")
        self.config, self.context, self.problems = config, context, problems
        self.folder, self.seed, self.judge = folder, seed, judge
        self.domains = sorted({problem.domain for problem in problems})
        if config.most < len(self.domains):
            raise InputError(
                f"keep.most={config.most} is less than the {len(self.domains)} domains of the probing set, each of "
                f"which needs its best checkpoint: give {len(self.domains)} or more"
            )
        self.seen = LineRecord(folder / SEEN_FILE)

    def look(self, step: int, load: Callable[[], Loaded]) -> None:
        """Probe the checkpoint of this step unless that was done before, then remove those without a chance after it.

        Args:
            step: Of the last scheduled checkpoint.
            load: Returns its model and tokenizer; called only where it was not probed before.

        Raises:
            Interrupted: When the user asked to stop before the probe was done; it is to be done before training on.
        """
        line = self.seen.find(step=step) or self.seen.add(self._seen(step, *load()))
        for number, path in checkpoint_folders(self.folder):
            # Not the one just seen, whatever it is: the training goes on from it.
            if number < step and number not in line["kept"]:
                remove_checkpoint(path)

    def _seen(self, step: int, model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> Line:
        """Return a step's line: its values, and the steps that may still win a domain, of those that are on disk."""
        found = self._values(step, model, tokenizer)
        on_disk = {number for number, _ in checkpoint_folders(self.folder)}
        values = {line["step"]: line["values"] for line in self.seen if line["step"] in on_disk} | {step: found}
        kept = contenders(
            {domain: {str(number): each[domain] for number, each in values.items()} for domain in self.domains},
            error=self.config.error,
            most=self.config.most,
        )
        # Asked again without those that were removed by it, the bound might remove more: it is asked once.
        return {"step": step, "values": found, "kept": [int(name) for name in kept]}

    @property
    def removed(self) -> int:
        """How many checkpoints that were seen are not on disk any more."""
        on_disk = {number for number, _ in checkpoint_folders(self.folder)}
        return sum(line["step"] not in on_disk for line in self.seen)

    def _values(
        self, step: int, model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase
    ) -> dict[str, dict[str, float]]:
        """Return Pass@K by domain and problem; a problem too few of whose responses could be judged is left out."""

        def stop_if_asked(_: int = 0) -> None:
            if self.context.progress.interrupt_requested():
                raise Interrupted(step=step)

        stop_if_asked()
        training = model.training
        with whole_rows(model):
            sampler = ModelSampler(
                model,
                tokenizer,
                prompt=self.context.prompt,
                sampling=self.config,
                numerics=self.context.numerics,
                on_batch=stop_if_asked,
            )
            drawn = sampler.sample(
                [problem.question for problem in self.problems], samples=self.config.samples, seed=self.seed
            )
        model.train(training)
        pairs = [(problem, sample) for problem, samples in zip(self.problems, drawn, strict=True) for sample in samples]
        verdicts = self.judge(
            [problem.kind for problem, _ in pairs],
            [problem.answer for problem, _ in pairs],
            [sample.text for _, sample in pairs],
        )
        judged: dict[str, list[bool]] = {problem.id: [] for problem in self.problems}
        for (problem, _), verdict in zip(pairs, verdicts, strict=True):
            if verdict.correct is not None:
                judged[problem.id].append(verdict.correct)
        values: dict[str, dict[str, float]] = {domain: {} for domain in self.domains}
        for problem in self.problems:
            found = judged[problem.id]
            if len(found) >= self.config.k:
                values[problem.domain][problem.id] = pass_at_k(len(found), sum(found), k=self.config.k)
        return values


class LookAgain(TrainerCallback):  # type: ignore[misc]
    """Looks at the checkpoint that a training goes on from: a kill may have come between its place and its look."""

    def __init__(self, keeper: CheckpointKeeper) -> None:
        """Take what bounds the checkpoints."""
        self.keeper = keeper

    def on_train_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        *,
        model: PreTrainedModel,
        processing_class: PreTrainedTokenizerBase,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Look, now that the checkpoint is loaded."""
        self.keeper.look(state.global_step, lambda: (model, processing_class))
