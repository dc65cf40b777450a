"""Trainings on as many processes as start it: ``python -m torch.distributed.run --nproc_per_node N ... FOLDER``.

The global batch is the same for any number of processes. Leaves what each training showed in ``FOLDER/found.json`` and
its parameters in ``FOLDER/NAME.safetensors``, written by the first process.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object
from datasets import Dataset
from safetensors.torch import save_file

from vibethinker.engines.checkpoints import WholeCheckpoints, last_checkpoint
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import render_prompt

G = 4
ROLLOUTS = 16
MICRO_BATCH = 4
STEPS = 4
QUESTIONS = [
    "Solve 2x+3=11 for x.",
    "Find the mean of 3, 5, 7.",
    "Find the median of 9, 4, 6.",
    "Let f(x)=3x+1. Find f(2).",
    "Solve 5x+1=16 for x.",
    "Find the mean of 2, 4, 9.",
    "Find the range of 9, 4, 6.",
    "Let f(x)=x+7. Find f(3).",
]
# What makes a text right differs by question; None: every text is, and the group has no signal.
SALTS = [0, None, 1, 0, None, 1, None, 1]
# At the same policy the loss of a batch is 0 but for rounding; at the second update on it, it is not.
TRAININGS: dict[str, dict[str, Any]] = {
    "uniform": {"num_iterations": 2},
    "max_entropy": {"prompt_sampler": "max_entropy", "loss_type": "dapo", "num_iterations": 2},
    "dynamic": {"prompt_sampler": "dynamic", "max_rounds": 3, "num_iterations": 2},
}


class Trainer(WholeCheckpoints, MGPOTrainer):
    """As the rl stage saves."""

    keep_checkpoints = 1


def is_right(text, salt):
    return salt is None or (sum(map(ord, text)) + salt) % 2 == 1


def reward(completions, salt, **_):
    return [float(is_right(text, one)) for text, one in zip(completions, salt, strict=True)]


def new_trainer(folder, rows, *, processes, micro_batch=MICRO_BATCH, **options):
    model, tokenizer = load_model("micro")
    settings = {
        "output_dir": str(folder),
        "max_steps": STEPS,
        # Plain descent: Adam would make of a gradient that is nothing but rounding a whole step.
        "optim": "sgd",
        "learning_rate": 0.3,
        "lr_scheduler_type": "constant",
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": ROLLOUTS // micro_batch // processes,
        "num_generations": G,
        "max_completion_length": 16,
        "max_grad_norm": 0.5,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "ddp_backend": "gloo" if processes > 1 else None,
        "bf16": False,
        "seed": 3,
        "gradient_checkpointing": False,
    }
    return Trainer(
        model=model,
        args=MGPOConfig(**(settings | options)),
        reward_funcs=[reward],
        train_dataset=Dataset.from_dict(
            {
                "prompt": [render_prompt(tokenizer, "{question}", question) for question in QUESTIONS],
                "question": QUESTIONS,
                "salt": SALTS,
            }
        ),
        processing_class=tokenizer,
        on_rollouts=lambda step, drawn: rows.append({"step": step, "rows": drawn}),
    )


def training(folder, name, *, processes, resume=None, **options):
    """Train, save the parameters, and return what the training showed."""
    rows: list[dict[str, object]] = []
    trainer = new_trainer(folder / name, rows, processes=processes, **TRAININGS[name.split("-")[0]], **options)
    trainer.train(resume_from_checkpoint=resume)
    states = gather_object([trainer.prompts.state()])
    if trainer.accelerator.is_main_process:
        parameters = {key: value.clone() for key, value in trainer.model.state_dict().items()}
        save_file(
            {key: value for key, value in parameters.items() if key != "lm_head.weight"}, folder / f"{name}.safetensors"
        )
    # The reward stands beside the first update on a batch only.
    keys = ("loss", "grad_norm", "reward")
    return {
        "history": [{key: line.get(key) for key in keys} for line in trainer.state.log_history if "loss" in line],
        "rollouts": rows,
        "states": states,
        "statistics": trainer.group_statistics,
        "checkpoints": sorted(path.name for path in (folder / name).iterdir()),
        "generators": sorted(path.name for path in (folder / name).rglob("rng_state*")),
    }


def refusal(folder, *, processes):
    """Generate one group in all, and return what the trainer says of its being split, if it is."""
    try:
        new_trainer(
            folder / "refused",
            [],
            processes=processes,
            micro_batch=G // 2,
            gradient_accumulation_steps=2 // processes,
            generation_batch_size=G,
        )
    except ValueError as error:
        return str(error)
    return None


def run(folder, *, processes):
    found: dict[str, object] = {name: training(folder, name, processes=processes) for name in TRAININGS}
    # The same once more in two parts: as far as the first checkpoint, and on from there.
    training(folder, "dynamic-again", processes=processes, max_steps=STEPS // 2)
    _, checkpoint = last_checkpoint(folder / "dynamic-again") or (0, None)
    found["resumed"] = training(folder, "dynamic-again", processes=processes, resume=str(checkpoint))
    found["refusal"] = refusal(folder, processes=processes)
    if os.environ.get("RANK", "0") == "0":
        (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    run(Path(sys.argv[1]), processes=int(os.environ["WORLD_SIZE"]))
