"""``vibethinker probe``: on any models and problems, in one line where they do not fit; stopped, it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest

from vibethinker.cli import run_command
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems
from vibethinker.data.tables import read_rows
from vibethinker.engines.models import load_model, save_model

SMALL = ["--k", "2", "--samples", "4", "--max-new-tokens", "16", "--dtype", "float32"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with problems and two checkpoints: one as shipped, one that says nothing sensible."""
    folder = tmp_path_factory.mktemp("made")
    drawn = draw_problems(FAMILIES, (1,), range(75, 87), count=12, rng=Random(5))
    lines = [
        {"question": each.problem.question, "answer": each.problem.answer, "domain": each.problem.domain}
        for each in drawn
    ]
    write_lines(folder / "problems.jsonl", lines)
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, folder / "runs-of-mine/checkpoint-9")
    model.model.norm.weight.data.zero_()
    save_model(model, tokenizer, folder / "runs-of-mine/checkpoint-10")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder beside what was made, so that relative paths lead there."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def probe(*arguments: str) -> int:
    return run_command(["probe", *arguments, "--problems", "problems.jsonl", *SMALL])


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return what a probe prints as JSON, which is all that it prints there."""
    assert probe(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_folder_of_checkpoints_is_probed_and_the_better_one_chosen(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe("runs-of-mine") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split() == ["pass@2", "algebra", "calculus", "geometry", "statistics"]
    # By their steps, not by their spelling.
    assert [line.split()[0] for line in lines[1:3]] == ["checkpoint-9", "checkpoint-10"]
    assert "96 samples drawn, the full grid" in lines
    (folder,) = (here / "runs").iterdir()
    assert f"output   runs/{folder.name}" in lines
    assert folder.name.startswith("probe-")
    found = json.loads((folder / "probe.json").read_text())
    assert {row["checkpoint"] for row in found["specialists"].values()} == {"checkpoint-9"}
    assert len(read_rows(folder / "samples.parquet")) == 96
    ElementTree.fromstring((folder / "heat_map.svg").read_text())  # noqa: S314 - our own
    assert "responses" in captured.err or "probe" in captured.err


def test_the_same_words_again_read_what_is_there_and_others_go_elsewhere(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = outcome(capsys, "micro")
    before = {path: path.stat().st_mtime_ns for path in Path(first["output"]).iterdir()}
    assert outcome(capsys, "micro") == first
    assert {path: path.stat().st_mtime_ns for path in Path(first["output"]).iterdir()} == before
    other = outcome(capsys, "micro", "--seed", "1")
    assert other["output"] != first["output"]
    assert other["cells"] != first["cells"]


def test_the_adaptive_budget_and_a_limit_are_taken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = outcome(capsys, "micro", "--adaptive", "--limit-per-domain", "2", "--output", "mine")
    assert found["budget"]["name"] == "adaptive"
    assert set(found["problems"].values()) == {2}
    assert found["output"] == "mine"


def test_what_nobody_can_be_graded_by_and_what_is_repeated_is_left_out_and_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": 1, "question": "2+3?", "answer": "5"}, {"id": 1, "question": "1+3?", "answer": "4"}]
    write_lines(here / "mixed.jsonl", [*rows, rows[0], {"id": 2, "question": "Why?", "answer": "\\frac{"}])
    assert run_command(["probe", "micro", "--problems", "mixed.jsonl", *SMALL, "--output", "mine", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["problems"] == {"all": 2}
    assert "left out of mixed.jsonl: 1 problems that nobody can be graded by, 1 repeated questions" in captured.err


def test_models_of_one_name_are_told_apart_by_their_folders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in ("a", "b"):
        (here / "trained" / run).mkdir(parents=True)
        (here / "trained" / run / "checkpoint-9").symlink_to(here / "runs-of-mine" / f"checkpoint-{9 + (run == 'b')}")
    found = outcome(capsys, "trained", "--limit-per-domain", "1")
    assert [cell["checkpoint"] for cell in found["cells"][::4]] == ["a/checkpoint-9", "b/checkpoint-9"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["micro", "--k", "5"], "error: need k <= samples, got k=5, samples=4: draw more samples or lower k"),
        (["micro", "--k", "0"], "error: --k: need >= 1, got 0"),
        (["micro", "--temperature", "0"], "error: --temperature: need > 0, got 0.0"),
        (["micro", "--max-new-tokens", "0"], "error: --max-new-tokens: need >= 1, got 0"),
        (["micro", "--prompt", "Solve."], "error: --prompt: need {question} where the question goes, got 'Solve.'"),
        (["micro", "--kind", "maths"], "error: --kind: there is no kind 'maths': use one of math, choice, integer"),
        (["micro", "--dtype", "int4"], "error: --dtype: there is no type 'int4': use one of auto, float32, bfloat16"),
        (["nowhere/model/here"], "error: no model folder nowhere/model/here"),
        (["empty"], "error: empty holds no model and no checkpoint-* folders"),
        (["micro", "micro"], "error: model micro is given twice: name each model once"),
        (["runs-of-mine", "./runs-of-mine/checkpoint-9"], "error: model ./runs-of-mine/checkpoint-9 is given twice"),
        (["micro", "--problems", "none.jsonl"], "error: no problem file none.jsonl"),
        (
            ["micro", "--problems", "questions.jsonl"],
            "error: questions.jsonl has no column 'answer' (for answer); it has 'question', 'topic'",
        ),
        (["micro", "--problems", "broken.jsonl"], "error: broken.jsonl has no problem to probe with: nobody can be"),
        (["micro", "--problems", "nothing.jsonl"], "error: nothing.jsonl holds no rows"),
        (["micro", "--domain-column", "field"], "error: problems.jsonl has no column 'field' (for domain)"),
        (["micro", "--output", "problems.jsonl"], "error: problems.jsonl is a file: give another --output"),
        (["micro", "--output", "full"], "error: full is not empty and no probe made it (it holds notes.txt)"),
        ([], "error: Missing argument"),
    ],
)
def test_bad_input_is_one_line_and_status_2_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    (here / "empty").mkdir()
    (here / "full").mkdir()
    (here / "full/notes.txt").write_text("mine")
    write_lines(here / "questions.jsonl", [{"question": "2+3?", "topic": "x"}])
    write_lines(here / "broken.jsonl", [{"question": "2+3?", "answer": "\\frac{"}])
    (here / "nothing.jsonl").write_text("")
    given = [] if "--problems" in arguments else ["--problems", "problems.jsonl"]
    assert run_command(["probe", *given, *SMALL, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(line)
    assert not (here / "runs").exists()
    assert [path.name for path in (here / "full").iterdir()] == ["notes.txt"]


def test_the_output_of_another_probe_is_refused_with_what_differs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = outcome(capsys, "micro", "--output", "mine")
    assert probe("micro", "--output", "mine", "--seed", "3") == 2
    assert capsys.readouterr().err == "error: mine holds another probe: seed was 0, is 3: give another --output\n"
    assert json.loads((here / "mine/probe.json").read_text())["cells"] == first["cells"]


def test_a_probe_that_lacks_its_heat_map_only_draws_nothing_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = outcome(capsys, "micro", "--output", "mine")
    (here / "mine/heat_map.svg").unlink()
    (here / "mine/samples.parquet").unlink()
    assert outcome(capsys, "micro", "--output", "mine") == first
    assert (here / "mine/heat_map.svg").is_file()
    assert not (here / "mine/samples.parquet").exists()


@pytest.mark.slow
def test_interrupted_and_killed_it_says_what_to_type_and_the_same_command_goes_on_to_the_same_numbers(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = outcome(capsys, "micro", "runs-of-mine/checkpoint-10", "--batch-size", "4", "--output", "whole")
    command = [sys.executable, "-m", "vibethinker", "probe", "micro", "runs-of-mine/checkpoint-10"]
    command += ["--problems", "problems.jsonl", *SMALL, "--batch-size", "4", "--output", "mine", "--json"]
    seen = 0
    for number, how in enumerate((signal.SIGINT, signal.SIGKILL)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(list((here / "mine").glob("samples/*/*.parquet"))) <= seen:
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        os.kill(process.pid, how)
        _, errors = process.communicate()
        parts = list((here / "mine").glob("samples/*/*.parquet"))
        assert len(parts) > seen
        seen = len(parts)
        if number == 0:
            assert process.returncode == 130
            assert errors.splitlines()[-1] == "interrupted; the same command goes on from what is saved"
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found | {"output": "whole"} == whole
    assert read_rows(here / "mine/samples.parquet") == read_rows(here / "whole/samples.parquet")
    assert not (here / "mine/samples").exists()
