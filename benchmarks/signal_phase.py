"""The Signal phase measured: time per step, choosing prompts, the weight, brevity. Ours beside TRL and DAPO.

python benchmarks/signal_phase.py step
python benchmarks/signal_phase.py prompts|lam|brevity --runs runs/signal [--seeds 1 2 3 4] [--jobs 2]

Learning curves are kept in the folder, one JSON file a cell, so that the same command goes on where it was interrupted.
"""

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from signal_steps import report_steps
from vibethinker.algos.intervals import mean_interval

SILENT = {0.2: 2048, 0.5: 2048, 0.8: 3072, 0.9: 3072}
"""Shares of groups without signal under uniform sampling at the start, and the rollouts that are spent."""
ARMS: dict[str, dict[str, Any]] = {
    "uniform": {"sampler": "uniform", "lam": 0.0},
    "dynamic (DAPO)": {"sampler": "dynamic", "lam": 0.0},
    "ours": {"sampler": "max_entropy", "lam": 4.0},
    "ours, no priors": {"sampler": "max_entropy", "lam": 4.0, "alone": True},
}
BUDGET = 3072
"""Rollouts spent where the weight is measured."""
TARGETS = (0.55, 0.6)
"""Pass@1 on the watched problems that is waited for; the base has .41."""
LAMS = (0.0, 1.0, 4.0, 8.0)
Curve = list[dict[str, float]]
_printing = threading.Lock()


def cell_path(folder: Path, options: dict[str, Any]) -> Path:
    """Return where a cell's result is kept."""
    name = "_".join(f"{key}-{Path(str(value)).name}" for key, value in sorted(options.items()) if key != "save")
    return folder / f"{name}.json"


def run_cell(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Run one cell in a process of its own, or take the result that is there."""
    path = cell_path(folder, options)
    if not path.is_file():
        command = [sys.executable, str(Path(__file__).with_name("signal_runs.py")), "--bank", str(folder / "bank.json")]
        done = subprocess.run(
            [*command, "--run", json.dumps(options)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        partial = path.with_suffix(".partial")
        partial.write_bytes(done.stdout)
        partial.replace(path)
        with _printing:
            print(f"  {path.stem}", file=sys.stderr)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def run_cells(folder: Path, cells: Sequence[dict[str, Any]], jobs: int) -> list[dict[str, Any]]:
    """Run the cells, some at a time; the bank of prompts first."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "bank.json").is_file():
        script = Path(__file__).with_name("signal_runs.py")
        subprocess.run([sys.executable, str(script), "--bank", str(folder / "bank.json")], check=True)
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda options: run_cell(folder, options), cells))


def average(curves: Sequence[Curve], at: float) -> float:
    """Return the mean accuracy of several curves after that many rollouts, between points on a straight line."""
    return mean(value_at(curve, "rollouts", at) for curve in curves)


def value_at(curve: Curve, axis: str, at: float) -> float:
    """Return a curve's accuracy at a place of an axis; before its first point and after its last what it is there."""
    before = [point for point in curve if point[axis] <= at] or curve[:1]
    after = [point for point in curve if point[axis] > at] or curve[-1:]
    low, high = before[-1], after[0]
    if high[axis] <= low[axis]:
        return low["accuracy"]
    return low["accuracy"] + (high["accuracy"] - low["accuracy"]) * (at - low[axis]) / (high[axis] - low[axis])


def until(curve: Curve, axis: str, target: float) -> float | None:
    """Return where on an axis the curve, smoothed over three points, first reaches the target; None if nowhere."""
    heights = [mean(point["accuracy"] for point in curve[max(0, at - 1) : at + 2]) for at in range(len(curve))]
    for at in range(1, len(curve)):
        if heights[at] >= target:
            low, high = heights[at - 1], heights[at]
            share = 0.0 if high <= low or low >= target else (target - low) / (high - low)
            start = curve[at - 1][axis]
            return start + share * (curve[at][axis] - start)
    return None


def arms(silent: float) -> dict[str, dict[str, Any]]:
    """Return the ways of choosing compared; what the shared priors add is asked where there is most to gain."""
    return {name: arm for name, arm in ARMS.items() if silent >= 0.8 or "alone" not in arm}


def is_of(row: dict[str, Any], arm: dict[str, Any], silent: float) -> bool:
    """Say whether a result is of an arm at a share without signal."""
    return row["silent"] == silent and all(row.get(key) == arm.get(key) for key in ("sampler", "lam", "alone"))


def report_prompts(folder: Path, seeds: Sequence[int], jobs: int) -> None:
    """Print rollouts and seconds until the target for every share without signal and every way of choosing."""
    cells = [
        {**arm, "silent": silent, "seed": seed, "budget": SILENT[silent]}
        for silent in sorted(SILENT, reverse=True)
        for seed in seeds
        for arm in arms(silent).values()
    ]
    found = run_cells(folder, cells, jobs)
    print(
        f"rollouts (CPU seconds) until pass@1 is {' and '.join(map(str, TARGETS))}, base "
        f"{found[0]['curve'][0]['accuracy']:.2f}; {len(seeds)} seeds, mean, least to most; "
        f"> : a seed, or several, not within the rollouts spent, which then count"
    )
    for silent, budget in SILENT.items():
        print(f"{silent:.0%} of groups without signal, {budget:,} rollouts spent")
        uniform: dict[float, float] = {}
        for name, arm in arms(silent).items():
            curves = [row["curve"] for row in found if is_of(row, arm, silent)]
            line = f"  {name:16}"
            for target in TARGETS:
                reached = [until(curve, "rollouts", target) for curve in curves]
                seconds = [until(curve, "seconds", target) or curve[-1]["seconds"] for curve in curves]
                counted = [value or float(budget) for value in reached]
                sign = ">" if None in reached else " "
                uniform.setdefault(target, mean(counted))
                line += (
                    f"  {sign}{mean(counted):6,.0f} ({min(counted):,.0f} to {max(counted):,.0f}; {mean(seconds):.0f} s)"
                    f" {uniform[target] / mean(counted):4.2f}x"
                )
            final = [mean(point["accuracy"] for point in curve[-3:]) for curve in curves]
            print(f"{line}  at the end {mean(final):.3f} (+-{stdev(final):.3f})")
    plot_prompts(folder, found)


