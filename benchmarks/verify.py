"""The answer verifier beside math-verify: speed, import, accuracy, competition golds, hostile answers.

python benchmarks/verify.py [--only speed accuracy ...] [--show] [--json FILE]

math-verify judges with its defaults (``parse(f"${gold}$")``, ``parse(response)``, ``verify``), and as verl calls it.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as parquet

from answer_judges import DEFAULTS, HUNG, OURS, OURS_ANY, Judge, Judged, JudgeProcess, load_judge, peers
from answer_pairs import SPEED_SETS, Pair
from hostile_answers import HostilePair, boxed, hostile_pairs
from vibethinker.verify import verify_answer

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared/data"
CASES = [
    ROOT / "tests/data/answer_cases.jsonl",
    BESIDE / "answers/cases.jsonl",
    BESIDE / "answers/conventions.jsonl",
]
GOLDS = sorted(BESIDE.glob("*.parquet"))

SLOW_S, HANG_S = 2.0, 10.0
_BOX = re.compile(r"\\f?box(?:ed)?\b")
_LAST_DIGIT = re.compile(r"[0-9](?=[^0-9]*$)")


def table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print the rows in columns, the first to the left and the others to the right."""
    shown = [["", *headers], *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    print(title)
    for first, *others in shown:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        print("  " + "  ".join([first.ljust(widths[0]), *cells]))
    print()


def spread(values: Sequence[float], form: str) -> list[str]:
    """Show the median, the least and the most."""
    return [format(statistic(values), form) for statistic in (statistics.median, min, max)]


def measure_speed(given: argparse.Namespace) -> dict[str, Any]:
    """Time everyone on the same pairs in turn; each repeat draws new ones, so that nobody has seen any before."""
    judges = {name: load_judge(name) for name in [OURS, *peers()]}
    results: dict[str, Any] = {}
    for title, draw in SPEED_SETS.items():
        rates: dict[str, list[float]] = defaultdict(list)
        right: Counter[str] = Counter()
        judged: Counter[str] = Counter()
        paths: Counter[str] = Counter()
        for repeat in range(given.repeats + 1):
            pairs = list(islice(draw(Random(repeat)), given.pairs))  # noqa: S311
            for name, judge in judges.items():
                count, agreed, seconds = _timed(judge, pairs, given.seconds)
                if repeat:  # the first round warms up
                    rates[name].append(count / seconds)
                    judged[name] += count
                    right[name] += agreed
            paths.update(verify_answer(gold, response).path for gold, response, _ in pairs[:200])
        ours = statistics.median(rates[OURS])
        table(
            f"speed, {title}: pairs a second, warm, one process; median of {given.repeats}",
            ["pairs/s", "least", "most", "ours / it", "judged right", "of"],
            [
                [
                    *(name, *spread(rates[name], ",.0f"), f"{ours / statistics.median(rates[name]):,.1f}"),
                    *(f"{right[name] / judged[name]:.3f}", f"{judged[name]:,}"),
                ]
                for name in judges
            ],
        )
        print(f"  ours decided by: {_counted(paths)}\n")
        results[title] = {"paths": paths} | {
            name: {"pairs_per_s": rates[name], "judged": judged[name], "right": right[name]} for name in judges
        }
    return results


def _timed(judge: Judge, pairs: Sequence[Pair], limit_s: float) -> tuple[int, int, float]:
    """Judge pairs until none are left or the time is over; return how many, how many as labelled, and seconds."""
    count = agreed = 0
    start = time.perf_counter()
    for gold, response, right in pairs:
        agreed += judge(gold, response) is right
        count += 1
        if time.perf_counter() - start > limit_s:
            break
    return count, agreed, time.perf_counter() - start


def measure_import(given: argparse.Namespace) -> dict[str, Any]:
    """Time the imports in fresh processes, in turn, after one uncounted round."""
    times: dict[str, list[float]] = {"vibethinker.verify": [], **({"math_verify": []} if peers() else {})}
    for _ in range(given.repeats + 1):
        for module, seconds in times.items():
            code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            seconds.append(float(done.stdout))
    rows = [[module, *spread(seconds[1:], ".3f")] for module, seconds in times.items()]
    table(f"import in a fresh process, median of {given.repeats}", ["seconds", "least", "most"], rows)
    return {module: seconds[1:] for module, seconds in times.items()}


def measure_accuracy(given: argparse.Namespace) -> dict[str, Any]:
    """Judge labelled answers; None (a gold that cannot be used) is never as labelled."""
    results: dict[str, Any] = {}
    for file in given.cases:
        if not file.exists():
            print(f"accuracy: {file} is not there, skipped\n")
            continue
        cases = [case for case in map(json.loads, file.read_text().splitlines()) if case.get("kind", "math") == "math"]
        for case in cases:
            case["response"] = case["prediction"] if "prediction" in case else boxed(case["answer"])
        in_box = [_BOX.search(case["response"]) is not None for case in cases]
        found = {}
        for name in [OURS, OURS_ANY, *peers()]:
            judge = load_judge(name)
            said = [(judge(case["gold"], case["response"]), case["label"]) for case in cases]
            found[name] = {
                "right": sum(correct is label for correct, label in said),
                "right_boxed": sum(correct is label for (correct, label), box in zip(said, in_box, strict=True) if box),
                "false_positives": sum(correct is True and not label for correct, label in said),
                "false_negatives": sum(correct is not True and label for correct, label in said),
            }
        boxes = sum(in_box)
        labelled = sum(case["label"] for case in cases)
        table(
            f"accuracy, {file.name}: {len(cases)} answers, {boxes} with a box; {labelled} labelled right",
            ["of all", "of those with a box", "false positives", "false negatives"],
            [
                [
                    *(name, f"{kinds['right'] / len(cases):.3f}", f"{kinds['right_boxed'] / max(1, boxes):.3f}"),
                    *(kinds["false_positives"], kinds["false_negatives"]),
                ]
                for name, kinds in found.items()
            ],
        )
        _show_ours(cases, show=given.show)
        results[file.name] = {"cases": len(cases), "boxed": boxes, "judges": found}
    return results


def _show_ours(cases: Sequence[dict[str, Any]], *, show: bool) -> None:
    verdicts = [verify_answer(case["gold"], case["response"]) for case in cases]
    print(f"  ours, statuses: {_counted(Counter(verdict.status for verdict in verdicts))}")
    print(f"  ours, decided by: {_counted(Counter(verdict.path for verdict in verdicts))}\n")
    for case, verdict in zip(cases, verdicts, strict=True):
        if show and verdict.correct is not case["label"]:
            wanted = "right" if case["label"] else "wrong"
            print(f"  {case.get('id', '')} is {wanted}, gold {case['gold']!r}: {verdict.status}, {verdict.reason}")


def measure_golds(given: argparse.Namespace) -> dict[str, Any]:
    """Judge each gold of the competitions against itself and against a copy with another last digit."""
    results: dict[str, Any] = {}
    for file in given.golds:
        golds = _read_golds(file)
        rows = []
        for name in [OURS, *peers()]:
            judge = load_judge(name)
            same = sum(judge(gold, boxed(gold)) is True for gold in golds)
            altered = sum(judge(gold, boxed(_alter(gold))) is True for gold in golds)
            results.setdefault(file.name, {"golds": len(golds)})[name] = {"itself": same, "altered": altered}
            rows.append([name, f"{same / len(golds):.3f}", f"{altered / len(golds):.3f}"])
        table(f"golds, {file.name}: {len(golds)}", ["match themselves", "match an altered copy"], rows)
    if not given.golds:
        print("golds: no files, skipped\n")
    return results


def _read_golds(file: Path) -> list[str]:
    rows = parquet.read_table(file).to_pylist()
    return [str(row["reward_model"]["ground_truth"] if "reward_model" in row else row["answer"]) for row in rows]


def _alter(gold: str) -> str:
    altered, changes = _LAST_DIGIT.subn(lambda digit: str((int(digit.group()) + 1) % 10), gold)
    return altered if changes else f"{gold}+1"


def measure_hostile(given: argparse.Namespace) -> dict[str, Any]:
    """Judge hostile answers, everyone in a process that is killed after ``HANG_S``; math-verify gets a sample."""
    names = [OURS, *(name for name in peers() if name == DEFAULTS)]
    sample = _sample(given.sample)
    judges = {name: JudgeProcess(name, limit_s=HANG_S) for name in names}
    judged: dict[str, list[tuple[HostilePair, Judged]]] = defaultdict(list)
    for pair in hostile_pairs():
        for name, judge in judges.items():
            if name == OURS or pair.name in sample:
                judged[name].append((pair, judge(pair.gold, pair.response)))
        if pair.name in sample:
            judged[f"{OURS}, that sample"].append(judged[OURS][-1])
    for judge in judges.values():
        judge.close()
    growth = {name: judge.growth / 2**20 for name, judge in judges.items()}
    results = {name: _summary(outcomes) | {"growth_mib": growth.get(name)} for name, outcomes in judged.items()}
    table(
        f"hostile answers, each judge in a process that is killed after {HANG_S:.0f} s",
        ["pairs", f"over {SLOW_S:.0f} s", "hung", "raised or died", "called right", "worst s", "memory grown, MiB"],
        [
            [
                *(name, found["pairs"], *(len(found[key]) for key in ("slow", "hung", "raised", "called_right"))),
                *(f"{found['worst_s']:.2f}", f"{growth[name]:,.0f}" if name in growth else ""),
            ]
            for name, found in results.items()
        ],
    )
    for name in names:
        for key in ("slow", "raised", "called_right"):
            print(f"  {name}, {key.replace('_', ' ')}: {' '.join(results[name][key]) or 'none'}")
    print()
    return results


def _sample(size: int) -> set[str]:
    """Take about as many of each class, evenly from its first to its last."""
    names: dict[str, list[str]] = defaultdict(list)
    for pair in hostile_pairs():
        # math-verify asks for no box.
        if pair.expect == "not_correct" and pair.kind != "unboxed":
            names[pair.kind].append(pair.name)
    each = max(1, size // len(names))
    return {group[place * len(group) // each] for group in names.values() for place in range(min(each, len(group)))}


def _summary(outcomes: Sequence[tuple[HostilePair, Judged]]) -> dict[str, Any]:
    """Name the pairs by what went wrong with them."""
    return {
        "pairs": len(outcomes),
        "slow": [pair.name for pair, judged in outcomes if judged.seconds > SLOW_S],
        "hung": [pair.name for pair, judged in outcomes if judged.error == HUNG],
        "raised": [f"{pair.name}:{judged.error}" for pair, judged in outcomes if judged.error not in ("", HUNG)],
        "called_right": [pair.name for pair, judged in outcomes if judged.correct and pair.expect == "not_correct"],
        "worst_s": max(judged.seconds for _, judged in outcomes),
    }


def _counted(counts: Counter[Any]) -> str:
    return ", ".join(f"{name or 'nothing'} {count}" for name, count in counts.most_common())


PARTS = {
    "speed": measure_speed,
    "import": measure_import,
    "accuracy": measure_accuracy,
    "golds": measure_golds,
    "hostile": measure_hostile,
}


def main() -> None:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument(
        "--cases", nargs="+", type=Path, default=CASES, help="rows of gold, prediction or answer, label"
    )
    parser.add_argument("--golds", nargs="+", type=Path, default=GOLDS, help="Parquet files of problems")
    parser.add_argument("--pairs", type=int, default=2_000, help="pairs a round of the speed part")
    parser.add_argument("--seconds", type=float, default=1.5, help="time a judge has for a round of the speed part")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of the speed part")
    parser.add_argument("--sample", type=int, default=60, help="hostile answers that math-verify gets")
    parser.add_argument("--show", action="store_true", help="list the labelled answers that ours gets wrong")
    parser.add_argument("--json", type=Path, help="also write every figure there")
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    if not peers():
        print("math-verify is not installed, so ours stands alone: pip install math-verify\n")
    results = {part: PARTS[part](given) for part in given.only}
    if given.json:
        given.json.write_text(json.dumps({"cores": os.cpu_count(), "machine": platform.machine(), **results}, indent=1))


if __name__ == "__main__":
    main()
