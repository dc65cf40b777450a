"""A recipe's stages in order: what is finished is kept, what was interrupted goes on, what fails says why."""

import logging
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from vibethinker.configs.data import DataConfig
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.references import BASE, AnyStageConfig
from vibethinker.configs.suggest import suggest
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.observe.report import write_report
from vibethinker.observe.summaries import numerics_line, summary_line
from vibethinker.pipeline import work
from vibethinker.pipeline.code_version import PACKAGE
from vibethinker.pipeline.failures import disk_is_full, explained
from vibethinker.pipeline.fingerprints import Fingerprint, fingerprint_stages
from vibethinker.pipeline.interrupts import InterruptRequests
from vibethinker.pipeline.lock import run_lock
from vibethinker.pipeline.run_folder import (
    METRICS_FILE,
    check_run_dir,
    remove_temporary_files,
    start_over,
    write_resolved,
)
from vibethinker.pipeline.run_state import RUN_FILE, RunState, RunStatus, load_state
from vibethinker.pipeline.stage_code import PackageStages, StageCode
from vibethinker.pipeline.watch import StageWatch

Display = Callable[[str, int, Path, str, list[tuple[str, str]]], RunDisplay]
"""Makes what the user sees, from the recipe's name, seed, run directory, numerics and stages (id, kind)."""

_LIBRARIES = ("torch", "transformers", "trl", "accelerate")
_NO_ENGINE = Numerics("float32", 1, "cpu", "no model at work")

log = logging.getLogger(__name__)


class RunInterrupted(Interrupted):
    """A run stopped where the user asked it to; says at which stage and from where the same command goes on."""

    def __init__(self, stage_id: str, *, step: int | None = None, reached: int | None = None) -> None:
        """Note the stage, the step that is saved, and the step that was reached if that is another."""
        super().__init__(step=step)
        if step is None:
            self.args = (f"interrupted at {stage_id}; the same command goes on there",)
        else:
            reached = step if reached is None else reached
            self.args = (f"interrupted at {stage_id}, step {reached}; the same command goes on from step {step}",)


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        run_dir: Its directory.
        run: The content of its ``run.json``.
        report: Its report; None where that could not be written.
    """

    run_dir: Path
    run: dict[str, Any]
    report: Path | None


def run_recipe(
    recipe: Recipe,
    run_dir: Path,
    *,
    only: str | None = None,
    until: str | None = None,
    fresh: bool = False,
    ui: Display = RunDisplay,
    code: StageCode | None = None,
) -> RunResult:
    """Run a recipe's stages in a directory, or what is left of them; ``only`` or ``until`` name a stage.

    A stage whose folder was made for the same fingerprint is kept. Nothing is touched before everything that can be
    checked has been.

    Raises:
        InputError: If a stage, model or file is missing, or the directory is in use or not this recipe's.
        WorkError: If a stage failed or the disk is full.
        RunInterrupted: If the user asked to stop; what was done is saved.
    """
    code = code or PackageStages()
    selected = _select(recipe, only, until)
    fingerprints = fingerprint_stages(recipe, code.source)

    def check() -> None:
        check_run_dir(run_dir, recipe, fresh=fresh)
        if only is not None:
            _check_inputs(recipe, recipe.stage(only), run_dir, fingerprints, fresh=fresh)

    check()
    for stage in selected:
        kept = run_dir.is_dir() and work.finished(run_dir, stage.id, fingerprints[stage.id].value)
        if isinstance(stage, DataConfig) and not kept:
            from vibethinker.data.preflight import check_sources

            check_sources(stage)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        with run_lock(run_dir), InterruptRequests() as interrupts:
            # Once more: another process may have been at work until now.
            check()
            state = _open(recipe, run_dir, fingerprints, fresh=fresh)
            return _Run(recipe, state, fingerprints, code, interrupts).run(selected, ui)
    except OSError as error:
        if disk_is_full(error, run_dir):
            raise explained(error, None, run_dir) from error
        raise InputError(f"cannot write to {run_dir} ({error.strerror}): give another --run-dir") from error


def _select(recipe: Recipe, only: str | None, until: str | None) -> Sequence[AnyStageConfig]:
    if only is not None and until is not None:
        raise InputError("--only and --until exclude each other: give one")
    ids = [stage.id for stage in recipe.stages]
    for option, given in (("--only", only), ("--until", until)):
        if given is not None and given not in ids:
            raise InputError(f'{option} {given}: there is no stage "{given}"{suggest(given, ids)}')
    if only is not None:
        return [recipe.stage(only)]
    return recipe.stages[: ids.index(until) + 1] if until is not None else recipe.stages


def _open(recipe: Recipe, run_dir: Path, fingerprints: dict[str, Fingerprint], *, fresh: bool) -> RunState:
    """Return the run's state as its folders have it: what a killed process did last is not in its ``run.json``."""
    if fresh:
        start_over(run_dir)
    remove_temporary_files(run_dir)
    state = load_state(run_dir) if (run_dir / RUN_FILE).is_file() else RunState.of(recipe, run_dir)
    for stage in state.stages:
        fingerprint = fingerprints[stage.id].value
        if manifest := work.finished(run_dir, stage.id, fingerprint):
            stage.status, stage.metrics, stage.seconds = "done", manifest["metrics"], manifest["seconds"]
        elif work.begun(run_dir, stage.id, fingerprint):
            stage.status, stage.metrics = "interrupted", {}
        else:
            stage.status, stage.metrics, stage.seconds = "waiting", {}, 0.0
        stage.fingerprint = fingerprint
    state.status = "running"
    write_resolved(run_dir, recipe)
    state.save()
    return state


