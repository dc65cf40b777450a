"""What is finished is kept, what was stopped goes on with the same numbers, and what is there is never lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vibethinker.configs.loading import load_recipe
from vibethinker.configs.recipe import Recipe
from vibethinker.errors import InputError, WorkError
from vibethinker.pipeline.interrupts import InterruptRequests
from vibethinker.pipeline.run_state import read_status
from vibethinker.pipeline.runner import RunInterrupted, run_recipe

if TYPE_CHECKING:
    from tests.unit.conftest import SmallRun

ALL = ["problems", "specialists", "probe", "spectrum", "signal", "results"]
ONCE = dict.fromkeys(ALL, 1)

# Runs the small stages in a process of its own; arguments: conftest.py and the folder of the run.
DRIVER = """
import runpy, sys
from pathlib import Path
from vibethinker.errors import VibethinkerError
run = runpy.run_path(sys.argv[1])["SmallRun"](Path(sys.argv[2]))
try:
    run.go()
except VibethinkerError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def start(run: "SmallRun") -> "subprocess.Popen[str]":
    """Start the run in another process."""
    conftest = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", DRIVER, str(conftest), str(run.run_dir.parent)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def results(run_dir: Path) -> dict[str, Any]:
    """Return all that must not depend on interruptions: what the stages made, their metrics lines, and the recipe."""
    files = {str(path.relative_to(run_dir)): path.read_text() for path in run_dir.glob("[!.]*/result.txt")}
    return files | {name: (run_dir / name).read_text() for name in ("metrics.jsonl", "recipe.yaml")}


def test_every_stage_gets_what_it_names_and_leaves_a_folder_with_a_manifest(small_run: "SmallRun") -> None:
    result = small_run.go()
    assert result.run["status"] == "done"
    assert [stage["status"] for stage in result.run["stages"]] == ["done"] * 6
    assert json.loads((small_run.run_dir / "run.json").read_text()) == result.run
    assert result.report == small_run.run_dir / "report.html"
    assert result.report.is_file()
    signal_text = (small_run.run_dir / "signal/result.txt").read_text()
    assert signal_text == "signal of ['problems', 'spectrum'] with seed 7"
    manifests = {id_: json.loads((small_run.run_dir / id_ / "manifest.json").read_text()) for id_ in ALL}
    for entry in result.run["stages"]:
        manifest = manifests[entry["id"]]
        assert {key: manifest[key] for key in ("id", "kind", "fingerprint", "metrics", "seconds")} == {
            key: entry[key] for key in ("id", "kind", "fingerprint", "metrics", "seconds")
        }
        assert manifest["inputs"] == {id_: manifests[id_]["fingerprint"] for id_ in manifest["inputs"]}
    assert not list(small_run.run_dir.glob("*/fingerprint"))
    assert manifests["signal"]["config"]["steps"] == 50
    assert manifests["signal"]["versions"]["vibethinker"]
    assert load_recipe(small_run.run_dir / "recipe.yaml") == small_run.recipe()


def test_base_is_the_recipes_model_or_what_a_pretrain_stage_before_made(small_run: "SmallRun") -> None:
    result = small_run.go(until="specialists")
    assert result.run["stages"][1]["metrics"]["model"] == str(small_run.code.folder / "model")
    recipe = small_run.recipe().model_dump(mode="json")
    first = {"id": "first", "kind": "pretrain", "data": "problems", "steps": 4, "save_every": 2, "learning_rate": 1e-3}
    recipe["stages"].insert(1, first)
    run_dir = small_run.run_dir.with_name("pretrained")
    made = run_recipe(
        Recipe.model_validate(recipe | {"model": None}), run_dir, until="specialists", code=small_run.code
    )
    assert made.run["stages"][2]["metrics"]["model"] == str(run_dir / "first/model")
    assert (run_dir / "specialists/result.txt").read_text() == "specialists of ['first', 'problems'] with seed 7"


def test_a_second_run_keeps_everything(small_run: "SmallRun") -> None:
    first = small_run.go()
    made = small_run.snapshot()
    again = small_run.go()
    assert again.run == first.run
    assert set(small_run.words().values()) == {"kept"}
    kept = small_run.snapshot()
    for name in made.keys() - {"run.json", "lock", "report.html"}:
        assert kept[name] == made[name]


def test_changed_code_makes_its_stage_and_what_depends_on_it_again(small_run: "SmallRun") -> None:
    small_run.go()
    source = small_run.code.source("probe")
    source.write_text(source.read_text() + "\n# changed\n")
    small_run.trouble("probe", "error")
    with pytest.raises(WorkError):
        small_run.go()
    # The old result is there until the new one can take its name.
    assert (small_run.run_dir / "probe/result.txt").is_file()
    small_run.go()
    assert small_run.words() == {id_: "kept" if id_ in ALL[:2] else "done" for id_ in ALL}
    assert not list((small_run.run_dir / ".work").iterdir())


