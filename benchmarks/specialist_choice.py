"""Whether specialists chosen by Pass@K make a better start for reinforcement learning than those of the lowest loss.

python benchmarks/specialist_choice.py --seeds 7 8 9 --runs runs/choice

Every seed draws its own problems, fine-tunes once, fuses the specialists of both rules, and trains both for the same
steps on the same prompts. The difference is paired over held-out problems.
"""

import argparse
from pathlib import Path

import quickstart

RECIPE = Path(__file__).with_name("specialist_choice.yaml")
RULES = ("loss", "k")


def main() -> None:
    """Print two rows per seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--runs", type=Path, default=Path("runs/choice"))
    given = parser.parse_args()
    for seed in given.seeds:
        stages = {stage["id"]: stage for stage in quickstart.run(seed, given.runs, RECIPE, [])["stages"]}
        for rule in RULES:
            specialists = stages[f"by_{rule}"]["metrics"]["specialists"]
            chosen = ", ".join(f"{domain} {row['checkpoint']}" for domain, row in specialists.items())
            print(f"seed {seed}: by_{rule} chose {chosen}")
        results = stages["results"]
        for phase in ("spectrum", "signal"):
            names = tuple(f"{phase}_{rule}" for rule in RULES)
            print(f"        {quickstart.scores(results, names)}")
            print(f"        {names[1]} {quickstart.gain(results, names[1])}")


if __name__ == "__main__":
    main()
