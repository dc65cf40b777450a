"""What every training of the package sets alike."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vibethinker.configs.common import TrainingConfig
from vibethinker.errors import InputError
from vibethinker.interfaces import StageContext


def common_arguments(config: TrainingConfig, context: StageContext, folder: Path, *, seed: int) -> dict[str, Any]:
    """Return keyword arguments for transformers' ``TrainingArguments`` and its kin."""
    return {
        "output_dir": str(folder),
        "max_steps": config.steps,
        "learning_rate": config.learning_rate,
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "adam_beta1": 0.9,
        "adam_beta2": config.adam_beta2,
        "max_grad_norm": config.max_grad_norm,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        # Rotation is ours (engines.checkpoints), which knows whole checkpoints from unfinished ones.
        "save_total_limit": None,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": trackers(context.trackers),
        "disable_tqdm": True,
        # transformers takes seeds of 32 bits.
        "seed": seed % 2**32,
        "data_seed": seed % 2**32,
        "use_cpu": context.numerics.device == "cpu",
        "bf16": context.numerics.dtype == "bfloat16",
        "fp16": False,
        "remove_unused_columns": False,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": context.numerics.device != "cpu",
    }


def trackers(names: Sequence[str]) -> list[str] | str:
    """Return the trackers as transformers takes them.

    Raises:
        InputError: If one is not installed.
    """
    for name in names:
        if find_spec(name) is None:
            raise InputError(f"tracker {name} is not installed: add the extra trackers, or take it out of `trackers:`")
    return list(names) or "none"
