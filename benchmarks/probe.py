"""What adaptive probing saves, and whether it chooses as well as a full grid.

python benchmarks/probe.py recorded     12 checkpoints of the quickstart, 128 problems, 64 responses each, recorded
python benchmarks/probe.py simulated    checkpoints of three kinds, 5,000 draws of each
python benchmarks/probe.py record RUN   record the outcomes anew from a run directory of the quickstart

A draw takes responses in order, as many of each problem as the way of probing asks for; the full grid takes n of all.
The truth is the mean over problems of 1 - (1 - p)^k: p is the share of right ones among all recorded responses, or what
was simulated. A choice is wrong if another checkpoint is better in truth; its regret says by how much.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from statistics import fmean

import pyarrow as pa
import pyarrow.parquet as pq

from vibethinker.algos.curtailed import curtailed_pass_at_k, plan
from vibethinker.algos.intervals import mean_interval
from vibethinker.algos.pass_at_k import pass_at_k
from vibethinker.algos.race import behind, ranked, worse_part
from vibethinker.configs.probe import AdaptiveBudget

RECORDED = Path(__file__).parent / "data" / "probing_outcomes.parquet"
SIMULATED_PROBLEMS, SIMULATED_CHECKPOINTS = 64, 12

Chances = dict[str, dict[str, float]]
"""By checkpoint and problem: the chance of a right response."""


@dataclass
class Tally:
    """What a way of probing did over the draws."""

    samples: list[float] = field(default_factory=list)
    regret: list[float] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)

    def row(self, full: "Tally") -> str:
        """Show the share of the full grid's samples, wrong choices, regret and agreement, with 95 % intervals."""
        wrong = [float(regret > 1e-12) for regret in self.regret]
        more = [a - b for a, b in zip(wrong, [float(r > 1e-12) for r in full.regret], strict=True)]
        low, high = mean_interval(more, low=-1)
        share = sum(self.samples) / sum(full.samples)
        return (
            f"{share:8.3f} {fmean(wrong):9.3f} {fmean(more):+8.3f} ({low:+.3f} to {high:+.3f}) "
            f"{100 * fmean(self.regret):8.2f} {fmean(self.same):8.3f}"
        )


class Responses:
    """The responses of one draw, made when asked for, and the same for whoever asks."""

    def __init__(self, chances: Chances, rng: Random, most: int) -> None:
        """Draw ``most`` responses to every problem."""
        self.right_after: dict[tuple[str, str], list[int]] = {}
        for name, by_problem in chances.items():
            for problem, chance in by_problem.items():
                total, after = 0, [0]
                for _ in range(most):
                    total += rng.random() < chance
                    after.append(total)
                self.right_after[name, problem] = after


@cache
def estimate(counts: tuple[tuple[int, int], ...], k: int, enough: int) -> float:
    """Return the estimate of curtailed sampling; counts repeat, so that it is kept."""
    return curtailed_pass_at_k(counts, k=k, enough=enough)


def curtailed(after: Sequence[int], k: int, samples: int) -> tuple[float, float, int]:
    """Return a problem's Pass@K, its pass@1 and how many responses it took."""
    made = plan(k, samples)
    counts: list[tuple[int, int]] = []
    for size in made.looks:
        counts.append((size, after[size]))
        if after[size] >= made.enough:
            break
    at_k, at_1 = (estimate(tuple(counts), size, made.enough) for size in (k, 1))
    return at_k, at_1, counts[-1][0]


def full_grid(drawn: Responses, chances: Chances, k: int, samples: int) -> tuple[str, int]:
    """Choose by ``samples`` responses to everything."""
    values, ones = (
        {
            name: {problem: pass_at_k(samples, drawn.right_after[name, problem][samples], k=size) for problem in row}
            for name, row in chances.items()
        }
        for size in (k, 1)
    )
    return ranked(values, ones)[0], samples * sum(map(len, chances.values()))


def adaptive(
    drawn: Responses, chances: Chances, k: int, samples: int, budget: AdaptiveBudget, rng: Random
) -> tuple[str, int]:
    """Choose as an adaptive probe does."""
    problems = list(next(iter(chances.values())))
    rng.shuffle(problems)
    values: dict[str, dict[str, float]] = {name: {} for name in chances}
    ones: dict[str, dict[str, float]] = {name: {} for name in chances}
    taken, begin = 0, 0
    for share in budget.rounds:
        end = math.ceil(share * len(problems))
        for name, found in values.items():
            for problem in problems[begin:end]:
                found[problem], ones[name][problem], count = curtailed(drawn.right_after[name, problem], k, samples)
                taken += count
        begin = end
        if end < len(problems):
            error = budget.error / (len(budget.rounds) - 1)
            for name in behind(values, population=len(problems), error=error, ties=ones):
                del values[name]
            for name in worse_part(values, keep=budget.keep, ties=ones):
                del values[name]
    return ranked(values, ones)[0], taken


