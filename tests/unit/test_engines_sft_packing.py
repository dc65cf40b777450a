"""Packed traces compute what they compute alone, and every trace is packed once."""

import copy
import importlib.util
from collections import Counter
from itertools import chain
from random import Random
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from vibethinker.configs.adapter import LoraAdapter, QloraAdapter
from vibethinker.engines.adapters import load_with_adapter
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.packing import ATTENTION, attend_within_traces, pack, packed_attention, packed_collator
from vibethinker.engines.sft_batches import rows_in_order, whole_passes
from vibethinker.errors import InputError
from vibethinker.interfaces import Numerics

LENGTHS = (7, 1, 12, 3, 9, 2)
LORA = LoraAdapter(rank=4)
full_and_lora = pytest.mark.parametrize("adapter", [None, LORA], ids=["full", "lora"])


def traces(lengths=LENGTHS, seed=0):
    rng = Random(seed)
    return [[rng.randrange(3, 300) for _ in range(length)] for length in lengths]


def load(adapter=None):
    """Return the micro model, its adapter as if it had been trained."""
    model, _ = load_with_adapter("micro", adapter, seed=1, numerics=Numerics("float32", 2))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def packed(model, rows=None):
    """Return the model that attends within traces."""
    attend_within_traces(model.get_base_model() if hasattr(model, "peft_config") else model, rows or traces())
    return model


def batch(rows, labels=None):
    """Return traces as two packed rows, laid end to end."""
    labels = labels or rows
    half = len(rows) // 2
    parts = [(rows[:half], labels[:half]), (rows[half:], labels[half:])]
    return packed_collator(0)(
        [
            {"input_ids": [*chain(*ids)], "labels": [*chain(*marks)], "seq_lengths": list(map(len, ids))}
            for ids, marks in parts
        ]
    )


def logits(model, rows):
    inputs = {name: value for name, value in batch(rows).items() if name not in ("labels", "seq_idx")}
    with torch.no_grad():
        return model(**inputs, use_cache=False).logits[0].split([len(row) for row in rows])


def summed_loss(found, row):
    return torch.nn.functional.cross_entropy(found[:-1], torch.tensor(row[1:]), reduction="sum")


@full_and_lora
def test_a_packed_trace_has_the_logits_that_it_has_alone(adapter):
    model, rows = load(adapter), traces()
    with torch.no_grad():
        alone = [model(torch.tensor([row])).logits[0] for row in rows]
    for ours, expected in zip(logits(packed(model), rows), alone, strict=True):
        assert torch.allclose(ours, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


@full_and_lora
def test_the_gradient_of_packed_traces_is_the_sum_of_those_alone(adapter):
    model, rows = load(adapter), traces()
    for row in rows:
        if len(row) > 1:
            summed_loss(model(torch.tensor([row])).logits[0], row).backward()
    expected = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    inputs = batch(rows)
    labels = inputs.pop("labels")[0, 1:]
    del inputs["seq_idx"]
    found = packed(model)(**inputs, use_cache=False).logits[0, :-1]
    learned = labels != -100
    torch.nn.functional.cross_entropy(found[learned], labels[learned], reduction="sum").backward()
    ours = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(ours[name], gradient, rtol=0, atol=1e-4 * float(gradient.abs().max())), name


@full_and_lora
def test_a_trace_does_not_see_the_tokens_of_its_neighbours(adapter):
    model, rows = packed(load(adapter)), traces()
    before = logits(model, rows)
    for changed in range(len(rows)):
        others = [
            row if place == changed else other
            for place, (row, other) in enumerate(zip(traces(seed=9), rows, strict=True))
        ]
        after = logits(model, others)
        for place, (one, two) in enumerate(zip(before, after, strict=True)):
            assert torch.equal(one, two) == (place != changed)


def test_the_first_token_of_a_trace_is_no_target_of_the_trace_before_it():
    found = batch(traces())
    starts = found["cu_seq_lens_q"][:-1].long()
    assert starts.tolist() == [0, 7, 8, 20, 23, 32]
    assert (found["labels"][0, starts] == -100).all()
    assert int((found["labels"] != -100).sum()) == sum(LENGTHS) - len(LENGTHS)
    assert found["position_ids"][0].tolist() == [place for length in LENGTHS for place in range(length)]
    assert found["input_ids"].shape == (1, sum(LENGTHS))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 32), min_size=1, max_size=60), st.integers(0, 3))
