"""One MGPO run: dataset, reward, trainer, and what each step showed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from vibethinker.configs.rl import RlConfig
from vibethinker.engines.checkpoints import StepWatch, WholeCheckpoints, last_checkpoint
from vibethinker.engines.mgpo_trainer import MGPOConfig, MGPOTrainer
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.rollouts import RolloutFiles
from vibethinker.engines.sampler import render_prompt
from vibethinker.engines.training_arguments import common_arguments
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import VERDICT_STATUSES, Problem, Verdict

# The trainer's names of what metrics.jsonl keeps of a step.
_NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "reward": "reward",
    "entropy": "entropy",
    "kl": "kl",
    "clip_ratio/region_mean": "clip_ratio",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "truncated",
}


class CorrectnessReward:
    """1 for a right answer, 0 for a wrong one, None for what cannot be judged; keeps the verdicts of the last call."""

    __name__ = "correctness"

    def __init__(self, judge: Judge) -> None:
        """Judge with this."""
        self.judge = judge
        self.verdicts: list[Verdict] = []

    def __call__(
        self,
        completions: Sequence[str],
        answer: Sequence[str],
        kind: Sequence[str] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> list[float | None]:
        """Return a reward for every completion, given the dataset's columns of answers and kinds (``math`` if none)."""
        self.verdicts = self.judge(kind or ["math"] * len(answer), answer, completions)
        return [None if verdict.correct is None else float(verdict.correct) for verdict in self.verdicts]

    def shares(self) -> dict[str, float]:
        """Return the share of every verdict in the last call, as ``verdict/STATUS``."""
        counts = Counter(verdict.status for verdict in self.verdicts)
        return {f"verdict/{status}": counts[status] / max(1, len(self.verdicts)) for status in VERDICT_STATUSES}


class RlTrainer(WholeCheckpoints, MGPOTrainer):
    """MGPOTrainer with whole checkpoints."""

    keep_checkpoints = 2

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write none: a checkpoint is not a model to publish."""


class RlWatch(StepWatch):
    """Adds what the groups of a step showed to its metrics."""

    trainer: RlTrainer
    reward: CorrectnessReward

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **rest: Any,  # noqa: ANN401
    ) -> None:
        """Keep the step's metrics together with the groups' and with the share of every verdict."""
        self.extra = {**self.trainer.group_statistics, **self.reward.shares()}
        super().on_log(args, state, control, logs, **rest)

    def note(self, state: TrainerState, values: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Say in a few words how the rollouts of the step were."""
        reward = values.get("reward")
        shown = "-" if reward is None else f"{reward:.2f}".removeprefix("0")
        silent = f"{values['no_signal']:.2f}".removeprefix("0")
        return f"reward {shown} · no signal {silent}"


def reinforce(
    config: RlConfig,
    context: StageContext,
    reference: str,
    problems: Sequence[Problem],
    judge: Judge,
    output: Path,
    *,
    seed: int,
) -> dict[str, Any]:
    """Train on the problems, from the last checkpoint where there is one, and save the model to ``output``.

    Returns:
        Steps, mean reward, share without signal and weight over the last ten steps, and verdict counts.

    Raises:
        Interrupted: After saving, when the user asked to stop.
    """
    model, tokenizer = load_model(reference)
    dataset = Dataset.from_list(
        [
            {
                "prompt": render_prompt(tokenizer, context.prompt, problem.question),
                "prompt_id": problem.id,
                "question": problem.question,
                "domain": problem.domain,
                "level": problem.level,
                "answer": problem.answer,
                "kind": problem.kind,
            }
            for problem in problems
        ]
    )
    folder = context.folder / "training"
    rollouts = RolloutFiles(context.folder / "rollouts")
    reward = CorrectnessReward(judge)

    def keep(step: int, rows: list[dict[str, Any]]) -> None:
        for row, verdict in zip(rows, reward.verdicts, strict=True):
            row["status"] = verdict.status
        rollouts.write(step, rows)

    per_step = config.prompts_per_step * config.group_size
    watch = RlWatch(context.progress, context.metrics, names=_NAMES)
    arguments = MGPOConfig(
        **common_arguments(config, context, folder, seed=seed),
        lr_scheduler_type="constant_with_warmup",
        per_device_train_batch_size=config.micro_batch_size,
        gradient_accumulation_steps=per_step // config.micro_batch_size,
        num_generations=config.group_size,
        num_iterations=config.updates_per_batch,
        max_completion_length=config.max_new_tokens,
        temperature=config.temperature,
        epsilon=config.clip_epsilon,
        beta=config.kl_coefficient,
        lam=config.lam,
        gradient_checkpointing=False,
    )
    trainer = RlTrainer(
        model=model,
        args=arguments,
        reward_funcs=[reward],
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[watch],
        on_rollouts=keep,
    )
    trainer.remove_callback(PrinterCallback)
    watch.trainer, watch.reward = trainer, reward
    resumed = last_checkpoint(folder)
    step = resumed[0] if resumed else 0
    context.metrics.cut_back(step)
    rollouts.cut_back(step)
    context.progress.start(config.steps, unit="steps", done=step)
    if step < config.steps:
        trainer.train(resume_from_checkpoint=str(resumed[1]) if resumed else None)
        watch.raise_if_interrupted(trainer.state)
    elif resumed is not None:
        model, _ = load_model(str(resumed[1]))
    save_model(model, tokenizer, output)
    return {"steps": config.steps, **rollouts.finish(context.folder / "rollouts.parquet", last=10)}
