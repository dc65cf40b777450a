"""Fusion is the formula of algos.fusion* on every tensor, summed wide and rounded once, whatever the files."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

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
from vibethinker.configs.model_places import micro_folder
from vibethinker.engines.fusion import fuse_models, stream
from vibethinker.engines.fusion.kernels import Dare, Place, Ties
from vibethinker.engines.models import load_model
from vibethinker.errors import InputError
from vibethinker.files import read_json

WEIGHTS = "model.safetensors"
FLOATS = [torch.bfloat16, torch.float16, torch.float32, torch.float64]
LINEAR = LinearMethod()
WITH_BASE: list[Any] = [
    TaskArithmeticMethod(name="task_arithmetic", scale=1.5),
    TiesMethod(name="ties", density=0.3, scale=1.5),
    DareMethod(name="dare", drop=0.5, scale=1.5),
]
METHODS: list[Any] = [LINEAR, *WITH_BASE, SlerpMethod(name="slerp")]


@pytest.fixture
def folder(tmp_path):
    def make(name, tensors, **config):
        path = tmp_path / name
        path.mkdir()
        (path / "config.json").write_text(json.dumps({"model_type": "qwen2", **config}))
        save_file(tensors, path / WEIGHTS, metadata={"format": "pt"})
        return path

    return make


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_NUMBERS", 7)


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


def test_shards_are_named_and_indexed_so_that_transformers_loads_them(tmp_path):
    fuse(["micro", "micro"], LINEAR, tmp_path / "out", max_shard_bytes=10**6)
    index = read_json(tmp_path / "out" / "model.safetensors.index.json")
    names = sorted(path.name for path in (tmp_path / "out").glob("*.safetensors"))
    assert names == [f"model-{number:05d}-of-{len(names):05d}.safetensors" for number in range(1, len(names) + 1)]
    assert len(names) > 1
    assert set(index["weight_map"].values()) == set(names)
    assert all((tmp_path / "out" / name).stat().st_size < 1.1e6 for name in names)
    model, tokenizer = load_model(str(tmp_path / "out"))
    micro, words = load_model("micro")
    ids = torch.tensor([words.encode("Solve 2x=4 for x.")])
    assert torch.equal(model(ids).logits, micro(ids).logits)
    assert tokenizer.chat_template == words.chat_template
    # Shards are parents as well.
    fuse([str(tmp_path / "out"), "micro"], LINEAR, tmp_path / "whole")
    assert same_bytes(tmp_path / "whole", micro_folder())


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


def test_tensors_that_are_no_floats_must_be_equal_and_are_copied(folder, tmp_path):
    parents = [folder(str(i), {**random_tensors(i), "ids": torch.arange(20)}) for i in range(2)]
    fuse(parents, LINEAR, tmp_path / "out")
    assert read(tmp_path / "out")["ids"].tolist() == list(range(20))
    other = folder("other", {**random_tensors(2), "ids": torch.arange(20) + 1})
    with pytest.raises(InputError, match="tensor ids of I64, which is copied and not fused, is not the same"):
        fuse([parents[0], other], LINEAR, tmp_path / "no")


def tied(seed, *, head):
    embedding = random_tensors(seed)["a"]
    return {"model.embed_tokens.weight": embedding} | ({"lm_head.weight": embedding.clone()} if head else {})


@pytest.mark.parametrize("heads", [(True, False), (False, True), (True, True)])
def test_a_tied_head_may_be_left_out_and_the_result_has_what_the_first_has(folder, tmp_path, heads):
    parents = [folder(str(i), tied(i, head=head), tie_word_embeddings=True) for i, head in enumerate(heads)]
    base = folder("base", tied(7, head=False), tie_word_embeddings=True)
    for method in (LINEAR, WITH_BASE[2]):
        fuse(parents, method, tmp_path / method.name, base=None if method == LINEAR else base)
        found = read(tmp_path / method.name)
        assert ("lm_head.weight" in found) == heads[0]
        assert torch.equal(
            found.get("lm_head.weight", found["model.embed_tokens.weight"]), found["model.embed_tokens.weight"]
        )


def test_a_head_that_says_it_is_tied_and_is_not_is_refused(folder, tmp_path):
    one = folder("one", tied(0, head=False), tie_word_embeddings=True)
    odd = tied(1, head=True)
    odd["lm_head.weight"] += 1
    other = folder("other", odd, tie_word_embeddings=True)
    for parents in ([one, other], [other, one]):
        with pytest.raises(InputError, match=r"other says that its output head is its embedding, but lm_head\.weight"):
            fuse(parents, LINEAR, tmp_path / "out")


def test_the_manifest_says_what_was_fused_and_how(folder, tmp_path):
    base, *parents = [folder(str(i), random_tensors(i, torch.bfloat16)) for i in range(3)]
    found = fuse(parents, WITH_BASE[1], tmp_path / "out", weights=[0.25, 0.75], base=base)
    assert found == read_json(tmp_path / "out" / "fusion.json")
    assert found["method"] == "ties"
    assert found["parameters"] == {"scale": 1.5, "density": 0.3}
    assert [(row["model"], row["weight"]) for row in found["parents"]] == [
        (str(parents[0]), 0.25),
        (str(parents[1]), 0.75),
    ]
    assert found["base"]["model"] == str(base)
    assert (found["tensors"], found["numbers"], found["dtypes"], found["shards"]) == (4, 47, ["BF16"], [WEIGHTS])
    assert found["bytes"] == (tmp_path / "out" / WEIGHTS).stat().st_size


def test_a_model_s_hash_is_that_of_its_numbers_wherever_they_lie(folder, tmp_path):
    same, others = random_tensors(0), random_tensors(1)
    one = folder("one", same)
    shutil.copytree(one, tmp_path / "copy")
    fuse([one, one], LINEAR, tmp_path / "shards", max_shard_bytes=50)
    changed = folder("changed", {**same, "b": others["b"]})
    parents = [one, tmp_path / "copy", tmp_path / "shards", changed]
    hashes = [row["sha256"] for row in fuse(parents, LINEAR, tmp_path / "out")["parents"]]
    assert len(set(hashes[:3])) == 1
    assert hashes[3] != hashes[0]
    base = fuse([one], WITH_BASE[2], tmp_path / "dare", base=changed)["base"]
    assert base["sha256"] == hashes[3]
    turned = folder("turned", {})
    (turned / WEIGHTS).unlink()
    for number, name in enumerate(reversed(same)):
        save_file({name: same[name]}, turned / f"{number}.safetensors")
    assert fuse([turned], LINEAR, tmp_path / "turned-out")["parents"][0]["sha256"] == hashes[0]


def test_files_beside_the_weights_are_copied_but_no_pickle_no_state_of_a_training_and_no_folder(folder, tmp_path):
    one, two = (folder(str(i), random_tensors(i)) for i in range(2))
    for name in "training_args.bin optimizer.pt rng_state.pth trainer_state.json README.md x.pkl .secret".split():
        (one / name).write_text("no")
    for name in "generation_config.json LICENSE".split():
        (one / name).write_text("yes")
    (one / "checkpoint-1").mkdir()
    (two / "extra.txt").write_text("no")
    fuse([one, two], LINEAR, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        ["config.json", "generation_config.json", "LICENSE", "fusion.json", WEIGHTS]
    )


class Steps:
    """Counts what a fusion reports; stops it in the middle when told to."""

    def __init__(self, stop_at=None):
        self.total = self.done = 0
        self.stop_at = stop_at

    def start(self, total, *, unit, done=0):  # noqa: ARG002
        self.total = total

    def advance(self, count=1, *, note=""):  # noqa: ARG002
        self.done += count
        if self.stop_at is not None and self.done >= self.stop_at * self.total:
            raise KeyboardInterrupt

    def interrupt_requested(self):
        return False

    def warn(self, text):
        raise AssertionError(text)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_progress_counts_every_byte_that_is_read(folder, tmp_path, small_blocks, method):
    base, *parents = [folder(str(i), {**random_tensors(i), "ids": torch.arange(20)}) for i in range(3)]
    steps = Steps()
    fuse(parents, method, tmp_path / "out", base=base if method in WITH_BASE else None, progress=steps)
    assert steps.done == steps.total > 0


def test_a_fusion_that_is_stopped_leaves_nothing_and_torch_as_it_was(folder, tmp_path, small_blocks):
    parents = [folder(str(i), random_tensors(i)) for i in range(2)]
    before, threads = sorted(tmp_path.iterdir()), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        fuse(parents, LINEAR, tmp_path / "out", progress=Steps(stop_at=0.5))
    assert sorted(tmp_path.iterdir()) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads


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


def test_another_process_s_output_is_not_touched(folder, tmp_path):
    from vibethinker.engines.fusion.output_folder import whole_folder

    parents = [folder(str(i), random_tensors(i)) for i in range(2)]
    with whole_folder(tmp_path / "out") as temporary:
        (temporary / "file").write_text("")
        with pytest.raises(InputError, match="another fusion writes to"):
            fuse(parents, LINEAR, tmp_path / "out")
        assert (temporary / "file").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_folders_are_given_as_paths_of_any_spelling(folder, tmp_path, monkeypatch):
    folder("one", random_tensors(0))
    monkeypatch.chdir(tmp_path)
    fuse(["one", "./one/../one"], LINEAR, Path("new/out"))
    assert same_bytes(tmp_path / "one", tmp_path / "new" / "out")


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
