"""Two processes train as one does: the same rollouts, the same losses, the same parameters but for rounding."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("two_processes_run.py")
ours = runpy.run_path(str(SCRIPT))
G, STEPS, TRAININGS = ours["G"], ours["STEPS"], ours["TRAININGS"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
        reason="this build of torch has no gloo, which two processes on a CPU need",
    ),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return what the trainings showed on one process and on two, and their folders."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    launcher = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"),
            *("--nproc_per_node", "2", str(SCRIPT), str(two)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        ours["run"](one, processes=1)
        output, _ = launcher.communicate()
    finally:
        launcher.terminate()
    assert launcher.returncode == 0, output[-4000:]
    return {folder: json.loads((folder / "found.json").read_text()) for folder in (one, two)}


@pytest.mark.parametrize("name", TRAININGS)
def test_the_rollouts_are_the_same_in_the_same_order(found, name):
    one, two = (result[name]["rollouts"] for result in found.values())
    assert len(one) == STEPS // 2
    keys = ("question", "text", "correct", "reward", "length", "weight")
    for alone, shared in zip(one, two, strict=True):
        assert alone["step"] == shared["step"]
        assert [[row[key] for key in keys] for row in shared["rows"]] == [
            [row[key] for key in keys] for row in alone["rows"]
        ]
        assert [row["advantage"] for row in shared["rows"]] == pytest.approx(
            [row["advantage"] for row in alone["rows"]], abs=1e-5
        )


@pytest.mark.parametrize("name", TRAININGS)
def test_the_losses_and_the_parameters_are_the_same(found, name):
    one, two = (result[name]["history"] for result in found.values())
    assert len(one) == STEPS
    assert any(abs(line["loss"]) > 1e-3 for line in one)
    for alone, shared in zip(one, two, strict=True):
        assert shared["loss"] == pytest.approx(alone["loss"], abs=1e-4)
        assert shared["grad_norm"] == pytest.approx(alone["grad_norm"], rel=1e-3)
        assert shared["reward"] == pytest.approx(alone["reward"])
    one, two = (load_file(folder / f"{name}.safetensors") for folder in found)
    start = ours["load_model"]("micro")[0].state_dict()
    assert max(float((one[key] - start[key]).abs().max()) for key in one) > 1e-3
    for key, value in one.items():
        assert float((two[key] - value).abs().max()) < 1e-5, key


@pytest.mark.parametrize("name", TRAININGS)
def test_every_group_is_of_one_prompt_and_has_that_prompts_verdicts(found, name):
    salts = dict(zip(ours["QUESTIONS"], ours["SALTS"], strict=True))
    for result in found.values():
        for step in result[name]["rollouts"]:
            groups = [step["rows"][start : start + G] for start in range(0, len(step["rows"]), G)]
            for group in groups:
                (question,) = {row["question"] for row in group}
                assert [row["correct"] for row in group] == [
                    ours["is_right"](row["text"], salts[question]) for row in group
                ]
            batches = [groups[start : start + 4] for start in range(0, len(groups), 4)]
            for batch in batches:
                assert len({group[0]["question"] for group in batch}) == len(batch) == 4


@pytest.mark.parametrize("name", TRAININGS)
def test_the_samplers_of_both_processes_and_of_the_one_know_the_same(found, name):
    one, two = (result[name]["states"] for result in found.values())
    assert len(one) == 1
    assert two == one * 2


def test_groups_without_signal_were_there_to_be_skipped(found):
    for result in found.values():
        assert 0 < result["uniform"]["statistics"]["no_signal"] < 1
        assert result["dynamic"]["statistics"]["rollouts"] > ours["ROLLOUTS"]


def test_a_group_split_over_processes_is_refused(found):
    alone, shared = (result["refusal"] for result in found.values())
    assert alone is None
    assert "need whole groups on every process, got 2 rollouts for groups of 4" in shared


def test_two_processes_leave_one_whole_checkpoint_and_go_on_from_it_exactly(found):
    for folder, result in found.items():
        processes = len(result["dynamic"]["states"])
        assert result["dynamic"]["checkpoints"] == [f"checkpoint-{STEPS}"]
        assert len(result["dynamic"]["generators"]) == processes
        assert result["resumed"]["checkpoints"] == [f"checkpoint-{STEPS}"]
        assert result["resumed"]["rollouts"] == result["dynamic"]["rollouts"][1:]
        assert result["resumed"]["states"] == result["dynamic"]["states"]
        whole, resumed = (load_file(folder / f"{name}.safetensors") for name in ("dynamic", "dynamic-again"))
        assert all(torch.equal(resumed[key], value) for key, value in whole.items())
