"""One MGPO run: dataset, reward, trainer, and what each step showed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate.utils import extract_model_from_parallel
from datasets import Dataset
from transformers import PreTrainedTokenizerBase, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from vibethinker.configs.prompts import DynamicSampler
from vibethinker.configs.rl import RlConfig
from vibethinker.engines.adapters import check_merge, load_with_adapter, merge_adapter, restore_adapter
from vibethinker.engines.checkpoints import StepWatch, WholeCheckpoints, last_checkpoint
from vibethinker.engines.groups import Group
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import save_model
from vibethinker.engines.prefilter import Counts
from vibethinker.engines.prompt_samplers import make_sampler
from vibethinker.engines.rollout_batches import Batch
from vibethinker.engines.rollouts import RolloutFiles
from vibethinker.engines.sampler import render_prompt
from vibethinker.engines.training_arguments import common_arguments
from vibethinker.interfaces import Judge, StageContext
from vibethinker.observe.health import HealthMonitor
from vibethinker.records import VERDICT_STATUSES, Problem, Verdict

# Prompts that a merged model is compared on with its adapter model; ours.
_PROMPTS_OF_MERGE_CHECK = 8

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


class RlTrainer(WholeCheckpoints, MGPOTrainer):
    """MGPOTrainer with whole checkpoints, and with what the run's files want to know of a rollout and of a step."""

    keep_checkpoints = 2

    def __init__(
        self,
        *,
        reward: CorrectnessReward,
        monitor: HealthMonitor | None,
        **arguments: Any,  # noqa: ANN401
    ) -> None:
        """Take MGPOTrainer's arguments, but for the one reward."""
        super().__init__(reward_funcs=[reward], **arguments)
        self.reward = reward
        self.monitor = monitor
        self.warnings: list[dict[str, Any]] = []

    def _rows(self, inputs: list[dict[str, Any]], output: Batch, groups: Sequence[Group]) -> list[dict[str, Any]]:
        rows = super()._rows(inputs, output, groups)
        return [{**row, "status": verdict.status} for row, verdict in zip(rows, self.reward.verdicts, strict=True)]

    def extra_state(self) -> dict[str, Any]:
        """Return what is known of the run's health."""
        return {"health": self.monitor.state() if self.monitor else None, "warnings": self.warnings}

    def restore_extra_state(self, state: dict[str, Any]) -> None:
        """Go on watching from there."""
        if self.monitor is not None and state["health"] is not None:
            self.monitor.restore(state["health"])
        self.warnings = state["warnings"]

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write none: a checkpoint is not a model to publish."""


class RlWatch(StepWatch):
    """Adds what the groups of a step showed to its metrics, and tells of trouble."""

    trainer: RlTrainer
    shares: Mapping[str, float]

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **rest: Any,  # noqa: ANN401
    ) -> None:
        """Keep the step's metrics together with the groups' and with the share of every verdict."""
        self.extra = {**self.trainer.group_statistics, **self.trainer.ratio_statistics(), **self.shares}
        super().on_log(args, state, control, logs, **rest)

    def trouble(self, state: TrainerState, values: dict[str, Any]) -> str | None:
        """Name the trouble that begins with this step; return what the recipe stops on."""
        if self.trainer.monitor is None:
            return super().trouble(state, values)
        findings = self.trainer.monitor.check(state.global_step, values)
        values["health"] = [finding.name for finding in findings]
        stops = None
        for finding in findings:
            told = asdict(finding)
            stop = told.pop("stop")
            self.trainer.warnings.append(told)
            text = f"step {finding.step}: {finding.name}: {finding.message}; {finding.advice}"
            if stop:
                stops = stops or text
            else:
                self.progress.warn(text)
        return stops or super().trouble(state, values)

    def note(self, state: TrainerState, values: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Say in a few words how the rollouts of the step were."""
        reward = values.get("reward")
        shown = "-" if reward is None else f"{reward:.2f}".removeprefix("0")
        silent = f"{values['no_signal']:.2f}".removeprefix("0")
        return f"reward {shown} · no signal {silent}"


