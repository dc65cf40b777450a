"""What a checkpoint of MGPO holds beside transformers' files: the sampler's evidence and whose checkpoint it is."""

import json
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError
from vibethinker.files import read_json, write_json

STATE_FILE = "mgpo_state.json"


def save_state(checkpoint: Path, state: dict[str, Any]) -> None:
    """Write the state into a checkpoint."""
    write_json(checkpoint / STATE_FILE, state)


def load_state(checkpoint: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state in a checkpoint; None where there is none, as in one of plain GRPO.

    Raises:
        InputError: If the checkpoint was made with other settings.
    """
    path = checkpoint / STATE_FILE
    if not path.is_file():
        return None
    state: dict[str, Any] = read_json(path)
    # Through JSON, so that both sides have the same types.
    wanted = json.loads(json.dumps(settings))
    if differing := sorted(key for key in wanted if state["settings"].get(key) != wanted[key]):
        key = differing[0]
        raise InputError(
            f"{checkpoint} is of another training: {', '.join(differing)} differ "
            f"({key} was {state['settings'].get(key)}, is {wanted[key]}): begin anew, or give it the same settings"
        )
    return state