def compare(draws: Iterator[Chances], k: int, samples: int, seed: int) -> None:
    """Print the ways of probing side by side over all draws."""
    ways: Mapping[str, AdaptiveBudget] = {
        "adaptive": AdaptiveBudget(name="adaptive"),
        "no dropping": AdaptiveBudget(name="adaptive", rounds=(1.0,)),
    }
    tallies: dict[str, Tally] = defaultdict(Tally)
    rng = Random(seed)  # noqa: S311 - not for cryptography
    most = plan(k, samples).looks[-1]
    for chances in draws:
        truth = {name: fmean(1 - (1 - p) ** k for p in row.values()) for name, row in chances.items()}
        drawn = Responses(chances, rng, most)
        first, taken = full_grid(drawn, chances, k, samples)
        chosen = {"full grid": (first, taken)}
        chosen |= {name: adaptive(drawn, chances, k, samples, budget, rng) for name, budget in ways.items()}
        for name, (choice, count) in chosen.items():
            tallies[name].samples.append(count)
            tallies[name].regret.append(max(truth.values()) - truth[choice])
            tallies[name].same.append(choice == first)
    print(f"  {'':12} {'samples':>8} {'wrong':>9} {'to the full grid, 95 %':>27} {'regret':>8} {'the same':>8}")
    for name, tally in tallies.items():
        print(f"  {name:12} {tally.row(tallies['full grid'])}")


def recorded(k: int, samples: int, draws: int) -> None:
    """Compare on chances as recorded, domain by domain and over all of them."""
    tables: dict[str, Chances] = defaultdict(lambda: defaultdict(dict))
    for row in pq.read_table(RECORDED).to_pylist():
        outcomes = row["outcomes"]
        tables[row["domain"]][row["checkpoint"]][row["problem"]] = outcomes.count("1") / len(outcomes)
    print(f"recorded outcomes, k={k}, {samples} samples, {draws} draws in each of {len(tables)} domains")
    compare((table for _ in range(draws) for table in tables.values()), k, samples, seed=1)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def _simulate(kind: str, rng: Random) -> Chances:
    """Draw checkpoints: along a run that learns, all but equal, or one ahead of the others."""
    hard = [rng.gauss(-1.0, 2.0) for _ in range(SIMULATED_PROBLEMS)]
    skills = {
        "learning": [
            3 * step / SIMULATED_CHECKPOINTS - 1.5 + rng.gauss(0, 0.2) for step in range(SIMULATED_CHECKPOINTS)
        ],
        "equal": [rng.gauss(0, 0.1) for _ in range(SIMULATED_CHECKPOINTS)],
        "one ahead": [1.0 * (number == 0) for number in range(SIMULATED_CHECKPOINTS)],
    }[kind]
    rng.shuffle(skills)
    return {
        f"c{number}": {f"p{place}": _logistic(skill + level + rng.gauss(0, 0.5)) for place, level in enumerate(hard)}
        for number, skill in enumerate(skills)
    }


def simulated(k: int, samples: int, draws: int) -> None:
    """Compare on simulated checkpoints."""
    for kind in ("learning", "equal", "one ahead"):
        rng = Random(7)  # noqa: S311
        print(
            f"simulated, {kind}: {SIMULATED_CHECKPOINTS} checkpoints, {SIMULATED_PROBLEMS} problems, k={k}, "
            f"{samples} samples, {draws} draws"
        )
        compare((_simulate(kind, rng) for _ in range(draws)), k, samples, seed=2)


def record(run: Path, samples: int) -> None:
    """Draw many responses of every checkpoint of a quickstart run to its probing problems, and keep the verdicts."""
    from vibethinker.configs.common import SamplingConfig
    from vibethinker.data.probing_sets import probing_problems
    from vibethinker.engines.models import load_model
    from vibethinker.engines.sampler import ModelSampler
    from vibethinker.files import read_json
    from vibethinker.interfaces import Numerics
    from vibethinker.verify import judge_responses

    problems = probing_problems(run / "problems")
    rows = []
    for checkpoint in read_json(run / "specialists" / "checkpoints.json")["checkpoints"]:
        model, tokenizer = load_model(str(run / "specialists" / checkpoint["path"]))
        sampler = ModelSampler(
            model,
            tokenizer,
            prompt="{question}",
            sampling=SamplingConfig(batch_size=512),
            numerics=Numerics("float32", 2),
        )
        drawn = sampler.sample([problem.question for problem in problems], samples=samples, seed=99)
        for problem, responses in zip(problems, drawn, strict=True):
            verdicts = judge_responses(
                [problem.kind] * samples, [problem.answer] * samples, [response.text for response in responses]
            )
            outcomes = "".join("1" if verdict.correct else "0" for verdict in verdicts)
            rows.append(
                {
                    "checkpoint": checkpoint["name"],
                    "problem": problem.id,
                    "domain": problem.domain,
                    "outcomes": outcomes,
                }
            )
        print(checkpoint["name"], flush=True)
    pq.write_table(pa.Table.from_pylist(rows), RECORDED, compression="zstd")


def main() -> None:
    """Run one of the comparisons, or record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["recorded", "simulated", "record"])
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/quickstart"))
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--draws", type=int, default=None)
    given = parser.parse_args()
    comparisons: dict[str, tuple[Callable[[int, int, int], None], int]] = {
        "recorded": (recorded, 1250),
        "simulated": (simulated, 5000),
    }
    if given.what == "record":
        record(given.run, 64)
        return
    function, draws = comparisons[given.what]
    function(given.k, given.samples, given.draws or draws)


if __name__ == "__main__":
    main()