def test_until_stops_after_a_stage_and_the_run_can_go_on(small_run: "SmallRun") -> None:
    result = small_run.go(until="probe")
    assert result.run["status"] == "interrupted"
    assert [stage["status"] for stage in result.run["stages"]] == ["done"] * 3 + ["waiting"] * 3
    assert small_run.go().run["status"] == "done"
    assert small_run.attempts() == ONCE


def test_only_runs_one_stage_and_needs_its_inputs(small_run: "SmallRun") -> None:
    with pytest.raises(InputError, match=r'--only probe needs "problems", "specialists", not done in .*--until probe'):
        small_run.go(only="probe")
    assert not small_run.run_dir.exists()
    small_run.go(until="specialists")
    small_run.go(only="probe")
    assert small_run.words() == {"probe": "done"}
    made = small_run.snapshot()
    with pytest.raises(InputError, match="which --fresh removes"):
        small_run.go(only="probe", fresh=True)
    assert small_run.snapshot() == made


@pytest.mark.parametrize("option", ["only", "until"])
def test_a_stage_that_is_not_there_cannot_be_asked_for(small_run: "SmallRun", option: str) -> None:
    with pytest.raises(InputError, match=f'--{option} signl: there is no stage "signl"; did you mean "signal"'):
        small_run.go(**{option: "signl"})
    with pytest.raises(InputError, match="exclude each other"):
        small_run.go(only="signal", until="probe")


def test_a_failed_stage_leaves_no_final_folder_and_runs_again(small_run: "SmallRun") -> None:
    small_run.trouble("probe", "error")
    with pytest.raises(WorkError, match=r'stage "probe" failed: RuntimeError: two lines .--debug') as caught:
        small_run.go()
    assert isinstance(caught.value.__cause__, RuntimeError)
    status = read_status(small_run.run_dir)
    assert status["status"] == "failed"
    assert [stage["status"] for stage in status["stages"]] == ["done"] * 2 + ["failed"] + ["waiting"] * 3
    assert not (small_run.run_dir / "probe").exists()
    assert (small_run.run_dir / "report.html").is_file()
    assert small_run.go().run["status"] == "done"
    assert small_run.attempts() == ONCE | {"probe": 2}


def test_wrong_input_that_a_stage_finds_keeps_its_exit_code(small_run: "SmallRun") -> None:
    small_run.trouble("problems", "wrong input")
    with pytest.raises(InputError, match=r'^stage "problems": no column$'):
        small_run.go()


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_stops_a_stage_where_it_is_saved_and_the_same_command_goes_on(
    small_run: "SmallRun", number: str
) -> None:
    small_run.go()
    undisturbed = results(small_run.run_dir)
    shutil.rmtree(small_run.run_dir)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    small_run.trouble("signal", number)
    with pytest.raises(RunInterrupted) as caught:
        small_run.go()
    assert str(caught.value) == "interrupted at signal, step 2; the same command goes on from step 2"
    assert caught.value.exit_code == 130
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert small_run.words()["signal"] == "interrupted"
    status = read_status(small_run.run_dir)
    assert status["status"] == "interrupted"
    assert status["stages"][4]["status"] == "interrupted"
    assert status["stages"][4]["seconds"] > 0
    again = small_run.go()
    assert again.run["stages"][4]["seconds"] > status["stages"][4]["seconds"]
    assert small_run.attempts() == ONCE | {"signal": 2}
    assert results(small_run.run_dir) == undisturbed


def test_a_signal_that_a_stage_outruns_stops_the_run_before_the_next(small_run: "SmallRun") -> None:
    small_run.trouble("probe", "SIGINT", "at the end")
    with pytest.raises(RunInterrupted, match=r"^interrupted at spectrum; the same command goes on there$"):
        small_run.go()
    assert [stage["status"] for stage in read_status(small_run.run_dir)["stages"]] == ["done"] * 3 + ["waiting"] * 3
    small_run.trouble("results", "SIGINT", "at the end")
    assert small_run.go().run["status"] == "done"
    assert small_run.attempts() == ONCE


def test_a_second_interrupt_stops_at_once(small_run: "SmallRun") -> None:
    small_run.trouble("probe", "SIGINT twice")
    with pytest.raises(RunInterrupted, match=r"^interrupted at probe; the same command goes on there$"):
        small_run.go()
    assert read_status(small_run.run_dir)["status"] == "interrupted"
    assert small_run.go().run["status"] == "done"


