"""Against mergekit, in an environment that ``make mergekit-parity`` builds: the same models but for rounding.

``MERGEKIT_ENV`` names another one; where it is set and empty of mergekit, this fails rather than skips. mergekit's DARE
rescales what it kept to the length before, ours by 1 / (1 - drop) as in the paper, and masks are each one's own: they
are compared where nothing is dropped. Its SLERP takes the straight line below 1.8 degrees, ours below 0.006.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vibethinker.configs.fusion_methods import (
    DareMethod,
    LinearMethod,
    SlerpMethod,
    TaskArithmeticMethod,
    TiesMethod,
)
from vibethinker.configs.model_places import micro_folder
from vibethinker.engines.fusion import fuse_models

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("mergekit_run.py")
NAMED = os.environ.get("MERGEKIT_ENV")
ENVIRONMENT = ROOT / (NAMED or ".venv-mergekit")
WEIGHTS = "model.safetensors"
SHARES = [0.2, 0.5, 0.3]
# The method, ours and mergekit's parameters by name, and of each model.
METHODS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "linear": (LinearMethod(), {}, {}),
    "task_arithmetic": (TaskArithmeticMethod(name="task_arithmetic", scale=0.7), {"lambda": 0.7}, {}),
    "ties": (TiesMethod(name="ties", scale=0.7, density=0.2), {"lambda": 0.7}, {"density": 0.2}),
    "dare_linear": (DareMethod(name="dare", scale=0.7, drop=0.0), {"lambda": 0.7}, {"density": 1.0}),
    "slerp": (SlerpMethod(name="slerp"), {"t": 0.3}, {}),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        NAMED is None and not (ENVIRONMENT / "bin" / "mergekit-yaml").exists(),
        reason="no environment of mergekit's at .venv-mergekit: make mergekit-parity builds it",
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A base in float32 and three models some degrees from it."""
    folders = []
    for number in range(4):
        folder = tmp_path_factory.mktemp("models") / str(number)
        folder.mkdir()
        (folder / "config.json").write_bytes((micro_folder() / "config.json").read_bytes())
        generator = torch.Generator().manual_seed(number)
        tensors = {
            name: tensor.float() * (1 + (number > 0) * torch.randn(tensor.shape, generator=generator) / 3)
            for name, tensor in load_file(micro_folder() / WEIGHTS).items()
        }
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        folders.append(folder)
    return folders


def configuration(name: str, models: list[Path]) -> dict[str, Any]:
    _, parameters, of_each = METHODS[name]
    base, *parents = map(str, models)
    shares: list[float | None] = [*SHARES]
    if name == "slerp":
        base, parents, shares = parents[0], parents[:2], [None, None]
    rows = [
        {"model": model, "parameters": of_each | ({} if share is None else {"weight": share})}
        for model, share in zip(parents, shares, strict=True)
    ]
    found = {"merge_method": name, "models": rows, "parameters": parameters, "dtype": "float32"}
    return found if name == "linear" else found | {"base_model": base}


@pytest.fixture(scope="module")
def theirs(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with mergekit's model of each method."""
    folder = tmp_path_factory.mktemp("theirs")
    jobs = {str(folder / name): configuration(name, models) for name in METHODS}
    (folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), str(SCRIPT), str(folder / "jobs.json")],
        env={**os.environ, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", METHODS)
def test_both_make_the_same_model(name: str, models: list[Path], theirs: Path, tmp_path: Path) -> None:
    method = METHODS[name][0]
    base, *parents = map(str, models)
    weights = SHARES
    if name == "slerp":
        parents, weights = parents[:2], [0.7, 0.3]
    root = None if name in ("linear", "slerp") else base
    fuse_models(parents, method, tmp_path / "ours", weights=weights, seed=0, base=root)
    ours, other = load_file(tmp_path / "ours" / WEIGHTS), load_file(theirs / name / WEIGHTS)
    first = load_file(models[1] / WEIGHTS)
    assert other.keys() == ours.keys()
    moved = 0
    for tensor, value in ours.items():
        assert torch.allclose(value, other[tensor], rtol=1e-5, atol=1e-6), tensor
        moved += int((value != first[tensor]).sum())
    assert moved > 1_000_000
