"""Fusion is the formula of algos.fusion on every tensor, summed wide and cast once."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from vibethinker.algos.fusion import task_arithmetic, weighted_average
from vibethinker.engines.fusion import fuse, weights_by_domain
from vibethinker.errors import InputError


@pytest.fixture
def folder(tmp_path):
    def make(name, tensors):
        path = tmp_path / name
        path.mkdir()
        (path / "config.json").write_text(json.dumps({"name": name}))
        save_file(tensors, path / "model.safetensors")
        return path

    return make


def random_tensors(seed, dtype=torch.bfloat16):
    generator = torch.Generator().manual_seed(seed)
    return {"a": torch.randn(7, 5, generator=generator).to(dtype), "b": torch.randn(11, generator=generator).to(dtype)}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("copies", [2, 3, 7])
def test_a_model_fused_with_itself_is_the_same_bytes(folder, tmp_path, dtype, copies):
    path = folder("m", random_tensors(0, dtype))
    fuse([path] * copies, [1 / copies] * copies, tmp_path / "out")
    before, after = load_file(path / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)


def test_linear_fusion_is_the_formula(folder, tmp_path):
    parents = [folder(str(i), random_tensors(i, torch.float32)) for i in range(3)]
    weights = [0.5, 0.3, 0.2]
    fuse(parents, weights, tmp_path / "out")
    expected = weighted_average([load_file(p / "model.safetensors")["b"].tolist() for p in parents], weights)
    assert load_file(tmp_path / "out" / "model.safetensors")["b"].tolist() == pytest.approx(expected, abs=1e-6)


def test_task_arithmetic_is_the_formula_and_with_one_parent_the_parent(folder, tmp_path):
    base = folder("base", random_tensors(9, torch.float32))
    parents = [folder(str(i), random_tensors(i, torch.float32)) for i in range(2)]
    fuse(parents, [0.5, 0.5], tmp_path / "out", base=base, scale=1.5)
    read = lambda path: load_file(path / "model.safetensors")["b"].tolist()  # noqa: E731
    expected = task_arithmetic(read(base), [read(p) for p in parents], [0.5, 0.5], scale=1.5)
    assert read(tmp_path / "out") == pytest.approx(expected, abs=1e-5)
    fuse(parents[:1], [1.0], tmp_path / "same", base=base)
    assert read(tmp_path / "same") == pytest.approx(read(parents[0]), abs=1e-6)


def test_models_that_differ_are_refused_by_the_first_tensor_that_does(folder, tmp_path):
    one = folder("one", {"a": torch.zeros(2), "b": torch.zeros(3)})
    shape = folder("shape", {"a": torch.zeros(2), "b": torch.zeros(4)})
    fewer = folder("fewer", {"a": torch.zeros(2)})
    for parents, message in (
        ([one, shape], r"tensor b is \[3\] .* \[4\]"),
        ([one, fewer], "fewer has no tensor b"),
        ([fewer, one], "fewer has no tensor b"),
    ):
        with pytest.raises(InputError, match=message):
            fuse(parents, [0.5, 0.5], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_an_average_must_be_convex(folder, tmp_path):
    one = folder("one", random_tensors(0))
    with pytest.raises(ValueError, match="sum"):
        fuse([one, one], [0.5, 0.6], tmp_path / "out")


def test_weights_go_by_domain_and_are_equal_by_default():
    assert weights_by_domain(["a", "b"], None) == [0.5, 0.5]
    assert weights_by_domain(["a", "b"], {"b": 0.75, "a": 0.25}) == [0.25, 0.75]
    with pytest.raises(InputError, match="weights name a, c"):
        weights_by_domain(["a", "b"], {"a": 0.5, "c": 0.5})
