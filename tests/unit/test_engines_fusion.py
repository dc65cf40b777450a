"""Fusion is the formula of algos.fusion* on every tensor, summed wide and rounded once, whatever the files."""

from fractions import Fraction
from math import inf, nan
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from vibethinker.algos.fusion import equal_weights, task_arithmetic, weighted_average
from vibethinker.algos.fusion_dare import dare
from vibethinker.algos.fusion_slerp import slerp
from vibethinker.algos.fusion_ties import ties
from vibethinker.configs.fusion_methods import (
    DareMethod,
    LinearMethod,
    SlerpMethod,
    TaskArithmeticMethod,
    TiesMethod,
)
from vibethinker.engines.fusion import fuse_models, stream
from vibethinker.engines.fusion.kernels import Dare, Place, Ties
from vibethinker.errors import InputError

WEIGHTS = "model.safetensors"
FLOATS = [torch.bfloat16, torch.float16, torch.float32, torch.float64]
LINEAR = LinearMethod()
WITH_BASE: list[Any] = [
    TaskArithmeticMethod(name="task_arithmetic", scale=1.5),
    TiesMethod(name="ties", density=0.3, scale=1.5),
    DareMethod(name="dare", drop=0.5, scale=1.5),
]
METHODS: list[Any] = [LINEAR, *WITH_BASE, SlerpMethod(name="slerp")]


