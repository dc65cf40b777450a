"""What a run directory says of its run, read for the report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.observe.metrics import read_metrics


@dataclass(frozen=True)
class StageRecord:
    """A stage of a run, finished or not.

    Attributes:
        id: Its name in the recipe.
        kind: What it does.
        status: waiting, running, interrupted, failed or done.
        seconds: How long it has taken.
        metrics: What it came to; empty until it is done.
        lines: Its lines of ``metrics.jsonl``, in order, also of a stage that is not done.
        folder: Its results; there only when it is done.
    """

    id: str
    kind: str
    status: str
    seconds: float | None
    metrics: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    folder: Path


@dataclass(frozen=True)
class RunRecord:
    """A run, finished or not; ``recipe`` is the resolved recipe's text, empty where there is none."""

    name: str
    status: str
    seed: int | None
    seconds: float | None
    numerics: Mapping[str, Any]
    stages: tuple[StageRecord, ...]
    recipe: str

    def of_kind(self, kind: str) -> list[StageRecord]:
        """Return the stages of a kind that have metrics, in their order."""
        return [stage for stage in self.stages if stage.kind == kind and stage.metrics]

    def kind_of(self, stage_id: str) -> str | None:
        """Return the kind of a stage; None for what is not a stage, such as ``base``."""
        return next((stage.kind for stage in self.stages if stage.id == stage_id), None)


def read_run(run_dir: Path) -> RunRecord:
    """Read ``run.json``, ``metrics.jsonl`` and ``recipe.yaml`` of a run directory.

    Raises:
        InputError: If there is no readable ``run.json``, or a whole line of ``metrics.jsonl`` is not one.
    """
    path = run_dir / "run.json"
    try:
        run = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{run_dir}: no run.json there; give a directory that `vibethinker run` has made") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
    lines = read_metrics(run_dir / "metrics.jsonl")
    recipe = run_dir / "recipe.yaml"
    return RunRecord(
        name=str(run.get("name", run_dir.name)),
        status=str(run.get("status", "")),
        seed=run.get("seed"),
        seconds=run.get("seconds"),
        numerics=run.get("numerics") or {},
        stages=tuple(
            StageRecord(
                id=stage["id"],
                kind=stage["kind"],
                status=stage["status"],
                seconds=stage.get("seconds"),
                metrics=stage.get("metrics") or {},
                lines=tuple(line for line in lines if line["stage"] == stage["id"]),
                folder=run_dir / stage["id"],
            )
            for stage in run.get("stages", ())
        ),
        recipe=recipe.read_text(encoding="utf-8") if recipe.is_file() else "",
    )
