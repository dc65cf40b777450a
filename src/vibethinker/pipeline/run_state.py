"""A run's ``run.json``: which stage stands where, kept on disk after every change."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vibethinker.configs.recipe import Recipe
from vibethinker.errors import InputError
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import Numerics
from vibethinker.pipeline.lock import is_locked

RUN_FILE = "run.json"

RunStatus = Literal["running", "interrupted", "failed", "done"]
StageStatus = Literal["waiting", "running", "interrupted", "failed", "done"]


@dataclass
class StageState:
    """Where one stage stands.

    Attributes:
        id: Its id.
        kind: Its kind.
        status: Its status.
        fingerprint: What its result depends on; empty before the first run.
        seconds: Time spent on it, interrupted attempts that it went on from included.
        metrics: What it returned; empty until it is done.
    """

    id: str
    kind: str
    status: StageStatus = "waiting"
    fingerprint: str = ""
    seconds: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class RunState:
    """Where a run stands; ``save`` writes it to its directory.

    Attributes:
        run_dir: The run directory.
        name: The recipe's name.
        seed: The recipe's seed.
        stages: All stages, in the recipe's order.
        status: The run's status. A run with stages left to do that is not at work is interrupted.
        numerics: How it computes; None until a stage needs to know.
    """

    run_dir: Path
    name: str
    seed: int
    stages: Sequence[StageState]
    status: RunStatus = "running"
    numerics: Numerics | None = None

    @classmethod
    def of(cls, recipe: Recipe, run_dir: Path) -> "RunState":
        """Return the state of a run that has not begun."""
        stages = [StageState(stage.id, stage.kind) for stage in recipe.stages]
        return cls(run_dir, recipe.name, recipe.seed, stages)

    def stage(self, stage_id: str) -> StageState:
        """Return the stage of that id."""
        return next(stage for stage in self.stages if stage.id == stage_id)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``run.json``."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": round(sum(stage.seconds for stage in self.stages), 3),
            "seed": self.seed,
            "numerics": asdict(self.numerics) if self.numerics else None,
            "stages": [asdict(stage) | {"seconds": round(stage.seconds, 3)} for stage in self.stages],
        }

    def save(self) -> None:
        """Write ``run.json``, whole or not at all."""
        write_json(self.run_dir / RUN_FILE, self.as_dict())


def load_state(run_dir: Path) -> RunState:
    """Read a run's ``run.json``.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    path = run_dir / RUN_FILE
    if not path.is_file():
        raise InputError(f"{run_dir} is no run directory: it has no {RUN_FILE}; give the directory of a run")
    try:
        raw = read_json(path)
        return RunState(
            run_dir,
            str(raw["name"]),
            int(raw["seed"]),
            [StageState(**stage) for stage in raw["stages"]],
            raw["status"],
            Numerics(**raw["numerics"]) if raw["numerics"] else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {' '.join(str(error).split())}): "
            f"give --fresh to start over, or another --run-dir"
        ) from error


def read_status(run_dir: Path) -> dict[str, Any]:
    """Return a run's state for a person to read: what a killed process left as running is interrupted.

    Raises:
        InputError: If it is no run directory, or its ``run.json`` is damaged.
    """
    state = load_state(run_dir)
    if not is_locked(run_dir):
        if state.status == "running":
            state.status = "interrupted"
        for stage in state.stages:
            if stage.status == "running":
                stage.status = "interrupted"
    return state.as_dict()
