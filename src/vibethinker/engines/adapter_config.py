"""Whether an adapter is plain LoRA, told from its configuration: two low-rank factors, of a base that stays as it is.

What peft's variants do beyond that is no part of a merge here, and leaving it out would be another model without a
word; so whatever is switched on and not known to be harmless is refused by name.
"""

import json
from pathlib import Path
from typing import Any

from vibethinker.configs.model_places import ADAPTER_CONFIG
from vibethinker.errors import InputError

_KNOWN = frozenset(
    # What it is of, and who wrote it.
    "task_type peft_type auto_mapping peft_version base_model_name_or_path inference_mode runtime_config "
    # Which layers have factors, which the factors' own names say too.
    "target_modules exclude_modules layers_to_transform layers_pattern "
    # The factors' rank, scaling and orientation; dropout is of the training.
    "r lora_alpha lora_dropout fan_in_fan_out use_rslora rank_pattern alpha_pattern "
    # How the factors began; init_lora_weights itself is looked at below.
    "init_lora_weights loftq_config eva_config corda_config lora_ga_config "
    # Of no effect while what they belong to is off.
    "megatron_core qalora_group_size".split()
)
"""Fields of peft 0.21's LoraConfig that a merge of two factors does justice to, whatever they say."""
_OFF = {"bias": "none", "revision": "main"}
"""Values other than null, false, zero and nothing that stand for off."""
# The other ones start from parts of the base, which peft takes out of it when it loads one.
_PLAIN_BEGINNINGS = (True, False, "gaussian", "eva", "orthogonal")


def read_lora_config(folder: Path, reference: str) -> dict[str, Any]:
    """Return an adapter's configuration, of plain LoRA.

    Raises:
        InputError: If it cannot be read, or says anything that is more than two factors; names what.
    """
    try:
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {folder / ADAPTER_CONFIG}: {error}") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InputError(f"{reference} is no LoRA adapter: merge it with peft first")
    on = [key for key, value in config.items() if key not in _KNOWN and value and value != _OFF.get(key)]
    if config.get("init_lora_weights", True) not in _PLAIN_BEGINNINGS:
        on.append("init_lora_weights")
    if on:
        raise InputError(f"{reference} is an adapter with {on[0]}, which is not merged here: merge it with peft first")
    return config
