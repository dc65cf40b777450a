"""One step of reinforcement learning: MGPOTrainer beside TRL's GRPOTrainer, the same 32 prompts in groups of 8, fp32.

python benchmarks/rl_step.py
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

import common
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import load_model
from vibethinker.engines.rl import CorrectnessReward
from vibethinker.engines.sampler import render_prompt
from vibethinker.verify import judge_responses

PROMPTS, GROUP, STEPS, MICRO_BATCH, LENGTH = 32, 8, 6, 64, 96


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ends."""

    def __init__(self) -> None:
        """Begin without any."""
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Note the time."""
        self.ends.append(time.perf_counter())


def seconds_per_step(trainer_class: type, config_class: type, **options: Any) -> list[float]:  # noqa: ANN401
    """Train for some steps; the first, which warms up, is not counted."""
    model, tokenizer = load_model("micro")
    problems = common.probing_problems(PROMPTS * 4)
    rows: Sequence[dict[str, str]] = [
        {"prompt": render_prompt(tokenizer, "{question}", problem.question), "answer": problem.answer}
        for problem in problems
    ]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = config_class(
            output_dir=folder,
            max_steps=STEPS,
            learning_rate=2e-4,
            per_device_train_batch_size=MICRO_BATCH,
            gradient_accumulation_steps=PROMPTS * GROUP // MICRO_BATCH,
            num_generations=GROUP,
            max_completion_length=LENGTH,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            **options,
        )
        trainer = trainer_class(
            model=model,
            args=arguments,
            reward_funcs=[CorrectnessReward(judge_responses)],
            train_dataset=Dataset.from_list(list(rows)),
            processing_class=tokenizer,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False)]


def main() -> None:
    """Print seconds per step, ours and theirs."""
    ours, theirs = [], []
    for _ in range(2):
        ours += seconds_per_step(MGPOTrainer, MGPOConfig, lam=4.0)
        theirs += seconds_per_step(GRPOTrainer, GRPOConfig, loss_type="grpo", scale_rewards="group", beta=0.0)
    common.report(f"one step, {PROMPTS} prompts x {GROUP}", "s", ours, theirs)
    print(f"  a step's spread, ours: {statistics.pstdev(ours):.3f} s")


if __name__ == "__main__":
    main()
