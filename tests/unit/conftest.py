"""Small real stages for the pipeline to run: each writes a file, counts steps, and has the trouble it is told to."""

import importlib.util
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from vibethinker.configs.loading import load_recipe
from vibethinker.configs.recipe import Recipe
from vibethinker.observe.progress import RunDisplay
from vibethinker.pipeline.runner import RunResult, run_recipe

HERE = Path(__file__).parent
SAMPLE = HERE / "sample_recipe.yaml"

STAGE = '''
"""Counts to four and keeps every second step; `<id>.trouble` beside this file says what goes wrong at step 3."""

import os
import signal
from pathlib import Path

from vibethinker.errors import InputError, Interrupted

STEPS = 4


def run(config, context):
    saved = context.folder / "step.txt"
    begin = int(saved.read_text()) if saved.exists() else 0
    attempts = context.folder / "attempts.txt"
    attempts.write_text(attempts.read_text() + "+" if attempts.exists() else "+")
    if begin:
        context.metrics.cut_back(begin)
    context.progress.start(STEPS, unit="step", done=begin)
    for step in range(begin + 1, STEPS + 1):
        if step == 3:
            trouble(config, context)
        context.metrics.log(step, {"loss": 1 / step})
        if step % 2 == 0:
            saved.write_text(str(step))
        if context.progress.interrupt_requested():
            raise Interrupted(step=int(saved.read_text()))
        context.progress.advance()
    trouble(config, context, "at the end")
    read = {name: (folder / "result.txt").read_text() for name, folder in context.inputs.items()}
    (context.folder / "result.txt").write_text(f"{config.id} of {sorted(read)} with seed {context.seed}")
    return {"attempts": len(attempts.read_text()), "model": context.model}


def trouble(config, context, when=""):
    wanted = Path(__file__).with_name(f"{config.id}.trouble{when}")
    what = wanted.read_text() if wanted.exists() else ""
    wanted.unlink(missing_ok=True)
    if what == "error":
        raise RuntimeError("two\\nlines")
    if what == "wrong input":
        raise InputError("no column")
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "wait":
        Path(__file__).with_name("waiting").touch()
        while True:
            context.progress.advance(0)
    if what in ("SIGINT", "SIGTERM", "SIGINT twice"):
        os.kill(os.getpid(), getattr(signal, what.split()[0]))
    if what == "SIGINT twice":
        os.kill(os.getpid(), signal.SIGINT)
    if what == "full":
        (context.folder / "model.bin").write_bytes(bytes(8 * 2**20))
    if what == "no space":
        try:
            Path("/dev/full").write_text("x" * 2**16)
        except OSError as error:
            raise RuntimeError("cannot save") from error
'''


class FolderStages:
    """The code of every kind of stage in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def source(self, kind: str) -> Path:
        return self.folder / f"{kind}.py"

    def run(self, kind: str) -> Callable[..., dict[str, Any]]:
        spec = importlib.util.spec_from_file_location(f"stage_{kind}", self.source(kind))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        run: Callable[..., dict[str, Any]] = module.run
        return run


class SmallRun:
    """A run of the sample recipe with the small stages."""

    def __init__(self, folder: Path) -> None:
        self.run_dir = folder / "run"
        self.code = FolderStages(folder / "stages")
        self.output = io.StringIO()

    def write_stages(self) -> None:
        self.code.folder.mkdir()
        for kind in ("data", "pretrain", "sft", "probe", "fuse", "rl", "evaluate"):
            self.code.source(kind).write_text(STAGE)

    def recipe(self, *overrides: str) -> Recipe:
        """Return the sample recipe; its model is a folder, so that no test depends on what the package ships."""
        model = self.code.folder / "model"
        model.mkdir(exist_ok=True)
        (model / "config.json").write_text("{}")
        return load_recipe(SAMPLE, [f"model={model}", *overrides])

    def trouble(self, stage_id: str, what: str, when: str = "") -> None:
        """Make the stage's next attempt go wrong at its third step, or ``at the end``."""
        (self.code.folder / f"{stage_id}.trouble{when}").write_text(what)

    def go(self, *overrides: str, **options: Any) -> RunResult:
        self.output = io.StringIO()
        ui = partial(RunDisplay, console=Console(file=self.output, width=120))
        return run_recipe(self.recipe(*overrides), self.run_dir, ui=ui, code=self.code, **options)

    def attempts(self) -> dict[str, int]:
        """Return how often each finished stage was begun."""
        return {path.parent.name: len(path.read_text()) for path in sorted(self.run_dir.glob("[!.]*/attempts.txt"))}

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Return times and contents of all files in the run directory."""
        files = [path for path in self.run_dir.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.run_dir)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    def words(self) -> dict[str, str]:
        """Return how each stage ended, by the last line shown of it."""
        lines = [line.split() for line in self.output.getvalue().splitlines()[1:]]
        return {words[1]: words[-3] if words[-1] == "s" else words[-2] for words in lines}


@pytest.fixture
def small_run(tmp_path: Path) -> SmallRun:
    run = SmallRun(tmp_path)
    run.write_stages()
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a model's folder of given tensors, for tests of fusion."""
    # Late: most tests need no tensors.
    from safetensors.torch import save_file

    def make(name: str, tensors: dict[str, Any], **config: Any) -> Path:
        path = tmp_path / name
        path.mkdir()
        (path / "config.json").write_text(json.dumps({"model_type": "qwen2", **config}))
        save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
        return path

    return make


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fusion work in blocks smaller than the tensors of its tests."""
    from vibethinker.engines.fusion import stream

    monkeypatch.setattr(stream, "BLOCK_NUMBERS", 7)
