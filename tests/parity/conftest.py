"""A few steps of a trainer on the micro model, and what they did to it."""

import copy

import pytest
import torch
from datasets import Dataset

from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import render_prompt

# Started by tests in an environment of their own.
collect_ignore_glob = ["*_run.py"]

G = 4
QUESTIONS = [
    "Solve 2x+3=11 for x.",
    "Find the mean of 3, 5, 7.",
    "Find the median of 9, 4, 6.",
    "Let f(x)=3x+1. Find f(2).",
]


def digit_reward(completions, **_):
    """Some right and some wrong in every group, by a property of the text alone."""
    return [float(sum(map(ord, text)) % 2) for text in completions]


class Recorder:
    """Keeps the gradients of the last step, before the optimiser uses them."""

    def __init__(self, trainer):
        self.gradients: dict[str, torch.Tensor] = {}
        trainer.create_optimizer()
        original = trainer.optimizer.step

        def step(*args, **kwargs):
            self.gradients = {
                name: p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None
            }
            return original(*args, **kwargs)

        trainer.optimizer.step = step


@pytest.fixture(scope="session")
def micro():
    return load_model("micro")


@pytest.fixture
def train(micro, tmp_path):
    """Train on four questions in groups of four; return the trainer, the first loss and the last gradients."""

    def run(trainer_class, config_class, **options):
        return _train(micro, tmp_path, trainer_class, config_class, **options)

    return run


def _train(
    micro,
    tmp_path,
    trainer_class,
    config_class,
    *,
    rewards=(digit_reward,),
    micro_batch=8,
    steps=1,
    questions=None,
    columns=None,
    arguments=None,
    **options,
):
    """``columns`` are more of the dataset's, ``arguments`` the trainer's, ``options`` the configuration's."""
    model, tokenizer = copy.deepcopy(micro[0]), micro[1]
    questions = QUESTIONS if questions is None else questions
    settings = {
        "output_dir": str(tmp_path),
        "max_steps": steps,
        "learning_rate": 1e-3,
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": len(QUESTIONS) * G // micro_batch,
        "num_generations": G,
        "max_completion_length": 24,
        "max_grad_norm": 0.5,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "bf16": False,
        "seed": 11,
        "gradient_checkpointing": False,
    }
    prompts = [render_prompt(tokenizer, "{question}", question) for question in questions]
    trainer = trainer_class(
        model=model,
        args=config_class(**(settings | options)),
        reward_funcs=list(rewards),
        train_dataset=Dataset.from_dict({"prompt": prompts, **(columns or {})}),
        processing_class=tokenizer,
        **(arguments or {}),
    )
    recorder = Recorder(trainer)
    trainer.train()
    return trainer, trainer.state.log_history[0]["loss"], recorder.gradients
