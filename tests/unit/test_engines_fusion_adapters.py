"""LoRA adapters are parents as the models that peft makes of them; what is more than LoRA is refused."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from vibethinker.configs.fusion_methods import LinearMethod, TaskArithmeticMethod
from vibethinker.configs.model_places import micro_folder
from vibethinker.engines.fusion import fuse_models, stream
from vibethinker.engines.models import load_model, save_model
from vibethinker.errors import InputError
from vibethinker.files import read_json

WEIGHTS, ADAPTER = "model.safetensors", "adapter_model.safetensors"
EVERY_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture
def base(tmp_path):
    """The micro model in float32, where peft rounds nothing."""
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def untied(base):
    """The base with a head of its own."""
    model, tokenizer = load_model(str(base))
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    save_model(model, tokenizer, base)
    assert "lm_head.weight" in load_file(base / WEIGHTS)
    return base


def adapt(folder, model, seed, **options):
    """Save an adapter whose factors are as if trained, and return its folder and the merged weights."""
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    adapted.save_pretrained(folder)
    return folder


def merged(base, adapter):
    model = PeftModel.from_pretrained(load_model(str(base))[0], adapter).merge_and_unload()
    return model.state_dict()


def micro_adapter(tmp_path, base, seed=0, name="adapter", **options):
    options = {"r": 4, "lora_alpha": 8, "target_modules": EVERY_LINEAR} | options
    model = load_model(str(base))[0]
    model.name_or_path = str(base)
    return adapt(tmp_path / name, model, seed, **options)


def fuse(parents, output, method=None, **options):
    weights = [1 / len(parents)] * len(parents)
    return fuse_models(
        [str(parent) for parent in parents], method or LinearMethod(), output, weights=weights, seed=0, **options
    )


def edit(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_rslora": True},
        {
            "rank_pattern": {"q_proj": 2},
            "alpha_pattern": {"model.layers.1.self_attn.q_proj": 32, "k_proj": 16, ".*down_proj": 1},
        },
    ],
    ids=["plain", "rslora", "patterns"],
)
def test_an_adapter_alone_is_what_peft_merges(tmp_path, base, monkeypatch, options):
    check_alone(tmp_path, base, monkeypatch, options)


@pytest.mark.parametrize("layer", ["embed_tokens", "lm_head"])
def test_an_adapter_on_embedding_or_head_is_what_peft_merges_where_they_are_two(tmp_path, untied, monkeypatch, layer):
    check_alone(tmp_path, untied, monkeypatch, {"target_modules": ["q_proj", layer]})


def check_alone(tmp_path, base, monkeypatch, options):
    # Blocks that begin and end within rows.
    monkeypatch.setattr(stream, "BLOCK_NUMBERS", 1000)
    adapter = micro_adapter(tmp_path, base, **options)
    fuse([adapter], tmp_path / "out")
    fused, expected, before = load_file(tmp_path / "out" / WEIGHTS), merged(base, adapter), load_file(base / WEIGHTS)
    changed = [name for name in before if not torch.equal(fused[name], before[name])]
    assert changed
    for name, value in fused.items():
        assert torch.allclose(value, expected[name], atol=1e-6), name
    assert load_model(str(tmp_path / "out"))[1].chat_template


def test_weights_that_lie_the_other_way_are_turned(tmp_path):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=30, n_positions=8))
    model.save_pretrained(tmp_path / "base")
    model.name_or_path = str(tmp_path / "base")
    options = {"r": 3, "target_modules": ["c_attn"], "fan_in_fan_out": True}
    adapter = adapt(tmp_path / "adapter", model, 0, **options)
    fuse([adapter], tmp_path / "out")
    again = GPT2LMHeadModel.from_pretrained(tmp_path / "base")
    expected = PeftModel.from_pretrained(again, adapter).merge_and_unload().state_dict()
    name = "transformer.h.0.attn.c_attn.weight"
    fused = load_file(tmp_path / "out" / WEIGHTS)
    assert fused[name].shape == (16, 48)
    assert torch.allclose(fused[name], expected[name], atol=1e-6)
    assert not torch.allclose(fused[name], load_file(tmp_path / "base" / WEIGHTS)[name], atol=1e-3)


def test_adapters_and_models_are_fused_together_with_the_base_they_share(tmp_path, base):
    adapters = [micro_adapter(tmp_path, base, seed, str(seed)) for seed in range(2)]
    fuse([*adapters, base], tmp_path / "out")
    one, two = (merged(base, adapter) for adapter in adapters)
    before = load_file(base / WEIGHTS)
    for name, value in load_file(tmp_path / "out" / WEIGHTS).items():
        assert torch.allclose(value, (one[name] + two[name] + before[name]) / 3, atol=1e-6)
    method = TaskArithmeticMethod(name="task_arithmetic", scale=2.0)
    manifest = fuse(adapters, tmp_path / "sum", method, base=str(base))
    for name, value in load_file(tmp_path / "sum" / WEIGHTS).items():
        assert torch.allclose(value, one[name] + two[name] - before[name], atol=1e-5)
    hashes = [row["sha256"] for row in manifest["parents"]]
    assert len({*hashes, manifest["base"]["sha256"]}) == 3


def test_the_change_is_added_before_the_one_rounding(tmp_path, base):
    """A change too small for float16 twice over is seen when two adapters have it."""
    half = micro_folder()
    adapter = micro_adapter(tmp_path, half)
    fuse([adapter] * 2, tmp_path / "out")
    expected = merged(half, adapter)
    for name, value in load_file(tmp_path / "out" / WEIGHTS).items():
        assert value.dtype == torch.float16
        assert torch.allclose(value.float(), expected[name], rtol=2**-11, atol=1e-6)


def test_an_adapter_s_own_tokenizer_goes_before_its_base_s(tmp_path, base):
    adapter = micro_adapter(tmp_path, base)
    load_model("micro")[1].save_pretrained(adapter)
    (adapter / "chat_template.jinja").write_text("own")
    fuse([adapter], tmp_path / "out")
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == "own"
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    with pytest.raises(InputError, match="their chat template is not the same"):
        fuse([adapter, base], tmp_path / "no")


@pytest.mark.parametrize("with_head", [False, True])
def test_an_adapter_on_an_embedding_that_is_the_head_too_is_refused(tmp_path, base, with_head):
    """Peft's model has the base's head beside the new embedding; a fused one would have the new embedding twice."""
    adapter = micro_adapter(tmp_path, base, target_modules=["q_proj", "embed_tokens"])
    if with_head:
        tensors = load_file(base / WEIGHTS)
        head = tensors["model.embed_tokens.weight"].clone()
        save_file({**tensors, "lm_head.weight": head}, base / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"changes model\.embed_tokens\.weight alone, but its base's output head is"):
        fuse([base, adapter], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_kind_of_model_that_is_tied_without_saying_so_counts_as_tied(tmp_path):
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=16, n_head=2, vocab_size=30, n_positions=8))
    model.save_pretrained(tmp_path / "base")
    model.name_or_path = str(tmp_path / "base")
    adapter = adapt(tmp_path / "adapter", model, 0, r=3, target_modules=["wte"])
    path = tmp_path / "base" / "config.json"
    config = read_json(path)
    del config["tie_word_embeddings"]
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"changes transformer\.wte\.weight alone"):
        fuse([adapter], tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"use_dora": True}, "with use_dora, which is not merged here: merge it with peft first"),
        ({"modules_to_save": ["lm_head"]}, "with modules_to_save"),
        ({"bias": "all"}, "with bias"),
        ({"alora_invocation_tokens": [1, 2]}, "with alora_invocation_tokens"),
        ({"use_something_new": 1}, "with use_something_new"),
        ({"lora_bias": True}, "with lora_bias"),
        ({"init_lora_weights": "pissa"}, "with init_lora_weights"),
        ({"peft_type": "IA3"}, "is no LoRA adapter"),
        ({"alpha_pattern": {"(a+)+b": 1}}, "alpha_pattern is not understood"),
        ({"alpha_pattern": {"*": 1}}, "cannot tell the alpha"),
        ({"lora_alpha": "x"}, "cannot tell the alpha"),
        ({"base_model_name_or_path": ""}, "does not name the adapter's base"),
        ({"base_model_name_or_path": "."}, "is an adapter of an adapter, .*: merge that one first"),
        ({"base_model_name_or_path": "x" * 300}, "base_model_name_or_path is no model: File name too long"),
    ],
)
def test_what_is_more_than_plain_lora_is_refused(tmp_path, base, values, message):
    adapter = micro_adapter(tmp_path, base)
    edit(adapter, **values)
    with pytest.raises(InputError, match=message):
        fuse([adapter], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_factors_that_do_not_fit_the_base_are_refused(tmp_path, base):
    adapter = micro_adapter(tmp_path, base)
    factors = load_file(adapter / ADAPTER)
    a = next(name for name in factors if name.endswith("q_proj.lora_A.weight"))
    b = a.replace("lora_A", "lora_B")
    other = "base_model.model.model.layers.9.self_attn.q_proj"
    for changed, message in (
        ({name: value for name, value in factors.items() if name != b}, "only one of lora_A and lora_B"),
        ({**factors, a: factors[a][:, :-1].contiguous()}, "is that the right base"),
        ({**factors, a: factors[a][:-1].contiguous()}, "do not fit"),
        ({**factors, "base_model.model.lm_head.weight": factors[a]}, "no plain LoRA factor"),
        ({**factors, a.replace("lora_A.weight", "lora_magnitude_vector"): factors[a]}, "no plain LoRA factor"),
        ({**factors, f"{other}.lora_A.weight": factors[a], f"{other}.lora_B.weight": factors[b]}, "does not have"),
        ({**factors, a: factors[a] * float("nan")}, "holds NaN or infinity"),
    ):
        save_file({name: value.clone() for name, value in changed.items()}, adapter / ADAPTER)
        with pytest.raises(InputError, match=message):
            fuse([adapter], tmp_path / "out")


def test_an_adapter_without_safetensors_is_refused(tmp_path, base):
    adapter = micro_adapter(tmp_path, base)
    (adapter / ADAPTER).rename(adapter / "adapter_model.bin")
    with pytest.raises(InputError, match=r"has no adapter_model\.safetensors"):
        fuse([adapter], tmp_path / "out")
