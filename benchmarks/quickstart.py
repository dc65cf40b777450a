"""The quickstart at several seeds: what RL adds on held-out problems, and where the time goes.

python benchmarks/quickstart.py --seeds 7 8 9 --runs runs/seeds
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MODELS = ("base", "probe", "spectrum", "signal")


def run(seed: int, folder: Path, recipe: Path, options: list[str]) -> dict[str, Any]:
    """Run (or go on with) the recipe at a seed and return its run.json."""
    run_dir = folder / f"seed-{seed}"
    command = [sys.executable, "-m", "vibethinker", "run", str(recipe), "--run-dir", str(run_dir)]
    overrides = [part for option in [f"seed={seed}", *options] for part in ("--set", option)]
    subprocess.run([*command, *overrides], check=True, stdout=subprocess.DEVNULL)
    state: dict[str, Any] = json.loads((run_dir / "run.json").read_text())
    return state


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
        models = stages["results"]["metrics"]["models"]
        shown = " ".join(
            f"{name} {models[name]['pass@1']['all']:.3f}/{models[name]['pass@8']['all']:.3f}" for name in MODELS
        )
        gain = stages["results"]["metrics"]["difference"]["signal"]
        times = " ".join(f"{name} {stage['seconds']:.0f}" for name, stage in stages.items())
        print(f"seed {seed}: pass@1/pass@8 {shown} | rl {gain['points']:+.1f} points (+-{gain['half_width']:.1f})")
        print(f"        {state['seconds']:.0f} s in all, {state['numerics']['dtype']}: {times}")


if __name__ == "__main__":
    main()
