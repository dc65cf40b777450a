"""A bound on the checkpoints of a fine-tuning: those that can still win a domain stay, the others are removed.

What a checkpoint's look at the probing problems showed is kept beside the checkpoints, so that a run that goes on
after an interruption removes what an uninterrupted one removes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
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
from vibethinker.engines.line_record import LineRecord
from vibethinker.engines.packing import whole_rows
from vibethinker.engines.sampler import ModelSampler
from vibethinker.errors import InputError
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem

SEEN_FILE = "seen.jsonl"


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

    def look(self, step: int, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Probe the model, which is the checkpoint of this step, unless that was done before; then remove others."""
        self.seen.find_or_add(lambda: {"values": self._values(model, tokenizer)}, step=step)
        last = checkpoint_folders(self.folder)[-1][0]
        on_disk = {str(number): path for number, path in checkpoint_folders(self.folder)}
        values = {str(line["step"]): line["values"] for line in self.seen if str(line["step"]) in on_disk}
        kept = contenders(
            {domain: {name: found[domain] for name, found in values.items()} for domain in self.domains},
            error=self.config.error,
            most=self.config.most,
        )
        for name in values:
            # The training goes on from the last one.
            if name not in kept and int(name) != last:
                remove_checkpoint(on_disk[name])

    @property
    def removed(self) -> int:
        """How many checkpoints that were seen are not on disk any more."""
        return len(self.seen) - len(checkpoint_folders(self.folder))

    def _values(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict[str, dict[str, float]]:
        """Return Pass@K by domain and problem; a problem too few of whose responses could be judged is left out."""
        training = model.training
        with whole_rows(model):
            sampler = ModelSampler(
                model, tokenizer, prompt=self.context.prompt, sampling=self.config, numerics=self.context.numerics
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
        self.keeper.look(state.global_step, model, processing_class)