def test_an_interrupt_says_which_step_was_reached_where_an_earlier_one_is_saved() -> None:
    error = RunInterrupted("signal", step=30, reached=31)
    assert str(error) == "interrupted at signal, step 31; the same command goes on from step 30"


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with InterruptRequests() as requests:
            seen.append((requests.requested(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with InterruptRequests() as requests:
            os.kill(os.getpid(), signal.SIGINT)
            assert not requests.requested()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_killed_process_leaves_no_final_folder_no_lock_and_the_same_numbers_after_all(small_run: "SmallRun") -> None:
    small_run.go()
    undisturbed = results(small_run.run_dir)
    shutil.rmtree(small_run.run_dir)
    small_run.trouble("probe", "kill")
    process = start(small_run)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (small_run.run_dir / "probe").exists()
    assert json.loads((small_run.run_dir / "run.json").read_text())["stages"][2]["status"] == "running"
    status = read_status(small_run.run_dir)
    assert (status["status"], status["stages"][2]["status"]) == ("interrupted", "interrupted")
    small_run.go()
    assert small_run.attempts() == ONCE | {"probe": 2}
    assert results(small_run.run_dir) == undisturbed


def test_a_run_directory_is_for_one_process_at_a_time(small_run: "SmallRun") -> None:
    small_run.trouble("problems", "wait")
    waiting = small_run.code.folder / "waiting"
    process = start(small_run)
    try:
        while not waiting.exists():
            assert process.poll() is None, process.communicate()
        with pytest.raises(InputError, match=f"is in use by process {process.pid}: wait .* or give another --run-dir"):
            small_run.go()
        assert read_status(small_run.run_dir)["status"] == "running"
        process.send_signal(signal.SIGTERM)
        _, line = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130
    assert line == "interrupted at problems; the same command goes on there\n"
    assert small_run.go().run["status"] == "done"


def test_a_stage_killed_before_its_last_renaming_is_not_done_again(small_run: "SmallRun") -> None:
    small_run.go()
    work = small_run.run_dir / ".work"
    (small_run.run_dir / "results").replace(work / "results")
    small_run.go()
    assert small_run.attempts() == ONCE
    assert small_run.words()["results"] == "done"


def test_work_for_another_fingerprint_is_thrown_away_with_its_metrics(small_run: "SmallRun") -> None:
    small_run.trouble("probe", "error")
    with pytest.raises(WorkError):
        small_run.go()
    assert (small_run.run_dir / ".work/probe/step.txt").read_text() == "2"
    source = small_run.code.source("probe")
    source.write_text(source.read_text().replace("1 / step", "2 / step"))
    small_run.go()
    assert small_run.attempts()["probe"] == 1
    lines = [json.loads(line) for line in (small_run.run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines if line["stage"] == "probe"] == [2 / step for step in (1, 2, 3, 4)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
def test_a_full_disk_is_told_from_other_failures(small_run: "SmallRun") -> None:
    small_run.trouble("probe", "no space")
    with pytest.raises(WorkError, match=r'^disk full: stage "probe" could not write to .*free some space') as caught:
        small_run.go()
    assert str(caught.value.__cause__) == "cannot save"
    assert small_run.go().run["status"] == "done"


def mount(folder: Path, options: str) -> bool:
    """Mount memory at a folder; say whether that was allowed."""
    command = shutil.which("mount")
    if command is None or os.geteuid() != 0:
        return False
    done = subprocess.run([command, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    return done.returncode == 0


def test_a_disk_that_fills_up_loses_nothing_that_was_saved(small_run: "SmallRun") -> None:
    small_run.go()
    undisturbed = results(small_run.run_dir)
    shutil.rmtree(small_run.run_dir)
    small_run.run_dir.mkdir()
    if not mount(small_run.run_dir, "size=4m"):
        pytest.skip("mounting a small file system needs root and the right to mount")
    try:
        small_run.trouble("signal", "full")
        with pytest.raises(WorkError, match=f'disk full: stage "signal" could not write to {small_run.run_dir} '):
            small_run.go()
        assert (small_run.run_dir / ".work/signal/step.txt").read_text() == "2"
        assert all((small_run.run_dir / id_ / "result.txt").is_file() for id_ in ALL[:4])
        assert mount(small_run.run_dir, "remount,size=64m")
        small_run.go()
        assert small_run.attempts() == ONCE | {"signal": 2}
        assert results(small_run.run_dir) == undisturbed
    finally:
        # Lazily: somebody may be looking at it.
        subprocess.run([str(shutil.which("umount")), "--lazy", str(small_run.run_dir)], check=True)
