"""What the trainers learn from, in which order, and what they leave on disk."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.configs.pretrain import ArchitectureConfig
from vibethinker.engines.checkpoints import checkpoint_folders, last_checkpoint, remove_resume_state
from vibethinker.engines.models import load_model
from vibethinker.engines.planned_order import planned_order
from vibethinker.engines.pretrain import Encoded, PlannedBatches, encode_pieces, new_model, plan_batches, summed_loss
from vibethinker.engines.rollouts import RolloutFiles
from vibethinker.engines.sft_batches import encode_traces
from vibethinker.engines.tokenizers import train_tokenizer
from vibethinker.engines.training_arguments import trackers
from vibethinker.errors import InputError
from vibethinker.records import Trace


@pytest.fixture(scope="module")
def tokenizer():
    return load_model("micro")[1]


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 20), st.integers(0, 5))
def test_a_planned_order_repeats_no_row_within_a_batch_and_none_within_a_pass(size, batch, batches, seed):
    if size < batch:
        with pytest.raises(ValueError, match="at least one batch"):
            planned_order(size, batch=batch, batches=batches, seed=seed)
        return
    order = planned_order(size, batch=batch, batches=batches, seed=seed)
    assert len(order) == batch * batches
    whole = size - size % batch
    for start in range(0, len(order), whole):
        one_pass = order[start : start + whole]
        assert len(set(one_pass)) == len(one_pass)
    longer = planned_order(size, batch=batch, batches=batches + 3, seed=seed)
    assert longer[: len(order)] == order


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 3))
def test_planned_batches_stay_within_their_tokens_and_a_pass_takes_every_sample_once(lengths, seed):
    plan = plan_batches(lengths, tokens_per_batch=64, steps=200, seed=seed)
    assert len(plan) == 200
    taken: Counter[int] = Counter()
    for batch in plan:
        assert max(lengths[i] for i in batch) * len(batch) <= 64 or len(batch) == 1
        taken.update(batch)
        if min(taken.values()) == max(taken.values()) and len(taken) == len(lengths):
            break
    assert len(taken) == len(lengths)


def test_only_learned_pieces_have_labels_and_the_end_is_learned(tokenizer):
    sample = encode_pieces(tokenizer, ["12+5=", "17", "\n3*4=", "12"], end=True)
    learned = [token for token, label in zip(sample.ids, sample.labels, strict=True) if label != -100]
    assert tokenizer.decode(learned) == "1712" + tokenizer.eos_token
    assert all(label in (-100, token) for token, label in zip(sample.ids, sample.labels, strict=True))


def test_fine_tuning_learns_the_assistants_tokens_and_no_others(tokenizer):
    traces = [
        Trace("a", "Solve 2x=4 for x.", "algebra", "careful", "4/2=2\n\\boxed{2}"),
        Trace("b", "long " * 300, "algebra", "careful", "\\boxed{2}"),
    ]
    encoded = encode_traces(tokenizer, traces, prompt="{question}", max_length=100)
    assert (len(encoded.dataset), encoded.dropped) == (1, 1)
    row = encoded.dataset[0]
    assert encoded.lengths == [len(row["input_ids"])]
    learned = [token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    assert tokenizer.decode(learned) == traces[0].text + tokenizer.eos_token
    assert tokenizer.decode(row["input_ids"]).startswith("<|im_start|>user\nSolve 2x=4 for x.<|im_end|>")


def test_padding_adds_nothing_to_the_loss(tokenizer):
    model = new_model(ArchitectureConfig(vocabulary=len(tokenizer)), tokenizer, seed=0)
    samples = [Encoded([5, 6, 7, 8], [-100, 6, 7, 8]), Encoded([9, 10], [-100, 10])]
    batches = PlannedBatches(samples, [[0, 1], [0], [1]], pad=0)
    together, first, second = (float(summed_loss(model, batches[i]).detach()) for i in range(3))
    assert together == pytest.approx(first + second, rel=1e-5)


def test_a_new_model_depends_on_its_seed_alone(tokenizer):
    shape = ArchitectureConfig(vocabulary=len(tokenizer))
    torch.manual_seed(1)
    one = new_model(shape, tokenizer, seed=4).state_dict()
    torch.manual_seed(2)
    same, other = new_model(shape, tokenizer, seed=4).state_dict(), new_model(shape, tokenizer, seed=5).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_the_tokenizer_splits_digits_and_gives_back_any_text():
    tokenizer = train_tokenizer(["Solve 12x+345=6 for x."] * 50, vocabulary=300, context=64)
    for text in ("12x+345=6", "naïve → 中文 🙂\n\ttab", "\\boxed{-7/2}"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    pieces = tokenizer.convert_ids_to_tokens(tokenizer.encode("12345", add_special_tokens=False))
    assert pieces == list("12345")


def test_an_unfinished_checkpoint_is_not_one(tmp_path: Path):
    for name in ("checkpoint-20", "checkpoint-100", "unfinished", "checkpoint-new"):
        (tmp_path / name).mkdir()
    assert [step for step, _ in checkpoint_folders(tmp_path)] == [20, 100]
    assert last_checkpoint(tmp_path) == (100, tmp_path / "checkpoint-100")
    assert last_checkpoint(tmp_path / "checkpoint-20") is None


def test_a_kept_checkpoint_holds_its_model_and_no_pickles(tmp_path: Path):
    for name in (
        "model.safetensors",
        "config.json",
        "trainer_state.json",
        "optimizer.pt",
        "rng_state.pth",
        "training_args.bin",
    ):
        (tmp_path / name).write_text("")
    remove_resume_state(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.safetensors", "config.json", "trainer_state.json"}


def rollout(step, reward, advantage):
    return {"prompt_id": str(step), "reward": reward, "advantage": advantage, "weight": 1.0, "status": "match"}


def test_rollouts_of_steps_to_be_done_again_are_forgotten(tmp_path: Path):
    files = RolloutFiles(tmp_path / "rollouts")
    for step in (1, 2, 3):
        files.write(step, [rollout(step, float(step), 0.0), rollout(step, None, 1.0)])
    files.cut_back(2)
    found = files.finish(tmp_path / "all.parquet", last=1)
    assert found == {"rollouts": 4, "verdicts": {"match": 4}, "reward": 2.0, "weight": 1.0, "no_signal": 0.5}


def test_a_tracker_that_is_not_installed_is_told_before_training():
    assert trackers([]) == "none"
    assert trackers(["json"]) == ["json"]
    with pytest.raises(InputError, match="tracker nowhere_to_be_found is not installed"):
        trackers(["nowhere_to_be_found"])
