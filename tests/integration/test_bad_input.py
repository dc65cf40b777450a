"""Bad input through the command line: one clear line, exit status 2, nothing started, nothing lost."""

import json
from pathlib import Path

import pytest

from vibethinker.cli import run_command

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
    "G < 2": (None, ["signal.group_size=1"], "need group_size >= 2, got group_size=1"),
    "lam < 0": (None, ["signal.lam=-1"], 'stage "signal": lam: need >= 0, got -1'),
    "lam no number": (None, ["signal.lam=nan"], 'stage "signal": lam: need a number, got "nan"'),
    "lam not finite": (["kl_coefficient: 0.01", "lam: .inf"], [], 'need a finite number, got ".inf"'),
    "epsilon <= 0": (None, ["signal.clip_epsilon=0"], "clip_epsilon: need > 0, got 0"),
    "high epsilon <= 0": (None, ["signal.clip_epsilon_high=-0.2"], "clip_epsilon_high: need > 0, got -0.2"),
    "steps and updates": (None, ["signal.updates_per_batch=3"], "multiples of updates_per_batch=3, got 4 and 2"),
    "sampler near": (
        None,
        ["signal.sampler.name=maxent"],
        'stage "signal": sampler: unknown name "maxent"; did you mean "max_entropy"?',
    ),
    "sampler far": (
        None,
        ["signal.sampler.name=best"],
        'sampler: unknown name "best"; there are: curriculum, dynamic, max_entropy, uniform',
    ),
    "sampler without a name": (
        None,
        ["signal.sampler.power=2"],
        'key "name" is missing; there are: curriculum, dynamic, max_entropy, uniform',
    ),
    "another sampler's key": (
        None,
        ["signal.sampler.name=dynamic", "signal.sampler.power=2"],
        'sampler: unknown key "power"; there are: max_rounds, name',
    ),
    "long2short without all that is right": (
        None,
        ["signal.sampler.name=dynamic", "signal.long2short.lam=0.2"],
        "sampler dynamic drops groups that are all right",
    ),
    "counts of no rl stage": (
        None,
        ["signal.prefilter.counts_from=problems"],
        'prefilter.counts_from: need a stage of kind rl, but "problems" is of kind data',
    ),
    "counts of a later stage": (
        None,
        ["signal.prefilter.counts_from=code"],
        'prefilter.counts_from: stage "code" comes later',
    ),
    "counts of a stage without a filter": (
        None,
        ["code.prefilter.samples=4", "code.prefilter.counts_from=signal"],
        'prefilter.counts_from: stage "signal" has `prefilter: null` and counts nothing',
    ),
    "no data": (None, ["signal.data=[]"], 'stage "signal": data: need at least 1, got 0'),
    "data twice": (None, ["signal.data=[problems, problems]"], "data: need each stage once, got problems, problems"),
    "a share of nothing": (None, ["signal.mix.shares.algebra=0"], "mix: shares must be above 0"),
    "a filter below a step": (None, ["signal.prefilter.max_prompts=3"], "got max_prompts=3, prompts_per_step=4"),
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
    "batch and micro-batch": (
        None,
        ["signal.micro_batch_size=7"],
        "must divide prompts_per_step * group_size = 16, got 7: the nearest that does is 8",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_line_and_starts_nothing(tmp_path, monkeypatch, capsys, case):
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
    monkeypatch.chdir(tmp_path)
    status = run_command(["run", str(recipe), "--run-dir", str(run_dir), *options])
    output, errors = capsys.readouterr()
    assert status == 2, errors
    assert message in errors
    assert len(errors.strip().splitlines()) == 1
    assert output == ""
    assert not run_dir.exists()


PROMPTS = """
name: small
model: micro
dtype: float32
stages:
  - {id: problems, kind: data, rl: {source: procedural, count: 8, domains: [algebra, calculus], levels: [1]}}
  - {id: signal, kind: rl, model: base, data: problems, steps: 2, save_every: 1, learning_rate: 1e-4,
     prompts_per_step: 4, group_size: 2, micro_batch_size: 8, max_new_tokens: 24, prefilter: {samples: 2}}
"""

# What shows only when the prompts are there: the override, and what is told of it.
OF_THE_PROMPTS = {
    "a domain that is not there": (
        "signal.mix.shares.chemistry=1",
        "mix names chemistry, of which there is no prompt: the domains are algebra, calculus",
    ),
    "more prompts a step than there are": (
        "signal.prompts_per_step=12",
        "8 prompts to learn from, need at least prompts_per_step=12",
    ),
    "nothing left by the filter": (
        # Too short for any answer.
        "signal.max_new_tokens=2",
        "0 prompts to learn from (0 of 8 always right, 8 never right under the starting model), need at least",
    ),
    "no room for a prompt": ("signal.max_new_tokens=100000", "leaves no room for a prompt in the model's window of"),
}


@pytest.mark.parametrize("case", OF_THE_PROMPTS)
def test_prompts_that_do_not_fit_the_stage_are_told_in_one_line_with_its_name(tmp_path, capsys, case):
    override, message = OF_THE_PROMPTS[case]
    recipe, run_dir = tmp_path / "mine.yaml", tmp_path / "run"
    recipe.write_text(PROMPTS)
    status = run_command(["run", str(recipe), "--run-dir", str(run_dir), "--set", override])
    output, errors = capsys.readouterr()
    assert status == 2, errors
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert line == errors.splitlines()[-1]
    assert line.startswith('error: stage "signal": ')
    assert message in line
    assert output == ""
    # The stage left nothing that could pass for its result.
    assert not (run_dir / "signal").exists()
    assert json.loads((run_dir / "run.json").read_text())["status"] == "failed"