def random_tensors(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    tensors = {"a": torch.randn(7, 5, generator=generator), "b": torch.randn(11, generator=generator)}
    tensors |= {"scalar": torch.randn((), generator=generator), "empty": torch.zeros(0, 3)}
    # Both zeros are numbers of their own.
    tensors["a"][0, :2] = torch.tensor([0.0, -0.0])
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def fuse(parents, method, output, *, weights=None, seed=0, base=None, **options):
    weights = equal_weights(len(parents)) if weights is None else weights
    root = None if base is None else str(base)
    return fuse_models(
        [str(path) for path in parents], method, output, weights=weights, seed=seed, base=root, **options
    )


def read(folder):
    return load_file(folder / WEIGHTS)


def flat(folder, name="a"):
    return read(folder)[name].flatten().tolist()


def same_bytes(one, other):
    return (one / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("copies", [2, 3, 7])
def test_a_model_fused_with_itself_is_the_same_file(folder, tmp_path, small_blocks, dtype, copies):
    path = folder("m", random_tensors(0, dtype))
    fuse([path] * copies, LINEAR, tmp_path / "out")
    assert same_bytes(path, tmp_path / "out")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("method", WITH_BASE, ids=lambda method: method.name)
def test_models_that_are_the_base_leave_it_as_it_is(folder, tmp_path, dtype, method):
    path = folder("m", random_tensors(0, dtype))
    fuse([path] * 3, method, tmp_path / "out", base=path)
    assert same_bytes(path, tmp_path / "out")


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_slerp_of_a_model_with_itself_is_the_same_file(folder, tmp_path, t):
    path = folder("m", random_tensors(0, torch.bfloat16))
    fuse([path] * 2, SlerpMethod(name="slerp"), tmp_path / "out", weights=[1 - t, t])
    assert same_bytes(path, tmp_path / "out")


def test_negative_weights_of_models_that_are_the_base_leave_it_as_it_is(folder, tmp_path):
    path = folder("m", random_tensors(0))
    fuse([path] * 2, WITH_BASE[0], tmp_path / "out", weights=[-2.0, 0.5], base=path)
    assert same_bytes(path, tmp_path / "out")


@pytest.mark.parametrize("dtype", FLOATS)
def test_linear_fusion_is_the_exact_average_rounded_once(folder, tmp_path, small_blocks, dtype):
    parents = [folder(str(i), random_tensors(i, dtype)) for i in range(3)]
    weights = [0.1, 0.2, 0.7]
    fuse(parents, LINEAR, tmp_path / "out", weights=weights)
    exact = torch.tensor(weighted_average([flat(path) for path in parents], weights), dtype=torch.float64)
    fused = read(tmp_path / "out")["a"].flatten()
    assert fused.dtype == dtype
    assert torch.equal(fused, exact.to(dtype)) or dtype == torch.float64
    # Float64 is summed in float64: a few roundings of numbers up to 4.
    assert torch.allclose(fused.double(), exact, rtol=torch.finfo(dtype).eps, atol=2e-15)


def test_all_the_weight_on_one_model_gives_its_file(folder, tmp_path):
    parents = [
        folder("large", {"a": torch.full((4,), 1e20)}),
        folder("small", {"a": torch.tensor([1e-20, 3, -0.0, 7])}),
    ]
    fuse(parents, LINEAR, tmp_path / "out", weights=[0.0, 1.0])
    assert same_bytes(parents[1], tmp_path / "out")


@pytest.mark.parametrize("size", [7, 64])
def test_methods_with_a_base_are_their_formulas(folder, tmp_path, monkeypatch, size):
    monkeypatch.setattr(stream, "BLOCK_NUMBERS", size)
    base, *parents = [folder(str(i), random_tensors(i, torch.float32)) for i in range(4)]
    weights = [0.5, 0.3, 0.2]
    for method in WITH_BASE:
        fuse(parents, method, tmp_path / method.name, weights=weights, base=base, seed=5)
    models = [flat(path) for path in parents]
    expected = task_arithmetic(flat(base), models, weights, scale=1.5)
    assert flat(tmp_path / "task_arithmetic") == pytest.approx(expected, abs=1e-6)
    expected = ties(flat(base), models, weights, density=0.3, scale=1.5)
    assert flat(tmp_path / "ties") == pytest.approx(expected, abs=1e-6)
    kernel = Dare(weights, drop=0.5, scale=1.5, seed=5)
    kept = [kernel.kept(model, Place("a", 0, 35), 35).tolist() for model in range(3)]
    assert 0 < sum(map(sum, kept)) < 105
    expected = dare(flat(base), models, weights, kept, drop=0.5, scale=1.5)
    assert flat(tmp_path / "dare") == pytest.approx(expected, abs=1e-6)


def test_slerp_is_its_formula(folder, tmp_path, small_blocks):
    parents = [folder(str(i), random_tensors(i, torch.float32)) for i in range(2)]
    fuse(parents, SlerpMethod(name="slerp"), tmp_path / "out", weights=[0.7, 0.3])
    for name in ("a", "b"):
        expected = slerp(flat(parents[0], name), flat(parents[1], name), 0.3)
        assert flat(tmp_path / "out", name) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_size_of_blocks_and_of_shards_changes_no_tensor(folder, tmp_path, monkeypatch, method):
    base, *parents = [folder(str(i), random_tensors(i, torch.bfloat16)) for i in range(3)]
    base = base if method in WITH_BASE else None
    for size in (4, 1000):
        monkeypatch.setattr(stream, "BLOCK_NUMBERS", size)
        fuse(parents, method, tmp_path / str(size), base=base, max_shard_bytes=50 if size == 4 else 10**9)
    assert not (tmp_path / "4" / WEIGHTS).exists()
    shards = {
        name: tensor for path in (tmp_path / "4").glob("*.safetensors") for name, tensor in load_file(path).items()
    }
    whole = read(tmp_path / "1000")
    assert shards.keys() == whole.keys()
    assert all(torch.equal(shards[name], whole[name]) for name in whole)


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([0.0, 0.5, -0.5, 1.0, 3.0, 1e-30, -1e30, 65504.0]), min_size=1, max_size=40),
    st.floats(0.01, 1),
)
def test_the_threshold_of_ties_is_found_exactly_by_counting(numbers, density):
    """Many equal numbers, and magnitudes that only the lower half of the bits tells apart."""
    model = torch.tensor(numbers) * torch.linspace(1, 1 + 2**-20, len(numbers))
    kernel, place = Ties([1.0], density=density, scale=1.0), Place("a", 0, len(numbers))
    blocks, state = [model, torch.zeros_like(model)], None
    for _ in range(kernel.passes):
        state = kernel.settle(state, kernel.measure(state, blocks, place), place)
    fused = kernel.fuse(state, blocks, place)
    assert fused.tolist() == ties([0.0] * len(numbers), [model.tolist()], [1.0], density=density, scale=1.0)


def test_what_dare_drops_depends_on_seed_model_tensor_and_place_only():
    kernel = Dare([0.5, 0.5], drop=0.9, scale=1.0, seed=1)
    size = 2 * Dare.MASK_NUMBERS + 10
    whole = kernel.kept(0, Place("a", 0, size), size)
    parts = [kernel.kept(0, Place("a", start, size), min(100_003, size - start)) for start in range(0, size, 100_003)]
    assert torch.equal(whole, torch.cat(parts))
    assert whole.double().mean() == pytest.approx(0.1, abs=0.002)
    for other in (
        kernel.kept(1, Place("a", 0, size), size),
        kernel.kept(0, Place("b", 0, size), size),
        Dare([0.5, 0.5], drop=0.9, scale=1.0, seed=2).kept(0, Place("a", 0, size), size),
    ):
        assert (whole & other).double().mean() == pytest.approx(0.01, abs=0.002)


