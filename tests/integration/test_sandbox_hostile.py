"""No hostile program gets through: at levels 3 and 2, as this user and, where this one is root, as an ordinary one."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from vibethinker.sandbox import probe

SCRIPT = Path(__file__).with_name("sandbox_hostile_run.py")
SOURCE = Path(__file__).resolve().parents[2] / "src"
ORDINARY_USER = "23456"
MINIMUM_PROGRAMS = 60
MEMORY_GROWTH_MB = 300

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="levels 2 and 3 need Linux")


def command_for(user: str) -> list[str] | None:
    """Return how to start Python as "this" user or as an "ordinary" one; None where that is not possible."""
    if user == "this":
        return [sys.executable]
    found = [
        shutil.which(name, path="/usr/bin:/usr/local/bin")
        for name in ("python3.11", "python3.12", "python3.13", "python3.14")
    ]
    interpreter = next((path for path in found if path), None)
    if os.geteuid() != 0 or shutil.which("setpriv") is None or interpreter is None:
        return None
    drop = [
        "--reuid",
        ORDINARY_USER,
        "--regid",
        ORDINARY_USER,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    return ["setpriv", *drop, interpreter]


def run_corpus(user: str, *arguments: str) -> dict[str, Any] | str:
    command = command_for(user)
    if command is None:
        return "needs root, setpriv and an interpreter in /usr/bin that everybody may run"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
    done = subprocess.run(
        [*command, str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, timeout=240
    )
    if done.returncode:
        pytest.fail(f"{user} {arguments}: {done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def reports():
    """Both users at once: the programs wait more than they work."""
    working = {attempt.number for attempt in probe().attempts if attempt.works}
    cases = [(user, level) for level in (3, 2) for user in ("this", "ordinary") if level in working]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda case: run_corpus(case[0], str(case[1])), cases))
    return dict(zip(cases, found, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("level", [3, 2])
@pytest.mark.parametrize("user", ["this", "ordinary"])
def test_no_hostile_program_gets_through(reports, user, level):
    report = reports.get((user, level), f"this machine does not offer level {level}")
    if isinstance(report, str):
        pytest.skip(report)
    assert report["through"] == {}
    assert len(report["programs"]) >= MINIMUM_PROGRAMS
    assert report["grown_mb"] < MEMORY_GROWTH_MB
    assert report["left"] == 0


def test_without_confinement_programs_marked_as_control_do_get_through():
    report = run_corpus("this", "0", "control")
    if isinstance(report, str):
        pytest.skip(report)
    assert set(report["through"]) == set(report["programs"])
    assert len(report["programs"]) >= 10
