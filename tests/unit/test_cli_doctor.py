"""What doctor says of a machine: everything a run needs to know, in about a second and without a tensor library."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from vibethinker.cli import run_command
from vibethinker.observe import doctor
from vibethinker.observe.doctor import confinement, examine, finding_lines
from vibethinker.sandbox import Probe
from vibethinker.sandbox.levels import Attempt, advice


def test_json_is_one_object_with_every_finding(capsys):
    assert run_command(["doctor", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.count("\n") == 1
    found = json.loads(captured.out)
    assert list(found) == (
        ["versions", "system", "cores", "memory_bytes", "disk", "sandbox", "accelerator", "trackers"]
    )
    assert list(found["versions"]) == ["python", "vibethinker", "torch", "transformers", "trl"]
    assert found["versions"]["python"] == platform.python_version()
    assert 1 <= found["cores"] <= (os.cpu_count() or 1)
    assert found["memory_bytes"] > 2**28
    assert 0 <= found["disk"]["free_bytes"] <= found["disk"]["total_bytes"]
    assert set(found["trackers"]) == {"tensorboard", "trackio", "wandb"}


def test_the_terminal_shows_a_line_a_finding(capsys):
    assert run_command(["doctor"]) == 0
    out = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in out if not line.startswith(" ")]
    assert names == ["versions", "system", "cores", "memory", "disk", "sandbox", "accelerator", "trackers"]


def test_no_tensor_library_is_loaded():
    script = (
        "import sys\nfrom vibethinker.cli import run_command\nstatus = run_command(['doctor'])\n"
        "print([status, *(m for m in ('torch', 'transformers', 'trl', 'pyarrow', 'numpy') if m in sys.modules)])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[0]\n")


def weak_machine(best):
    """Describe a machine on which no level above ``best`` works; None: not even level 0."""
    attempts = [
        Attempt(n, works=best is not None and n <= best, trouble=f"no luck\nwith level {n}") for n in (3, 2, 1, 0)
    ]
    missing = {attempt.number: advice(attempt.number, attempt.trouble) for attempt in attempts if not attempt.works}
    return Probe(best, tuple(attempts), missing, 0, "Linux")


@pytest.mark.parametrize("best", [2, 1, 0, None])
def test_what_a_stronger_sandbox_misses_is_told_with_how_to_get_it(best):
    found = confinement(weak_machine(best), 2)
    assert found["level"] == best
    assert found["enough"] is (best == 2)
    missing = [level for level in (3, 2, 1, 0) if best is None or level > best]
    assert [entry["level"] for entry in found["missing"]] == missing
    text = "\n".join(finding_lines({**examine(Path()), "sandbox": found}))
    for level in missing:
        assert f"level {level} does not work: no luck with level {level}" in text
        assert advice(level, "") in text
    assert ("not enough: programs need level 2" in text) is (best in (0, 1))
    assert (f"VIBETHINKER_SANDBOX_LEVEL={best} accepts it as it is" in text) is (best in (0, 1))
    assert confinement(weak_machine(best), 0)["enough"] is (best is not None)


NVIDIA_SMI = """#!/bin/sh
echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)'
echo '  MIG 1g.10gb Device 0: (UUID: MIG-1)'
"""


@pytest.mark.parametrize(
    ("script", "gpus", "note"),
    [
        (None, [], "no nvidia-smi"),
        (NVIDIA_SMI, ["NVIDIA H100 80GB HBM3"], ""),
        ("#!/bin/sh\nexit 9\n", [], "nvidia-smi is there but lists no GPU"),
        ("#!/bin/sh\necho No devices found\n", [], "nvidia-smi is there but lists no GPU"),
    ],
)
def test_the_accelerator_is_what_the_drivers_own_program_lists(tmp_path, monkeypatch, script, gpus, note):
    if script is not None:
        (tmp_path / "nvidia-smi").write_text(script)
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = examine(tmp_path)
    assert found["accelerator"] == {"gpus": gpus, "note": note}
    line = next(line for line in finding_lines(found) if line.startswith("accelerator"))
    assert line.endswith(", ".join(gpus) or f"none ({note})")


def test_a_containers_limit_of_memory_counts_where_it_is_less(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(doctor, "_CGROUP_LIMITS", (limit,))
    whole = examine(tmp_path)["memory_bytes"]
    for text, bytes_ in (("max\n", whole), (f"{2**28}\n", 2**28), (f"{2**62}\n", whole)):
        limit.write_text(text)
        assert examine(tmp_path)["memory_bytes"] == bytes_


def test_a_package_that_is_not_there_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("vibethinker", "no-such-package-here"))
    found = examine(Path())
    assert found["versions"]["no-such-package-here"] is None
    assert "no-such-package-here missing" in finding_lines(found)[0]
