"""What a fusion reads and leaves behind: shards, tied heads, a manifest, files beside the weights, or nothing."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vibethinker.algos.fusion import equal_weights
from vibethinker.configs.fusion_methods import DareMethod, LinearMethod, SlerpMethod, TiesMethod
from vibethinker.configs.model_places import micro_folder
from vibethinker.engines.fusion import fuse_models
from vibethinker.engines.models import load_model
from vibethinker.errors import InputError
from vibethinker.files import read_json

WEIGHTS = "model.safetensors"
LINEAR = LinearMethod()
TIES, DARE = TiesMethod(name="ties", density=0.3, scale=1.5), DareMethod(name="dare", drop=0.5, scale=1.5)
METHODS: list[Any] = [LINEAR, TIES, DARE, SlerpMethod(name="slerp")]


def random_tensors(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    tensors = {"a": torch.randn(7, 5, generator=generator), "b": torch.randn(11, generator=generator)}
    tensors |= {"scalar": torch.randn((), generator=generator), "empty": torch.zeros(0, 3)}
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def fuse(parents, method, output, *, weights=None, seed=0, base=None, **options):
    weights = equal_weights(len(parents)) if weights is None else weights
    root = None if base is None else str(base)
    return fuse_models(
        [str(path) for path in parents], method, output, weights=weights, seed=seed, base=root, **options
    )


def read(folder):
    return load_file(folder / WEIGHTS)


def same_bytes(one, other):
    return (one / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()


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
    for method in (LINEAR, DARE):
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
    found = fuse(parents, TIES, tmp_path / "out", weights=[0.25, 0.75], base=base)
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
    base = fuse([one], DARE, tmp_path / "dare", base=changed)["base"]
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
    fuse(parents, method, tmp_path / "out", base=base if method in (TIES, DARE) else None, progress=steps)
    assert steps.done == steps.total > 0


def test_a_fusion_that_is_stopped_leaves_nothing_and_torch_as_it_was(folder, tmp_path, small_blocks):
    parents = [folder(str(i), random_tensors(i)) for i in range(2)]
    before, threads = sorted(tmp_path.iterdir()), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        fuse(parents, LINEAR, tmp_path / "out", progress=Steps(stop_at=0.5))
    assert sorted(tmp_path.iterdir()) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads


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
