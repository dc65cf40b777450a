"""The quickstart at several seeds: what RL adds on held-out problems, and where the time goes.

The share of verification is measured by judging every response that the run kept once more.

python benchmarks/quickstart.py --seeds 7 8 9 --runs runs/seeds
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from vibethinker.verify import verify_answers

MODELS = ("base", "probe", "spectrum", "signal", "code")


def run(seed: int, folder: Path, recipe: Path, options: list[str]) -> dict[str, Any]:
    """Run (or go on with) the recipe at a seed and return its run.json."""
    run_dir = folder / f"seed-{seed}"
    command = [sys.executable, "-m", "vibethinker", "run", str(recipe), "--run-dir", str(run_dir)]
    overrides = [part for option in [f"seed={seed}", *options] for part in ("--set", option)]
    subprocess.run([*command, *overrides], check=True, stdout=subprocess.DEVNULL)
    state: dict[str, Any] = json.loads((run_dir / "run.json").read_text())
    return state


def scores(stage: dict[str, Any], names: tuple[str, ...]) -> str:
    """Show pass@1 and pass@8 of the models that a stage compared."""
    models = stage["metrics"]["models"]
    return " ".join(
        f"{name} {models[name]['pass@1']['all']:.3f}/{models[name]['pass@8']['all']:.3f}"
        for name in names
        if name in models
    )


def gain(stage: dict[str, Any], name: str) -> str:
    """Show the paired difference of a model to the one before it."""
    found = stage["metrics"]["difference"][name]
    return f"{found['points']:+.1f} points (+-{found['half_width']:.1f}) to {found['to']}"


def seconds_of_verification(run_dir: Path) -> dict[str, tuple[int, float]]:
    """Judge all responses of a run again; return how many there are and the seconds, for mathematics and for code."""
    found: dict[str, tuple[list[str], list[str]]] = {"math": ([], []), "code": ([], [])}
    for path in sorted(run_dir.glob("*/*.parquet")):
        columns = pq.read_schema(path).names
        gold = next((name for name in ("gold", "answer") if name in columns), None)
        if gold is None or "text" not in columns or "status" not in columns:
            continue
        table = pq.read_table(path, columns=[gold, "text", "domain"]).to_pylist()
        for row in table:
            golds, texts = found["code" if row["domain"] == "code" else "math"]
            golds.append(row[gold])
            texts.append(row["text"])
    verify_answers(["1/2"], [r"\boxed{\sqrt{1/4}}"])
    times = {}
    for kind, (golds, texts) in found.items():
        started = time.perf_counter()
        verify_answers(golds, texts, kind)
        times[kind] = (len(texts), time.perf_counter() - started)
    return times


def main() -> None:
    """Print a row per seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--runs", type=Path, default=Path("runs/seeds"))
    parser.add_argument("--recipe", type=Path, default=Path("recipes/quickstart.yaml"))
    parser.add_argument("--set", dest="options", action="append", default=[])
    given = parser.parse_args()
    for seed in given.seeds:
        state = run(seed, given.runs, given.recipe, given.options)
        stages = {stage["id"]: stage for stage in state["stages"]}
        times = " ".join(f"{name} {stage['seconds']:.0f}" for name, stage in stages.items())
        results = stages["results"]
        print(f"seed {seed}: mathematics {scores(results, MODELS)}")
        print(f"        signal {gain(results, 'signal')}; code {gain(results, 'code')}")
        if "code_results" in stages:
            print(f"        code {scores(stages['code_results'], MODELS)}")
            print(f"        code {gain(stages['code_results'], 'code')}")
        print(f"        {state['seconds']:.0f} s in all, {state['numerics']['dtype']}: {times}")
        for kind, (count, seconds) in seconds_of_verification(given.runs / f"seed-{seed}").items():
            share = 100 * seconds / state["seconds"]
            print(f"        verifying {count:,} responses, {kind}: {seconds:.2f} s, {share:.2f} % of the run")


if __name__ == "__main__":
    main()
