"""From a stage's model reference to a model that can be loaded, inside a run directory or outside."""

from pathlib import Path

from vibethinker.configs.references import BASE
from vibethinker.data.stage_files import PROBE_FILE
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import StageContext

CHECKPOINTS_FILE = "checkpoints.json"
MODEL_FOLDER = "model"


def resolve(reference: str, context: StageContext) -> str:
    """Return where the model lies: that of an earlier stage, the run's base, or a reference to one elsewhere.

    A probe stage stands for its best specialist, an sft stage of one run for its last checkpoint.

    Raises:
        InputError: If the run has no base.
    """
    if reference in context.inputs:
        folder = context.inputs[reference]
        if (folder / PROBE_FILE).is_file():
            return str(folder.parent / str(read_json(folder / PROBE_FILE)["best_path"]))
        if (folder / CHECKPOINTS_FILE).is_file():
            last = max(read_json(folder / CHECKPOINTS_FILE)["checkpoints"], key=lambda row: int(row["step"]))
            return str(folder / str(last["path"]))
        return str(folder / MODEL_FOLDER)
    if reference == BASE:
        if context.model is None:
            raise InputError("this recipe has no base: give it `model:` or a pretrain stage")
        return context.model
    return reference


def run_directory(context: StageContext, stage_id: str) -> Path:
    """Return the run directory, to which paths between stages are relative."""
    return context.inputs[stage_id].parent
