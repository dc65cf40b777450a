"""One step of reinforcement learning: MGPOTrainer beside TRL's GRPOTrainer, the same 32 prompts in groups of 8, fp32.

python benchmarks/rl_step.py
"""

import statistics
from collections.abc import Sequence
from typing import Any

from trl import GRPOConfig, GRPOTrainer

import common
from timed_training import GROUP, PROMPTS, timed_training
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.rl import CorrectnessReward
from vibethinker.records import Problem
from vibethinker.verify import judge_responses

STEPS = 6


def answers(problems: Sequence[Problem]) -> dict[str, list[Any]]:
    """Return what the reward needs."""
    return {"answer": [problem.answer for problem in problems]}


def seconds_per_step(trainer_class: type, config_class: type, **options: Any) -> list[float]:  # noqa: ANN401
    """Train at the quickstart's learning rate, judged as in it."""
    reward = CorrectnessReward(judge_responses)
    return timed_training(trainer_class, config_class, reward, answers, steps=STEPS, learning_rate=2e-4, **options)[1]


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
