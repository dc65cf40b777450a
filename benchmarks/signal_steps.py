"""Time per step of reinforcement learning with half of the groups without signal; see ``benchmarks/signal_phase.py``.

Half of the prompts are judged right whatever is said, the others by chance (a property of the text), so that the share
is the same in every step and for every trainer.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

import common
from vibethinker.engines import mgpo_trainer
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import render_prompt

PROMPTS, GROUP, STEPS, MICRO_BATCH, LENGTH, ROUNDS = 32, 8, 5, 64, 96, 3


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ends."""

    def __init__(self) -> None:
        """Begin without any."""
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Note the time."""
        self.ends.append(time.perf_counter())


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


def train(trainer_class: type, config_class: type, **options: Any) -> tuple[Any, list[float]]:  # noqa: ANN401
    """Train for some steps; return the trainer and the seconds of each step but the first, which warms up."""
    model, tokenizer = load_model("micro")
    problems = common.probing_problems(PROMPTS * 4)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_class(
            model=model,
            args=config_class(
                output_dir=folder,
                max_steps=STEPS,
                learning_rate=1e-6,
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
            ),
            reward_funcs=[half_silent],
            train_dataset=Dataset.from_list(
                [
                    {"prompt": render_prompt(tokenizer, "{question}", problem.question), "silent": place % 2 == 0}
                    for place, problem in enumerate(problems)
                ]
            ),
            processing_class=tokenizer,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return trainer, [after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False)]


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