def _check_inputs(
    recipe: Recipe, stage: AnyStageConfig, run_dir: Path, fingerprints: dict[str, Fingerprint], *, fresh: bool
) -> None:
    """Refuse to run a stage alone before the stages that it reads are done."""
    needs = recipe.needs(stage)
    missing = [need for need in needs if fresh or not work.finished(run_dir, need, fingerprints[need].value)]
    if missing:
        listed = ", ".join(f'"{need}"' for need in missing)
        undone = "which --fresh removes" if fresh else f"not done in {run_dir}"
        raise InputError(f"--only {stage.id} needs {listed}, {undone}: give --until {stage.id} to run all it needs")


class _Run:
    """One process's work on a run directory whose lock it holds."""

    def __init__(
        self,
        recipe: Recipe,
        state: RunState,
        fingerprints: dict[str, Fingerprint],
        code: StageCode,
        interrupts: InterruptRequests,
    ) -> None:
        self.recipe = recipe
        self.state = state
        self.run_dir = state.run_dir
        self.fingerprints = fingerprints
        self.code = code
        self.interrupts = interrupts

    def run(self, selected: Sequence[AnyStageConfig], ui: Display) -> RunResult:
        """Run what is not done of the selected stages, then write the report, also of a run that ended early."""
        current: AnyStageConfig | None = None
        try:
            numerics = self._numerics(selected)
            listed: list[tuple[str, str]] = [(stage.id, stage.kind) for stage in selected]
            shown = numerics_line(asdict(numerics)) if self.state.numerics is not None else numerics.reason
            with ui(self.recipe.name, self.recipe.seed, self.run_dir, shown, listed) as display:
                for current in selected:
                    self._stage(current, numerics, display)
        except (Interrupted, KeyboardInterrupt) as error:
            self._end("interrupted")
            stage_id = current.id if current is not None else selected[0].id
            if isinstance(error, RunInterrupted):
                raise
            raise RunInterrupted(stage_id) from error
        except Exception as error:
            self._end("failed", report=not disk_is_full(error, self.run_dir))
            raise explained(error, current.id if current is not None else None, self.run_dir) from error
        everything = all(stage.status == "done" for stage in self.state.stages)
        report = self._end("done" if everything else "interrupted")
        return RunResult(self.run_dir, self.state.as_dict(), report)

    def _numerics(self, selected: Sequence[AnyStageConfig]) -> Numerics:
        """Choose how to compute, once per run; stages without a model do without, and without loading torch."""
        left = [stage for stage in selected if self.state.stage(stage.id).status != "done"]
        if not any(self.fingerprints[stage.id].needs_engine for stage in left):
            return self.state.numerics or _NO_ENGINE
        from vibethinker.engines import numerics

        if self.state.numerics is None:
            self.state.numerics = numerics.choose(self.recipe.dtype, self.recipe.threads)
            self.state.save()
        numerics.apply(self.state.numerics)
        return self.state.numerics

    def _stage(self, stage: AnyStageConfig, numerics: Numerics, display: RunDisplay) -> None:
        """Run one stage, or keep what it made earlier."""
        entry = self.state.stage(stage.id)
        if entry.status == "done":
            display.finish(stage.id, "kept", summary_line(stage.kind, entry.metrics), entry.seconds)
            return
        if self.interrupts.requested():
            raise RunInterrupted(stage.id)
        watch = StageWatch(display.stage(stage.id, self.interrupts.requested), self.state, entry)
        status: Literal["done", "failed", "interrupted"] = "failed"
        summary = ""
        try:
            manifest = self._manifest(stage, numerics, watch)
            status, summary = "done", summary_line(stage.kind, manifest["metrics"])
            entry.metrics, entry.seconds = manifest["metrics"], manifest["seconds"]
        except (Interrupted, KeyboardInterrupt) as error:
            status = "interrupted"
            step = error.step if isinstance(error, Interrupted) else None
            reached = None if step is None else watch.step_reached(getattr(stage, "steps", None), step)
            raise RunInterrupted(stage.id, step=step, reached=reached) from error
        finally:
            entry.status = status
            if status != "done":
                entry.seconds = watch.seconds()
            display.finish(stage.id, status, summary, entry.seconds)
        self.state.save()

    def _manifest(self, stage: AnyStageConfig, numerics: Numerics, watch: StageWatch) -> dict[str, Any]:
        """Bring a stage's folder to its final name, whatever is left to do for that; return its manifest."""
        fingerprint = self.fingerprints[stage.id]
        manifest = work.complete(self.run_dir, stage.id, fingerprint.value)
        if manifest is None:
            metrics_file = MetricsFile(self.run_dir / METRICS_FILE, stage.id)
            if not work.begun(self.run_dir, stage.id, fingerprint.value):
                metrics_file.drop()
            folder = work.prepare(self.run_dir, stage.id, fingerprint.value)
            self.state.stage(stage.id).status = "running"
            self.state.save()
            context = StageContext(
                folder=folder,
                inputs={name: self.run_dir / name for name in fingerprint.inputs},
                seed=self.recipe.seed,
                model=self._base(stage),
                prompt=self.recipe.prompt,
                numerics=numerics,
                progress=watch,
                metrics=metrics_file,
                trackers=self.recipe.trackers,
            )
            metrics = self.code.run(stage.kind)(stage, context)
            manifest = {
                "id": stage.id,
                "kind": stage.kind,
                "fingerprint": fingerprint.value,
                "config": stage.model_dump(mode="json"),
                "inputs": dict(fingerprint.inputs),
                "metrics": metrics,
                "seconds": round(watch.seconds(), 3),
                "versions": _versions(),
            }
            work.seal(folder, manifest)
        work.publish(self.run_dir, stage.id)
        return manifest

    def _base(self, stage: AnyStageConfig) -> str | None:
        """Return what ``base`` stands for in a stage: the recipe's model, or what a pretrain stage before it made."""
        maker = self.recipe.base_stage(stage) if BASE in stage.model_refs() else None
        return self.recipe.model if maker is None else str(self.run_dir / maker / "model")

    def _end(self, status: RunStatus, *, report: bool = True) -> Path | None:
        """Put the run's status on disk and write its report, as far as the disk lets us."""
        self.state.status = status
        try:
            self.state.save()
        except OSError as error:
            log.warning("warning: %s not written: %s", self.run_dir / RUN_FILE, error.strerror)
        if not report or not any(stage.status == "done" for stage in self.state.stages):
            return None
        try:
            return write_report(self.run_dir)
        except (Exception, KeyboardInterrupt) as error:
            log.warning("warning: no report: %s", " ".join(str(error).split()) or type(error).__name__)
            return None


def _versions() -> dict[str, str]:
    """Return the versions of this package and of the libraries that the stages so far have loaded."""
    loaded = {name: sys.modules[name].__version__ for name in _LIBRARIES if name in sys.modules}
    return {PACKAGE: version(PACKAGE), "python": platform.python_version(), **loaded}