def test_every_trace_is_in_one_row_whole_and_rows_are_no_longer_than_allowed(lengths, seed):
    rows = traces(lengths, seed)
    dataset = Dataset.from_dict({"input_ids": rows, "labels": [[-100, *row[1:]] for row in rows]})
    found = pack(dataset, length=32)
    again = []
    for row in found:
        assert len(row["input_ids"]) == len(row["labels"]) == sum(row["seq_lengths"]) <= 32
        ends = [sum(row["seq_lengths"][: place + 1]) for place in range(len(row["seq_lengths"]))]
        again += [
            (tuple(row["input_ids"][end - length : end]), tuple(row["labels"][end - length : end]))
            for end, length in zip(ends, row["seq_lengths"], strict=True)
        ]
    assert Counter(again) == Counter((tuple(row), (-100, *row[1:])) for row in rows)
    assert pack(dataset, length=32)[:] == found[:]
    # Of any two rows one could not take the other in: best fit leaves at most one row half empty.
    assert sum(2 * sum(lengths) <= 32 for lengths in found["seq_lengths"]) <= 1


@given(st.integers(1, 30), st.integers(1, 100), st.integers(0, 3))
def test_whole_passes_take_every_row_once_per_pass(size, count, seed):
    order = whole_passes(size, count=count, seed=seed)
    assert len(order) == count
    for start in range(0, count, size):
        one_pass = order[start : start + size]
        assert len(set(one_pass)) == len(one_pass)
    assert whole_passes(size, count=count + 5, seed=seed)[:count] == order


@given(st.lists(st.integers(1, 50), min_size=8, max_size=40), st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_sorting_within_a_step_changes_no_steps_rows(lengths, micro_batch, by_passes):
    options = {"batch": 8, "steps": 6, "by_passes": by_passes, "seed": 3}
    plain = rows_in_order(lengths, micro_batch=8, **options)
    order = rows_in_order(lengths, micro_batch=micro_batch, **options)
    for start in range(0, len(order), 8):
        step = order[start : start + 8]
        assert sorted(step) == sorted(plain[start : start + 8])
        if micro_batch < 8:
            assert [lengths[row] for row in step] == sorted((lengths[row] for row in step), reverse=True)
    assert len(order) == len(plain) == 48


def leaking(module, query, key, value, attention_mask, **options):
    return sdpa_attention_forward(module, query, key, value, None, is_causal=True, scaling=options["scaling"])


def test_attention_that_leaks_is_caught_before_training():
    AttentionInterface.register(ATTENTION, leaking)
    try:
        with pytest.raises(InputError, match="packed traces of Qwen2ForCausalLM compute other logits than alone"):
            packed(load())
    finally:
        AttentionInterface.register(ATTENTION, packed_attention)


def test_layers_that_compute_in_a_coarser_type_are_checked_in_a_fine_one_and_stay_as_they_are():
    model, types = load().train(), set()
    hook = model.lm_head.register_forward_hook(lambda layer, inputs, output: types.add(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        packed(model)
        assert types == {torch.float32}
        logits(model, traces())
    assert torch.bfloat16 in types
    hook.remove()
    assert model.training


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes (extra qlora)")
def test_a_base_of_4_bits_that_computes_in_bfloat16_is_not_refused():
    model, _ = load_with_adapter("micro", QloraAdapter(rank=4), seed=1, numerics=Numerics("bfloat16", 2))
    layers: list[Any] = [layer for layer in model.modules() if hasattr(layer, "compute_dtype")]
    types: list[torch.dtype] = []
    layers[0].register_forward_hook(lambda layer, inputs, output: types.append(layer.compute_dtype))
    assert packed(model).get_base_model().config._attn_implementation == ATTENTION
    assert set(types) == {torch.float32}
    assert {layer.compute_dtype for layer in layers} == {torch.bfloat16}


@pytest.mark.parametrize("name", ["paged_attention", "flash_attention_2"])
def test_attention_that_ours_does_not_stand_for_is_refused(name):
    model = load()
    model.config._attn_implementation = name
    with pytest.raises(InputError, match=f"packing: attention {name} of Qwen2ForCausalLM is unknown"):
        packed(model)
    two_rows = torch.zeros(2, 1, 3, 4)
    with pytest.raises(ValueError, match="packed attention needs one row and cu_seq_lens_q"):
        packed_attention(model, two_rows, two_rows, two_rows, None)


def test_layers_that_see_a_window_only_are_refused():
    model = load()
    model.config.layer_types = ["full_attention", "sliding_attention"]
    with pytest.raises(InputError, match="packing: Qwen2ForCausalLM has layers of full_attention, sliding_attention"):
        packed(model)


def test_a_saved_model_does_not_ask_for_our_attention(tmp_path):
    model = packed(load())
    assert model.config._attn_implementation == ATTENTION
    save_model(model, load_model("micro")[1], tmp_path)
    assert ATTENTION not in (tmp_path / "config.json").read_text()
    again = load_model(str(tmp_path))[0]
    assert again.config._attn_implementation == load_model("micro")[0].config._attn_implementation
    assert again.state_dict().keys() == copy.deepcopy(model).state_dict().keys()
