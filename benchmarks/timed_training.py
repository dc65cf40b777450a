"""A few steps of a trainer on the micro model, timed; shared by the benchmarks of a step."""

import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

import common
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import render_prompt
from vibethinker.records import Problem

PROMPTS, GROUP, MICRO_BATCH, LENGTH = 32, 8, 64, 96


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ends."""

    def __init__(self) -> None:
        """Begin without any."""
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Note the time."""
        self.ends.append(time.perf_counter())


def timed_training(
    trainer_class: type,
    config_class: type,
    reward: Callable[..., Any],
    columns: Callable[[Sequence[Problem]], dict[str, list[Any]]],
    *,
    steps: int,
    **options: Any,  # noqa: ANN401
) -> tuple[Any, list[float]]:
    """Train for some steps; return the trainer and the seconds of each step but the first, which warms up."""
    model, tokenizer = load_model("micro")
    problems = common.probing_problems(PROMPTS * 4)
    prompts = [render_prompt(tokenizer, "{question}", problem.question) for problem in problems]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "output_dir": folder,
            "max_steps": steps,
            "per_device_train_batch_size": MICRO_BATCH,
            "gradient_accumulation_steps": PROMPTS * GROUP // MICRO_BATCH,
            "num_generations": GROUP,
            "max_completion_length": LENGTH,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": True,
            "bf16": False,
            "gradient_checkpointing": False,
        }
        trainer = trainer_class(
            model=model,
            args=config_class(**settings, **options),
            reward_funcs=[reward],
            train_dataset=Dataset.from_dict({"prompt": prompts, **columns(problems)}),
            processing_class=tokenizer,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return trainer, [after - before for before, after in zip(clock.ends, clock.ends[1:], strict=False)]
