"""Bad input through the command line: one clear line, exit status 2, nothing started, nothing lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = Path(__file__).parents[2] / "recipes" / "smoke.yaml"
ROW = json.dumps({"question": "1+1?", "answer": "2"})

CASES = {
    "unknown key": (
        ["steps: 4\n    save_every: 2\n    batch", "stepps: 4\n    save_every: 2\n    batch"],
        [],
        'did you mean "steps"',
    ),
    "unknown kind": (["kind: fuse", "kind: fuze"], [], 'did you mean "fuse"'),
    "duplicate id": (["id: nursery", "id: problems"], [], "problems"),
    "missing stage": (["checkpoints: specialists", "checkpoints: specialist"], [], 'did you mean "specialists"'),
    "later stage": (["model: spectrum", "model: results"], [], "results"),
    "bad yaml": (["seed: 3", "seed: [3"], [], ".yaml:"),
    "k > n": (None, ["probe.k=9"], "need k <= samples"),
    "G < 2": (None, ["signal.group_size=1"], "group_size >= 2"),
    "missing model folder": (None, ["model=/nowhere/model"], "/nowhere/model"),
    "missing file": (
        None,
        ["problems.heldout=null", "problems.heldout.source=file", "problems.heldout.path=no.jsonl"],
        "no.jsonl",
    ),
    "missing column": (
        None,
        [
            "problems.heldout=null",
            "problems.heldout.source=file",
            "problems.heldout.path={file}",
            "problems.heldout.columns.answer=gold",
        ],
        "no column 'gold'",
    ),
    "empty probing set": (
        None,
        ["problems.probing=null", "problems.probing.source=file", "problems.probing.path={empty}"],
        "holds no rows",
    ),
    "no probing set": (None, ["problems.probing=null"], "needs a probing set"),
    "unknown family": (None, ["problems.train.families=[sudoku]"], "no family 'sudoku'"),
    "batch and micro-batch": (None, ["signal.micro_batch_size=7"], "must divide"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_line_and_starts_nothing(tmp_path, case):
    change, overrides, message = CASES[case]
    recipe = tmp_path / "mine.yaml"
    text = SMOKE.read_text()
    if change is not None:
        assert change[0] in text
        text = text.replace(change[0], change[1], 1)
    recipe.write_text(text)
    (tmp_path / "p.jsonl").write_text(ROW + "\n")
    (tmp_path / "empty.jsonl").write_text("")
    places = {"file": tmp_path / "p.jsonl", "empty": tmp_path / "empty.jsonl"}
    options = [part for given in overrides for part in ("--set", given.format(**places))]
    run_dir = tmp_path / "run"
    command = [sys.executable, "-m", "vibethinker", "run", str(recipe), "--run-dir", str(run_dir), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not run_dir.exists()
