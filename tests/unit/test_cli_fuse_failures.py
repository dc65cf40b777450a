"""A fusion that is interrupted, killed or out of disk leaves no part of a model, and none is ever whole in memory."""

import contextlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vibethinker.cli import run_command

WEIGHTS = "model.safetensors"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with two small models."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a", "b")):
        make(name, {"model.norm.weight": torch.full((4,), float(seed))})
    return tmp_path


def make(name: str, tensors: dict[str, torch.Tensor]) -> None:
    path = Path(name)
    path.mkdir()
    save_file(tensors, path / WEIGHTS, metadata={"format": "pt"})
    (path / "config.json").write_text('{"model_type": "qwen2"}')


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_too_little_room_is_told_before_a_byte_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_300))
    assert run_command(["fuse", "a", "b", "--output", "out"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: disk too small: the fused model takes 0.00 GB, ")
    assert "has 0.00 GB free: free some space or choose another output" in error
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


def large(name: str) -> None:
    """Make a model that takes a while."""
    make(name, {f"{number}": torch.ones(2**23) for number in range(4)})


def started(*models: str) -> "subprocess.Popen[str]":
    """Start a fusion and wait until it writes."""
    command = [sys.executable, "-m", "vibethinker", "fuse", *models, "--output", "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not list(Path().glob(".out.fusing/*.safetensors")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fusion_leaves_nothing_and_is_status_130(folder: Path, number: int) -> None:
    large("large")
    before = snapshot(folder)
    process = started(*["large"] * 12)
    try:
        process.send_signal(number)
        shown, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, shown, errors) == (130, "", "interrupted; nothing was written\n")
    assert snapshot(folder) == before
    assert not list(folder.glob(".*"))


def test_after_a_kill_a_rerun_clears_what_was_left_and_succeeds(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large("large")
    process = started(*["large"] * 12)
    process.kill()
    process.communicate()
    assert not Path("out").exists()
    (Path(".out.fusing") / "rest").mkdir(parents=True, exist_ok=True)
    assert run_command(["fuse", "a", "b", "--output", "out"]) == 0
    assert capsys.readouterr().err == ""
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "large", "out"]
    assert not list(Path("out").glob("rest"))


def test_a_full_disk_is_status_1_one_line_and_no_part_of_a_model(folder: Path) -> None:
    """The system refuses to let a file grow beyond 16 KiB."""
    large("large")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, 2**14))

    command = [sys.executable, "-m", "vibethinker", "fuse", "large", "large", "--output", "out"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files)
    assert done.stdout == ""
    assert done.stderr.startswith("error: cannot write ")
    assert done.stderr.endswith("; nothing was written\n")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "large"]


def test_memory_does_not_grow_with_the_model(folder: Path) -> None:
    script = (
        "import resource, sys\n"
        "from vibethinker.cli import run_command\n"
        "run_command(['fuse', *sys.argv[1:], '--output', 'out', '--json'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    large("large")
    peaks = []
    for name in ("a", "large"):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree("out")
        done = subprocess.run([sys.executable, "-c", script, *[name] * 4], capture_output=True, text=True, check=True)
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 134_000, "kilobytes: less than one of the five files of 134 MB"
