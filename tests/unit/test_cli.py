"""The command line: results on standard output, one line for every error, and the exit status that says which kind."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vibethinker.cli import run_command

SAMPLE = Path(__file__).parent / "sample_recipe.yaml"
HEAVY = ("torch", "transformers", "trl", "accelerate", "datasets", "matplotlib", "pyarrow", "numpy")

PROBLEMS_ONLY = """
name: only-problems
stages:
  - id: problems
    kind: data
    rl: {source: procedural, count: 40}
    heldout: {source: procedural, count: 20}
"""

Command = list[str]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a recipe whose one stage takes no model, and work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.yaml"
    path.write_text(PROBLEMS_ONLY)
    return path


def vibethinker(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "vibethinker", *arguments], capture_output=True, text=True, **options)


def one_line(captured: str) -> str:
    """Return what was printed, which must be one line."""
    assert captured.endswith("\n")
    assert captured.count("\n") == 1
    return captured.rstrip("\n")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["plan", str(SAMPLE)], ["plan", str(SAMPLE), "--json"]]
)
def test_help_and_plan_load_nothing_heavy(arguments: Command) -> None:
    script = (
        "import os, sys\n"
        "from vibethinker.cli import run_command\n"
        f"status = run_command({arguments!r})\n"
        f"print([status, os.environ['OMP_WAIT_POLICY'], *(m for m in {HEAVY} if m in sys.modules)], file=sys.stderr)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert done.stderr == "[0, 'passive']\n"
    assert done.stdout


def test_help_names_the_commands_and_loads_no_recipe_either() -> None:
    script = (
        "import sys\n"
        "from vibethinker.cli import run_command\n"
        "run_command([])\n"
        "print([name for name in sys.modules if name in ('yaml', 'vibethinker.configs', 'vibethinker.pipeline')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for command in ("run", "plan", "status", "report"):
        assert f"\n  {command} " in done.stdout
    assert done.stdout.endswith("\n[]\n")


def test_a_run_prints_its_report_and_a_second_one_keeps_its_stages(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", str(recipe)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "report   runs/only-problems/report.html\n"
    assert captured.err.startswith("only-problems · seed 0 · no model at work · runs/only-problems\n")
    assert Path("runs/only-problems/report.html").is_file()
    assert run_command(["run", str(recipe)]) == 0
    assert " kept " in capsys.readouterr().err
    assert run_command(["run", str(recipe), "--set", "seed=1", "--run-dir", "elsewhere"]) == 0
    assert Path("elsewhere/problems/heldout.parquet").is_file()


def test_status_and_report_read_a_run(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", str(recipe)]) == 0
    capsys.readouterr()
    assert run_command(["status", "runs/only-problems"]) == 0
    head, columns, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("only-problems · seed 0 · done · ")
    assert columns.split() == ["stage", "kind", "status", "time"]
    assert [row.split()[:4] for row in rows] == [["1", "problems", "data", "done"]]
    assert run_command(["status", "runs/only-problems", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(Path("runs/only-problems/run.json").read_text())
    assert captured.err == ""
    Path("runs/only-problems/report.html").unlink()
    assert run_command(["report", "runs/only-problems"]) == 0
    assert capsys.readouterr().out == "report   runs/only-problems/report.html\n"
    assert Path("runs/only-problems/report.html").is_file()


def test_plan_prints_one_json_object_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["plan", str(SAMPLE), "--set", "seed=3", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    plan = json.loads(captured.out)
    assert {key: plan[key] for key in ("name", "seed", "model", "run_dir")} == {
        "name": "sample",
        "seed": 3,
        "model": "micro",
        "run_dir": "runs/sample",
    }
    assert plan["stages"][4] == {
        "id": "signal",
        "kind": "rl",
        "inputs": ["problems", "spectrum"],
        "models": ["spectrum"],
    }
    assert not list(tmp_path.iterdir())


def test_plan_prints_a_line_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plan", str(SAMPLE)]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "sample · seed 7 · model micro · runs/sample"
    assert [row.split()[1] for row in rows] == ["problems", "specialists", "probe", "spectrum", "signal", "results"]


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["run", "none.yaml"], "error: none.yaml: no such file"),
        (["plan", "none.yaml"], "error: none.yaml: no such file"),
        (
            ["run", "mine.yaml", "--set", "problms.rl.count=1"],
            'error: --set problms.rl.count=1: there is no stage "probl',
        ),
        (["run", "mine.yaml", "--only", "x"], 'error: --only x: there is no stage "x"; there are: problems'),
        (["status", "."], "error: . is no run directory"),
        (["status", "none"], "error: none is no run directory"),
        (["report", "."], "error: .: no run.json there"),
        (["run"], "error: Missing argument"),
        (["run", "mine.yaml", "--frsh"], "error: No such option: --frsh"),
        (["rn"], "error: No such command 'rn'"),
    ],
)
def test_wrong_input_is_one_line_on_standard_error_and_status_2(
    recipe: Path, capsys: pytest.CaptureFixture[str], arguments: Command, beginning: str
) -> None:
    assert run_command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert one_line(captured.err).startswith(beginning)
    assert list(recipe.parent.iterdir()) == [recipe]


def test_a_run_directory_of_another_recipe_is_one_line_and_status_2(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", str(recipe)]) == 0
    capsys.readouterr()
    assert run_command(["run", str(recipe), "--set", "seed=1"]) == 2
    line = one_line(capsys.readouterr().err)
    assert line == (
        "error: runs/only-problems was made by another recipe: seed was 0, is 1: "
        "give --fresh to start over, or another --run-dir"
    )
    assert run_command(["run", str(recipe), "--set", "seed=1", "--fresh"]) == 0


def test_debug_shows_the_traceback_before_the_line(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plan", str(recipe), "--set", "sed=1", "--debug"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("error: --set sed=1")


def test_failed_work_is_status_1_and_one_line_after_the_display(recipe: Path) -> None:
    """The system refuses to let a file grow beyond 8 KiB, which the set of problems does."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**13, 2**13))

    done = vibethinker("run", str(recipe), "--set", "problems.rl.count=1000", preexec_fn=small_files)
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith('error: stage "problems" failed: OSError: ')
    assert last.endswith("(--debug shows the traceback)")
    assert not (recipe.parent / "runs/only-problems/problems").exists()
    again = vibethinker("run", str(recipe), "--set", "problems.rl.count=1000")
    assert again.returncode == 0


def test_interrupting_a_run_twice_is_status_130_and_says_where_it_goes_on(recipe: Path) -> None:
    command = [sys.executable, "-m", "vibethinker", "run", str(recipe), "--set", "problems.rl.count=5000000"]
    run_file = recipe.parent / "runs/only-problems/run.json"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while not (run_file.exists() and json.loads(run_file.read_text())["stages"][0]["status"] == "running"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        # Two signals that arrive together count as one.
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted at problems; the same command goes on there"


def test_output_that_nobody_reads_is_no_error_message() -> None:
    script = f"{sys.executable} -m vibethinker plan {SAMPLE} --json | true"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True)
    assert done.stderr == ""


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    name, version = capsys.readouterr().out.split()
    assert name == "vibethinker"
    assert version[0].isdigit()