def test_dare_has_the_sum_expected(folder, tmp_path):
    base, parent = folder("base", {"a": torch.zeros(10**6)}), folder("one", {"a": torch.ones(10**6)})
    fuse([parent], DareMethod(name="dare", drop=0.9), tmp_path / "out", base=base)
    fused = read(tmp_path / "out")["a"]
    assert set(fused.unique().tolist()) == {0.0, 10.0}
    # Six standard deviations.
    assert fused.mean() == pytest.approx(1.0, abs=6 * 3 / 1000)


def test_the_same_seed_drops_the_same_and_the_method_s_own_seed_goes_first(folder, tmp_path):
    base, *parents = [folder(str(i), random_tensors(i)) for i in range(3)]
    for name, method, seed in (
        ("one", DareMethod(name="dare"), 1),
        ("again", DareMethod(name="dare"), 1),
        ("own", DareMethod(name="dare", seed=1), 9),
        ("other", DareMethod(name="dare"), 2),
    ):
        fuse(parents, method, tmp_path / name, base=base, seed=seed)
    assert same_bytes(tmp_path / "one", tmp_path / "again")
    assert same_bytes(tmp_path / "one", tmp_path / "own")
    assert not same_bytes(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize("number", [nan, inf, -inf])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("where", [0, 1, "base"])
def test_a_number_that_is_not_finite_is_found_with_its_tensor_and_model(folder, tmp_path, number, method, where):
    if where == "base" and method not in WITH_BASE:
        return
    tensors = {name: random_tensors(i) for i, name in enumerate([0, 1, "base"])}
    tensors[where]["b"][-1] = number
    folders = {name: folder(str(name), found) for name, found in tensors.items()}
    base = folders.pop("base")
    with pytest.raises(InputError, match=f"{where} holds NaN or infinity in tensor b"):
        fuse(folders.values(), method, tmp_path / "out", weights=[1.0, 0.0], base=base if method in WITH_BASE else None)
    assert not (tmp_path / "out").exists()


def test_a_sum_that_does_not_fit_the_type_is_refused(folder, tmp_path):
    base, one = folder("base", {"a": torch.zeros(3).half()}), folder("one", {"a": torch.full((3,), 6e4).half()})
    method = TaskArithmeticMethod(name="task_arithmetic", scale=2.0)
    with pytest.raises(InputError, match="tensor a: the fused numbers do not fit F16: lower the scale"):
        fuse([one], method, tmp_path / "out", base=base)


def test_every_number_of_16_bits_is_within_one_rounding_of_the_exact_sum(folder, tmp_path):
    """Sums that nearly cancel too, where float32 would be off by many."""
    generator = torch.Generator().manual_seed(3)
    parents = []
    for name in "abc":
        values = torch.randn(20_000, generator=generator) * torch.logspace(-12, 4, 20_000)
        parents.append(folder(name, {"a": values.bfloat16()}))
    weights = [0.2, 0.3, 0.5]
    fuse(parents, LINEAR, tmp_path / "out", weights=weights)
    models = [flat(path) for path in parents]
    shares = [Fraction(weight) / sum(map(Fraction, weights)) for weight in weights]
    exact = [
        float(sum(w * Fraction(x) for w, x in zip(shares, column, strict=True))) for column in zip(*models, strict=True)
    ]
    fused = read(tmp_path / "out")["a"]
    ulp = torch.nextafter(fused.abs(), torch.tensor(inf, dtype=torch.bfloat16)).double() - fused.abs().double()
    error = (fused.double() - torch.tensor(exact, dtype=torch.float64)).abs()
    # A float64 is rounded to float32 on its way to bfloat16; its own rounding shows where the models cancel.
    assert ((error - 2**-51 * torch.tensor(models).abs().amax(0)) / ulp).max() <= 0.5 + 2**-16


@pytest.mark.parametrize("method", WITH_BASE, ids=lambda method: method.name)
def test_a_base_of_another_type_counts_with_its_own_numbers(folder, tmp_path, method):
    """As of checkpoints in float32 that were trained from a base saved in half precision."""
    half = random_tensors(0, torch.float16)
    same = {name: tensor.float() for name, tensor in half.items()}
    parents = [folder(str(i), random_tensors(i, torch.float32)) for i in (1, 2)]
    fuse(parents, method, tmp_path / "half", base=folder("half-base", half), seed=3)
    fuse(parents, method, tmp_path / "same", base=folder("same-base", same), seed=3)
    found, expected = (load_file(tmp_path / name / "model.safetensors") for name in ("half", "same"))
    assert all(torch.equal(found[name], expected[name]) and found[name].dtype == torch.float32 for name in same)