def verdict_shares(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the share of every verdict among a step's rollouts, as ``verdict/STATUS``."""
    counts = Counter(row["status"] for row in rows)
    return {f"verdict/{status}": counts[status] / max(1, len(rows)) for status in VERDICT_STATUSES}


def reinforce(
    config: RlConfig,
    context: StageContext,
    reference: str,
    problems: Sequence[Problem],
    judge: Judge,
    output: Path,
    *,
    seed: int,
    counts: Counts | None = None,
) -> dict[str, Any]:
    """Train on the problems, from the last checkpoint where there is one, and save the model to ``output``.

    Args:
        config: The stage's configuration.
        context: The stage's context.
        reference: The starting model.
        problems: The prompts.
        judge: Judges the rollouts.
        output: Where the model goes; a trained adapter is merged.
        seed: Of the stage.
        counts: Right and judged rollouts of prompts under the starting model, by problem, for samplers that learn.

    Returns:
        Steps, rollouts, mean reward, share without signal and weight over the last ten steps, verdict counts, and the
        warnings.

    Raises:
        Interrupted: After saving, when the user asked to stop.
        WorkError: If trouble that the recipe stops on began, or an adapter's merge is wrong.
    """
    folder = context.folder / "training"
    resumed = last_checkpoint(folder)
    step = resumed[0] if resumed else 0
    over = resumed[1] if resumed and step >= config.steps else None
    model, tokenizer = load_with_adapter(
        reference, config.adapter, seed=seed, numerics=context.numerics, checkpoint=over
    )
    rollouts = RolloutFiles(context.folder / "rollouts")
    watch = RlWatch(context.progress, context.metrics, names=_NAMES)

    def keep(step: int, rows: list[dict[str, Any]]) -> None:
        watch.shares = verdict_shares(rows)
        rollouts.write(step, rows)

    trainer = RlTrainer(
        model=model,
        args=_arguments(config, context, folder, seed=seed),
        reward=CorrectnessReward(judge),
        monitor=HealthMonitor(config.health) if config.health is not None else None,
        train_dataset=_dataset(problems, tokenizer, context.prompt),
        processing_class=tokenizer,
        callbacks=[watch],
        on_rollouts=keep,
        prompts=make_sampler(
            config.sampler,
            [(problem.domain, problem.source, str(problem.level)) for problem in problems],
            batch=config.prompts_per_step,
            seed=seed,
            group_size=config.group_size,
            lam=config.lam,
            counts=[(counts[problem.id].right, counts[problem.id].judged) for problem in problems] if counts else None,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    watch.trainer = trainer
    if config.adapter is not None:
        restore_adapter(model, checkpoint=over)
    context.metrics.cut_back(step)
    rollouts.cut_back(step)
    context.progress.start(config.steps, unit="steps", done=step)
    if over is None:
        trainer.train(resume_from_checkpoint=str(resumed[1]) if resumed else None)
        watch.raise_if_interrupted(trainer.state)
    else:
        trainer.restore_state(over)
    if config.adapter is not None:
        prompts = [render_prompt(tokenizer, context.prompt, problem.question) for problem in problems]
        # Without accelerate's wrapper, which computes in the training's numeric type whoever asks.
        plain = extract_model_from_parallel(model, keep_fp32_wrapper=False)
        merged = merge_adapter(plain)
        check_merge(plain, merged, [tokenizer.encode(prompt) for prompt in prompts[:_PROMPTS_OF_MERGE_CHECK]])
        model = merged
    save_model(model, tokenizer, output)
    found = rollouts.finish(context.folder / "rollouts.parquet", last=10)
    return {"steps": config.steps, **found, "warnings": trainer.warnings}


def _dataset(problems: Sequence[Problem], tokenizer: PreTrainedTokenizerBase, template: str) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompt": render_prompt(tokenizer, template, problem.question),
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


def _arguments(config: RlConfig, context: StageContext, folder: Path, *, seed: int) -> MGPOConfig:
    """Return the recipe's objective in the trainer's words."""
    rollouts = config.prompts_per_step * config.group_size
    return MGPOConfig(
        **common_arguments(config, context, folder, seed=seed),
        lr_scheduler_type="constant_with_warmup",
        per_device_train_batch_size=config.micro_batch_size,
        gradient_accumulation_steps=rollouts // config.micro_batch_size,
        num_generations=config.group_size,
        num_iterations=config.updates_per_batch,
        max_completion_length=config.max_new_tokens,
        temperature=config.temperature,
        epsilon=config.clip_epsilon,
        epsilon_high=config.clip_epsilon_high,
        beta=config.kl_coefficient,
        scale_rewards={"std": "group", "none": "none"}[config.advantage],
        loss_type={"response": "grpo", "token": "dapo"}[config.averaging],
        mask_truncated_completions=config.mask_truncated,
        lam=config.lam,
        long2short_lam=config.long2short.lam if config.long2short is not None else None,
        importance_cap=config.mismatch.cap if config.mismatch is not None else None,
        prompt_sampler=config.sampler.name,
        max_rounds=config.sampler.max_rounds if isinstance(config.sampler, DynamicSampler) else 1,
        skip_no_signal=config.skip_no_signal,
        gradient_checkpointing=False,
    )
