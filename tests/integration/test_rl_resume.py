"""A reinforcement learning stage that is killed goes on from where it was: the same model, to the last bit.

One recipe with a stage for everything that has a state of its own; one run of it is left alone, the other is killed
in every stage, at moments drawn from a seed, and once asked to stop.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

COMMON: dict[str, Any] = {
    "kind": "rl",
    "model": "micro",
    "data": "problems",
    "steps": 4,
    "save_every": 2,
    "learning_rate": 2e-4,
    "warmup_steps": 2,
    "prompts_per_step": 4,
    "group_size": 4,
    "micro_batch_size": 8,
    "max_new_tokens": 24,
    "prefilter": None,
    # Low enough that trouble begins early, is told once, and is still there when the run is killed.
    "health": {"window": 2, "truncated_share": 0.01, "no_signal": 0.01},
}
STAGES: dict[str, dict[str, Any]] = {
    "uniform": {"save_every": 1},
    "max_entropy": {
        "sampler": {"name": "max_entropy"},
        "prefilter": {"samples": 2, "first": 2, "keep": "all"},
    },
    "dynamic": {"sampler": {"name": "dynamic", "max_rounds": 3}},
    "several_updates": {"steps": 6, "updates_per_batch": 2, "kl_coefficient": 0.01},
    "lora": {"adapter": {"name": "lora", "rank": 4}},
}
# What is on disk when a run is killed: rollouts that are not learned from yet, half a checkpoint, a whole one. Half a
# checkpoint may be gone before it is seen; then the run is killed at the first whole one.
FIRST = ("rollouts/000001.parquet", "training/unfinished", "training/checkpoint-2")
LAST = "rollouts/000003.parquet"
KILLED_TWICE = ("uniform", "max_entropy", "dynamic")
# Asked to stop at the last sign, where these rollouts are for two steps, of which the first is being done; then killed.
INTERRUPTED = "several_updates"
AFTERWARDS = "rollouts/000005.parquet"


class Runs:
    """Processes that run a recipe, from one that has imported the libraries."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm_runs.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        )

    def start(self, run_dir):
        assert self.server.stdin is not None
        print(json.dumps(["run", str(self.recipe), "--run-dir", str(run_dir)]), file=self.server.stdin, flush=True)
        return self._answer()

    def status(self):
        return self._answer()

    def close(self):
        self.server.communicate()

    def _answer(self):
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())


def lines(run_dir, stage):
    """The stage's whole lines in metrics.jsonl."""
    path = run_dir / "metrics.jsonl"
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [line for line in map(json.loads, whole.splitlines()) if line["stage"] == stage]


def stages(run_dir):
    return {stage["id"]: stage for stage in json.loads((run_dir / "run.json").read_text())["stages"]}


def written(path):
    return path.stat().st_mtime_ns if path.exists() else None


def stop(runs, run_dir, stage, *, sign, number):
    """Run until the stage has written ``sign``, or is done; signal, and return the exit status and whether it was."""
    folder = run_dir / ".work" / stage
    signs = {folder / sign, folder / (FIRST[-1] if sign in FIRST else sign)}
    before = {path: written(path) for path in signs}
    process = runs.start(run_dir)
    while all(written(path) in (None, before[path]) for path in signs) and not (run_dir / stage).exists():
        time.sleep(0.002)
    os.kill(process, number)
    return runs.status(), (run_dir / stage).exists()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return the run directory of the run left alone, that of the other, and the statuses of what ended it."""
    folder = tmp_path_factory.mktemp("resume")
    recipe = folder / "recipe.yaml"
    problems = {"id": "problems", "kind": "data", "rl": {"source": "procedural", "count": 12, "levels": [1]}}
    listed = [problems, *({"id": name, **COMMON, **own} for name, own in STAGES.items())]
    recipe.write_text(
        json.dumps({"name": "resume", "seed": 5, "model": "micro", "dtype": "float32", "threads": 1, "stages": listed})
    )
    runs = Runs(recipe)
    try:
        whole, killed = folder / "whole", folder / "killed"
        runs.start(whole)
        assert runs.status() == 0
        rng = Random(2)
        ends = {}
        for stage in STAGES:
            signs = [rng.choice(FIRST), *([LAST] if stage in KILLED_TWICE else [])]
            if stage == INTERRUPTED:
                # First, while the stage is sure to be there to be stopped: a kill may come late on a busy machine.
                ends["asked"] = stop(runs, killed, stage, sign=LAST, number=signal.SIGINT)
                ends["saved"] = [int(path.name.split("-")[1]) for path in killed.rglob("checkpoint-*")]
                signs = [AFTERWARDS]
            ends[stage] = [stop(runs, killed, stage, sign=sign, number=signal.SIGKILL) for sign in signs]
        runs.start(killed)
        assert runs.status() == 0
    finally:
        runs.close()
    return whole, killed, ends


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_killed_and_run_again_it_ends_with_the_same_bytes(both, stage):
    whole, killed, ends = both
    assert {status for status, _ in ends[stage]} == {-signal.SIGKILL}
    weights = Path(stage) / "model" / "model.safetensors"
    assert (killed / weights).read_bytes() == (whole / weights).read_bytes()
    assert len(lines(whole, stage)) == (COMMON | STAGES[stage])["steps"]
    assert lines(killed, stage) == lines(whole, stage)
    rollouts = Path(stage) / "rollouts.parquet"
    assert pq.read_table(killed / rollouts).equals(pq.read_table(whole / rollouts))


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_warnings_and_what_the_stage_found_survive_too(both, stage):
    whole, killed, _ = both
    found = stages(whole)[stage]["metrics"]
    assert {warning["name"] for warning in found["warnings"]} >= {"no_signal", "truncated"}
    assert stages(killed)[stage]["metrics"] == found


@pytest.mark.slow
def test_stages_differ_or_the_above_would_prove_little(both):
    models = {(both[0] / stage / "model" / "model.safetensors").read_bytes() for stage in STAGES}
    assert len(models) == len(STAGES)


@pytest.mark.slow
def test_asked_to_stop_amid_a_batchs_updates_it_finishes_them_first(both):
    ends = both[2]
    assert ends["asked"][0] == 130
    assert all(step % 2 == 0 for step in ends["saved"])


@pytest.mark.slow
def test_most_of_the_kills_came_before_the_stage_was_done(both):
    done = [done for name in STAGES for _, done in both[2][name]]
    assert sum(done) < len(done) / 2, "this machine is too busy to see what a stage writes before it ends"