def plot_prompts(folder: Path, found: Sequence[dict[str, Any]]) -> None:
    """Draw the mean curves, one panel a share."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(SILENT), figsize=(14, 3.4), sharey=True)
    for panel, (silent, budget) in zip(panels, SILENT.items(), strict=True):
        places = range(0, budget + 1, 256)
        for name, arm in arms(silent).items():
            curves = [row["curve"] for row in found if is_of(row, arm, silent)]
            panel.plot(places, [average(curves, at) for at in places], label=name)
        panel.set_title(f"{silent:.0%} without signal", fontsize=10)
        panel.set_xlabel("rollouts")
    panels[0].set_ylabel("pass@1 on unseen problems")
    panels[-1].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(folder / "prompts.svg")
    print(f"curves: {folder / 'prompts.svg'}")


def report_lam(folder: Path, seeds: Sequence[int], jobs: int) -> None:
    """Print what the weight alone does, uniform prompts, half of the groups without signal."""
    cells = [
        {"sampler": "uniform", "lam": lam, "silent": 0.5, "seed": seed, "budget": BUDGET}
        for seed in seeds
        for lam in LAMS
    ]
    found = run_cells(folder, cells, jobs)
    print(f"pass@1 by lam, uniform prompts, {len(seeds)} seeds; difference to lam 0 paired by seed, 95 % interval")
    for lam in LAMS:
        rows = {row["seed"]: row["curve"] for row in found if row["lam"] == lam}
        none = {row["seed"]: row["curve"] for row in found if row["lam"] == 0.0}
        line = f"  lam {lam:3.0f} "
        for at in (BUDGET // 3, 2 * BUDGET // 3, BUDGET):
            line += f"  {at:,} rollouts {average(list(rows.values()), at):.3f}"
        if lam:
            differences = [
                value_at(rows[seed], "rollouts", at) - value_at(none[seed], "rollouts", at)
                for seed in seeds
                for at in (2 * BUDGET // 3, BUDGET)
            ]
            low, high = mean_interval(differences, low=-1.0, high=1.0)
            line += f"   to lam 0: {100 * mean(differences):+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
        print(line)


def report_brevity(folder: Path, seeds: Sequence[int], jobs: int) -> None:
    """Print length and accuracy of a model taught two lengths, before and after RL with and without Long2Short."""
    start = folder / "accurate"
    base = {"sampler": "uniform", "lam": 4.0, "silent": 0.2, "seed": 9, "budget": 6144, "save": str(start)}
    run_cells(folder, [base], 1)
    common_to_all = {"sampler": "uniform", "lam": 0.0, "silent": 0.2, "budget": 2048, "model": str(start)}
    common_to_all["wordy"] = str(folder / "wordy")
    cells = [{**common_to_all, "seed": seed, **extra} for seed in seeds for extra in ({}, {"long2short": 0.2})]
    # The first makes the model that all begin with.
    run_cells(folder, cells[:1], 1)
    found = run_cells(folder, cells, jobs)
    print(
        f"after accuracy RL and lessons in saying it twice, {cells[0]['budget']:,} rollouts, {len(seeds)} seeds; "
        f"mean length of right answers"
    )
    ends: dict[bool, dict[int, tuple[float, float]]] = {False: {}, True: {}}
    for row in found:
        last = row["curve"][-3:]
        ends["long2short" in row][row["seed"]] = (
            mean(point["accuracy"] for point in last),
            mean(point["length"] for point in last),
        )
    first = [row["curve"][0] for row in found]
    print(
        f"  before         pass@1 {mean(point['accuracy'] for point in first):.3f}  "
        f"{mean(point['length'] for point in first):.1f} tokens"
    )
    for short, name in ((False, "accuracy alone"), (True, "long2short")):
        values = list(ends[short].values())
        print(f"  {name:14} pass@1 {mean(a for a, _ in values):.3f}  {mean(length for _, length in values):.1f} tokens")
    for place, what, scale in ((0, "points of pass@1", 100), (1, "tokens", 1)):
        differences = [scale * (ends[True][seed][place] - ends[False][seed][place]) for seed in seeds]
        half = 1.96 * stdev(differences) / len(differences) ** 0.5
        print(f"  long2short to accuracy alone: {mean(differences):+.1f} {what} (+-{half:.1f})")


def main() -> None:
    """Measure one of the four."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["step", "prompts", "lam", "brevity"])
    parser.add_argument("--runs", type=Path, default=Path("runs/signal"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.what == "step":
        report_steps()
    else:
        reports = {"prompts": report_prompts, "lam": report_lam, "brevity": report_brevity}
        reports[given.what](given.runs, given.seeds, given.jobs)


if __name__ == "__main__":
    main()
