"""The plug-in for verl against verl's real functions, in an environment that ``make verl-contract`` builds.

``VERL_ENV`` names another one; where it is set and empty of verl, this fails rather than skips.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("verl_contract_run.py")
NAMED = os.environ.get("VERL_ENV")
ENVIRONMENT = ROOT / (NAMED or ".venv-verl")
MODULE = "vibethinker.integrations.verl"
TOLERANCE = 1e-6
COMPARISONS = [
    "lam 0 and verl's grpo",
    "lam 0 and verl's grpo, float32",
    "lam 0 and verl's grpo, rewards -1 and 1",
    "lam 0 and verl's grpo without deviation",
    "weight times verl's grpo",
    "algos",
    "algos, float32",
    "algos, ungradable",
    "algos, shaped rewards",
    "Long2Short and verl's grpo",
    "Long2Short and algos, ungradable",
    "verl's compute_advantage",
    "verl's compute_advantage_for_multi_trajectories",
]
MINIMUM_NUMBERS = 5000
"""Numbers other than 0 in each comparison, so that none passes by having nothing to compare."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        NAMED is None and not (ENVIRONMENT / "bin" / "python").exists(),
        reason="no environment of verl's at .venv-verl: make verl-contract builds it",
    ),
]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run verl's Python with nothing of this process's paths or plug-in settings."""
    dropped = ("PYTHONPATH", "VERL_USE_EXTERNAL_MODULES", "VERL_USE_EXTERNAL_PLUGINS")
    environment = {key: value for key, value in os.environ.items() if key not in dropped}
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), *arguments],
        env={**environment, "OMP_WAIT_POLICY": "passive", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = run(str(SCRIPT))
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_verl_loads_the_plug_in_by_itself(report: dict[str, Any]) -> None:
    assert report["module"] == MODULE


def test_every_comparison_was_made(report: dict[str, Any]) -> None:
    assert sorted(report["differences"]) == sorted(COMPARISONS)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_the_advantages_are_equal(report: dict[str, Any], comparison: str) -> None:
    assert report["numbers"][comparison] >= MINIMUM_NUMBERS
    assert report["differences"][comparison] <= TOLERANCE


def test_a_response_alone_in_its_group_has_no_advantage(report: dict[str, Any]) -> None:
    assert report["greatest alone"] == 0


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("shaped without correct_from", "set algorithm.mgpo.correct_from"),
        ("use_kl_in_reward", "use actor_rollout_ref.actor.use_kl_loss=True"),
        ("unknown key", "unknown key algorithm.mgpo.lambda"),
        ("unknown block", "unknown key algorithm.mgpo_lam"),
        ("negative lam", "lam must be at least 0"),
    ],
)
def test_what_cannot_be_read_is_refused(report: dict[str, Any], case: str, said: str) -> None:
    assert said in report["refusals"][case]


def test_the_check_finds_what_the_entry_point_registered() -> None:
    done = run("-m", MODULE, "--check")
    assert (done.returncode, done.stdout.strip()[:34]) == (0, "mgpo is registered with verl 0.9.1"), done.stderr[-2000:]


def test_the_check_finds_what_the_environment_variable_registered() -> None:
    done = run("-m", MODULE, "--check", VERL_USE_EXTERNAL_PLUGINS="none", VERL_USE_EXTERNAL_MODULES=MODULE)
    assert (done.returncode, done.stdout.strip()[:34]) == (0, "mgpo is registered with verl 0.9.1"), done.stderr[-2000:]


def test_the_check_fails_where_verl_did_not_load_the_plug_in() -> None:
    done = run("-m", MODULE, "--check", VERL_USE_EXTERNAL_PLUGINS="none")
    assert done.returncode == 1
    assert f"set VERL_USE_EXTERNAL_MODULES={MODULE}" in done.stderr
