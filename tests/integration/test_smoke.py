"""recipes/smoke.yaml: every kind of stage, end to end, through the command line; then killed, and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from vibethinker.records import VERDICT_STATUSES

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "smoke.yaml"
DOMAINS = ["algebra", "calculus", "geometry", "statistics"]


def command(run_dir, *options):
    return [sys.executable, "-m", "vibethinker", "run", str(RECIPE), "--run-dir", str(run_dir), *options]


def run(run_dir, *options):
    return subprocess.run(command(run_dir, *options), capture_output=True, text=True, cwd=ROOT, check=False)


def stages(run_dir):
    return {stage["id"]: stage for stage in json.loads((run_dir / "run.json").read_text())["stages"]}


def numbers(run_dir):
    """All that must be the same after an interruption: every stage's metrics, and every line of metrics.jsonl."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    ordered = sorted(lines, key=lambda line: (line["stage"], line["run"], line["step"]))
    return {name: stage["metrics"] for name, stage in stages(run_dir).items()}, ordered


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "smoke"
    done = run(run_dir)
    assert done.returncode == 0, done.stderr
    return run_dir, done


def test_every_stage_is_done_and_the_table_and_the_report_are_there(finished):
    run_dir, done = finished
    assert json.loads((run_dir / "run.json").read_text())["status"] == "done"
    assert {stage["status"] for stage in stages(run_dir).values()} == {"done"}
    for name in ("base", "probe", "spectrum", "signal"):
        assert name in done.stdout
    assert "report.html" in done.stdout
    page = (run_dir / "report.html").read_text()
    assert "signal" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_the_sets_are_disjoint_and_of_the_size_asked_for(finished):
    folder = finished[0] / "problems"
    questions = {
        split: set(pq.read_table(folder / f"{split}.parquet").column("question").to_pylist())
        for split in ("train", "probing", "rl", "heldout")
    }
    assert len(questions["heldout"]) == 16
    assert sum(map(len, questions.values())) == len(set().union(*questions.values()))


def test_probing_covers_every_checkpoint_and_domain_and_chooses_the_greatest(finished):
    metrics = stages(finished[0])["probe"]["metrics"]
    assert len(metrics["cells"]) == 8 * 4
    for domain in DOMAINS:
        cells = {cell["checkpoint"]: cell["pass@2"] for cell in metrics["cells"] if cell["domain"] == domain}
        assert cells[metrics["specialists"][domain]["checkpoint"]] == max(cells.values())


def test_rl_keeps_every_rollout_and_every_steps_figures(finished):
    run_dir, _ = finished
    rollouts = pq.read_table(run_dir / "signal" / "rollouts.parquet").to_pylist()
    assert len(rollouts) == 4 * 4 * 4
    assert {row["step"] for row in rollouts} == {1, 2, 3, 4}
    assert all((row["reward"] == 1.0) == row["correct"] for row in rollouts)
    lines = [line for line in numbers(run_dir)[1] if line["stage"] == "signal"]
    keys = {"reward", "accuracy_histogram", "weight", "no_signal", "length", "entropy", "kl", "clip_ratio", "grad_norm"}
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    for line in lines:
        assert keys | {"truncated"} <= line.keys()
        assert sum(line["accuracy_histogram"]) == 4
        assert sum(line[f"verdict/{status}"] for status in VERDICT_STATUSES) == pytest.approx(1)


def test_code_is_judged_by_running_it(finished):
    run_dir, _ = finished
    rollouts = pq.read_table(run_dir / "code" / "rollouts.parquet").to_pylist()
    assert len(rollouts) == 2 * 4 * 4
    assert {row["kind"] for row in rollouts} == {"code"}
    judged = {row["status"] for row in rollouts}
    assert judged <= {"match", "mismatch", "unparseable", "no_answer", "timeout"}
    metrics = stages(run_dir)["code_results"]["metrics"]
    assert metrics["domains"] == ["code"]
    # The shipped base knows the language, or nothing above would have been run.
    assert metrics["models"]["base"]["statuses"].get("match", 0) > 0


def test_evaluation_compares_all_models_on_the_same_problems(finished):
    metrics = stages(finished[0])["results"]["metrics"]
    assert set(metrics["models"]) == {"base", "nursery", "probe", "spectrum", "signal", "code"}
    for model in metrics["models"].values():
        assert set(model["pass@1"]) == {"all", *DOMAINS}
        assert 0 <= model["pass@1"]["all"] <= model["pass@2"]["all"] <= 1
        assert sum(model["ways"].values()) == pytest.approx(1)
    # The shipped base can do something, or nothing above would mean much.
    assert metrics["models"]["probe"]["pass@1"]["all"] > 0.05


def test_running_it_again_reuses_every_stage(finished):
    run_dir, _ = finished
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*.parquet")}
    again = run(run_dir)
    assert again.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*.parquet")} == before


def test_one_run_probed_on_every_domain_and_task_arithmetic(tmp_path):
    run_dir = tmp_path / "one"
    options = ["specialists.per_domain=false", "spectrum.method.name=task_arithmetic", "spectrum.method.scale=0.8"]
    done = run(run_dir, "--until", "spectrum", *(part for option in options for part in ("--set", option)))
    assert done.returncode == 0, done.stderr
    probed = stages(run_dir)["probe"]["metrics"]
    assert {cell["checkpoint"] for cell in probed["cells"]} == {"all/2", "all/4"}
    assert set(probed["specialists"]) == set(DOMAINS)
    assert stages(run_dir)["spectrum"]["metrics"]["method"] == "task_arithmetic"
    assert (run_dir / "spectrum" / "model" / "model.safetensors").is_file()


# What is on disk when a stage's process is killed: in the middle of each kind of training, and of sampling.
KILL_WHEN = {
    "pretrain": ".work/nursery/training/checkpoint-4",
    "sft": ".work/specialists/checkpoints/calculus/checkpoint-2",
    "rl": ".work/signal/training/checkpoint-2",
}


def test_killed_in_every_training_and_rerun_it_ends_with_the_same_numbers(finished, tmp_path):
    run_dir = tmp_path / "killed"
    for sign in KILL_WHEN.values():
        process = subprocess.Popen(
            command(run_dir), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while not (run_dir / sign).exists():
            assert process.poll() is None, f"ended before {sign} was there"
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    done = run(run_dir)
    assert done.returncode == 0, done.stderr
    assert numbers(run_dir) == numbers(finished[0])


def test_ctrl_c_saves_says_what_to_type_and_goes_on_to_the_same_numbers(finished, tmp_path):
    run_dir = tmp_path / "interrupted"
    process = subprocess.Popen(
        command(run_dir, "--until", "nursery"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while not (run_dir / ".work/nursery/training/checkpoint-4").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "interrupted at nursery" in errors
    assert "same command" in errors
    assert run(run_dir, "--until", "nursery").returncode == 0
    assert stages(run_dir)["nursery"]["metrics"] == stages(finished[0])["nursery"]["metrics"]


def test_a_full_disk_is_said_loses_no_checkpoint_and_the_run_goes_on_when_there_is_room(finished, tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount: {mounted.stderr.strip()}")
    try:
        full = run(place / "run")
        assert full.returncode == 1, full.stderr
        (line,) = [line for line in full.stderr.splitlines() if line.startswith("error:")]
        assert "disk" in line
        assert stages(place / "run")["nursery"]["status"] == "done"
        subprocess.run(["mount", "-o", "remount,size=600m", str(place)], check=True)
        assert run(place / "run").returncode == 0
        assert numbers(place / "run") == numbers(finished[0])
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
