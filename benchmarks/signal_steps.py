"""Time per step of reinforcement learning with half of the groups without signal; see ``benchmarks/signal_phase.py``.

Half of the prompts are judged right whatever is said, the others by chance (a property of the text), so that the share
is the same in every step and for every trainer.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from trl import GRPOConfig, GRPOTrainer

from timed_training import GROUP, PROMPTS, timed_training
from vibethinker.engines import mgpo_trainer
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.records import Problem

STEPS, ROUNDS = 5, 3


def half_silent(completions: list[str], silent: list[bool], **_: Any) -> list[float]:  # noqa: ANN401
    """Right whatever is said where the prompt is to be without signal, else by the parity of the text."""
    return [1.0 if quiet else float(sum(map(ord, text)) % 2) for text, quiet in zip(completions, silent, strict=True)]


class Metered(MGPOTrainer):
    """Counts the seconds spent on what MGPO adds: choosing prompts, judging groups, weights, statistics, rows."""

    spent = 0.0

    @contextmanager
    def _metered(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spent += time.perf_counter() - began

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, on_rollouts=lambda *_: None, **kwargs)
        for owner, name in (
            (self.prompts, "choose"),
            (self.prompts, "observe"),
            (self, "_judged_groups"),
            (self, "_rows"),
            (self, "_correct_mismatch"),
            (self, "ratio_statistics"),
        ):
            setattr(owner, name, self._wrapped(getattr(owner, name)))
        for name in ("group_statistics", "micro_batches"):
            setattr(mgpo_trainer, name, self._wrapped(getattr(mgpo_trainer, name)))

    def _wrapped(self, function: Any) -> Any:  # noqa: ANN401
        def metered(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with self._metered():
                return function(*args, **kwargs)

        return metered


def every_second(problems: Sequence[Problem]) -> dict[str, list[Any]]:
    """Return which prompts are to be without signal."""
    return {"silent": [place % 2 == 0 for place in range(len(problems))]}


def train(trainer_class: type, config_class: type, **options: Any) -> tuple[Any, list[float]]:  # noqa: ANN401
    """Train without moving the model, so that all trainers draw alike."""
    return timed_training(
        trainer_class, config_class, half_silent, every_second, steps=STEPS, learning_rate=1e-6, **options
    )


def report_steps() -> None:
    """Print seconds per step of TRL and of ours, with and without the skip, in turn; and what our additions take."""
    trl = {"loss_type": "grpo", "scale_rewards": "group", "beta": 0.0}
    kinds: dict[str, tuple[type, type, dict[str, Any]]] = {
        "TRL": (GRPOTrainer, GRPOConfig, trl),
        "ours, TRL's generate": (MGPOTrainer, MGPOConfig, {"cached_sampling": False}),
        "ours, all rows": (MGPOTrainer, MGPOConfig, {"skip_no_signal": False}),
        "ours": (MGPOTrainer, MGPOConfig, {}),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (trainer_class, config_class, options) in kinds.items():
            times[name] += train(trainer_class, config_class, **options)[1]
    print(f"a step of {PROMPTS} x {GROUP}, half of the groups without signal, fp32, {torch.get_num_threads()} threads")
    whole = statistics.median(times["ours, all rows"])
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"  {name:22} {middle:6.3f} s   {min(values):.3f} to {max(values):.3f}   "
            f"TRL / this {statistics.median(times['TRL']) / middle:.2f}"
        )
    print(f"  the skip alone: {100 * (1 - statistics.median(times['ours']) / whole):.0f} % of a step less")
    metered, steps = train(Metered, MGPOConfig, prompt_sampler="max_entropy")
    # The first step's share is in the sum and not in the steps: what is said is a little too much.
    share = metered.spent / STEPS / statistics.median(steps)
    print(f"  sampler, weights, metrics: {1000 * metered.spent / STEPS:.1f} ms, {100 * share:.2f} % of a step")
