"""Copy the model of a finished micro-base run, and its manifest, into the package's assets.

python tools/ship_micro_base.py runs/micro-base
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "src" / "vibethinker" / "assets" / "micro-base"
MOST_BYTES = 4_000_000


def main() -> None:
    """Check the run, copy, and write the manifest: recipe, seed, data hashes, metrics, versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run directory of recipes/micro-base.yaml")
    run = parser.parse_args().run
    state = json.loads((run / "run.json").read_text())
    if state["status"] != "done":
        sys.exit(f"{run} is {state['status']}, not done")
    kinds = {stage["kind"]: stage for stage in state["stages"]}
    model = run / kinds["pretrain"]["id"] / "model"
    size = sum(path.stat().st_size for path in model.iterdir())
    if size > MOST_BYTES:
        sys.exit(f"{model} has {size} bytes, may have {MOST_BYTES}")
    data = run / kinds["data"]["id"]
    stage = json.loads((model.parent / "manifest.json").read_text())
    manifest = {
        "recipe": (run / "recipe.yaml").read_text(),
        "seed": state["seed"],
        "numerics": state["numerics"],
        "seconds": state["seconds"],
        "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(data.glob("*.parquet"))},
        "model": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(model.iterdir())},
        "metrics": {stage["id"]: stage["metrics"] for stage in state["stages"]},
        "versions": stage["versions"],
        "license": "Apache-2.0",
    }
    shutil.rmtree(ASSETS, ignore_errors=True)
    shutil.copytree(model, ASSETS)
    for path in ASSETS.iterdir():
        path.chmod(0o644)
    (ASSETS / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{ASSETS}: {size:,} bytes")


if __name__ == "__main__":
    main()
