"""An adapter trains alone, is merged into what it was trained on, and a merge that lost it is not passed off."""

import copy
import importlib.util
import re
import sys
import warnings
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from vibethinker.configs.adapter import LoraAdapter, QloraAdapter
from vibethinker.engines.adapters import (
    MERGE_TOLERANCE,
    check_merge,
    load_with_adapter,
    merge_adapter,
    restore_adapter,
)
from vibethinker.engines.checkpoints import WholeCheckpoints
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.sampler import draw_completions, end_tokens, render_prompt
from vibethinker.errors import InputError, WorkError
from vibethinker.files import read_json
from vibethinker.interfaces import Numerics

NUMERICS = Numerics("float32", 2)
QUESTIONS = ["Solve 2x+3=11 for x.", "Find the mean of 3, 5, 7."]
needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes (extra qlora)"
)
QLORA = [
    pytest.param(QloraAdapter(rank=4, alpha=8), id="nf4", marks=needs_bitsandbytes),
    pytest.param(QloraAdapter(rank=4, alpha=8, quant="fp4", double_quant=False), id="fp4", marks=needs_bitsandbytes),
]
LORA = pytest.param(LoraAdapter(rank=4, alpha=8), id="lora")
every_adapter = pytest.mark.parametrize("adapter", [LORA, *QLORA])
one_of_each = pytest.mark.parametrize("adapter", [LORA, QLORA[0]])


def load(adapter, *, size=0.0, seed=1, numerics=NUMERICS, **options):
    """Return the micro model with an adapter whose B has entries of about this size: as if it had been trained."""
    model, tokenizer = load_with_adapter("micro", adapter, seed=seed, numerics=numerics, **options)
    if size:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
    return model.eval(), tokenizer


def rows(tokenizer):
    return [tokenizer.encode(render_prompt(tokenizer, "{question}", question)) for question in QUESTIONS]


def logits(model, tokenizer):
    with torch.no_grad():
        return torch.cat([model(torch.tensor([row])).logits[0] for row in rows(tokenizer)])


def adapter_weights(model):
    return {name: value.detach().clone() for name, value in model.named_parameters() if ".default." in name}


def same(some, others):
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


def draws(model, tokenizer):
    return draw_completions(
        model,
        rows(tokenizer),
        samples=4,
        max_new_tokens=12,
        temperature=1.0,
        ends=end_tokens(model, tokenizer),
        pad=tokenizer.pad_token_id,
        seeds=[5, 6],
    )


def test_without_an_adapter_the_whole_model_is_trained():
    model, tokenizer = load(None)
    assert torch.equal(logits(model, tokenizer), logits(*load_model("micro")))
    assert all(parameter.requires_grad for parameter in model.parameters())


@one_of_each
def test_a_fresh_adapter_computes_nothing_and_trains_alone(adapter):
    model, tokenizer = load(adapter)
    with model.disable_adapter():
        base = logits(model, tokenizer)
    assert torch.equal(logits(model, tokenizer), base)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == adapter_weights(model).keys()
    assert {value.dtype for value in adapter_weights(model).values()} == {torch.float32}


@one_of_each
def test_the_seed_alone_decides_the_adapter_and_the_global_generator_stays(adapter):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = adapter_weights(load(adapter, seed=7)[0])
    assert torch.equal(torch.rand(3), expected)
    assert same(first, adapter_weights(load(adapter, seed=7)[0]))
    assert not same(first, adapter_weights(load(adapter, seed=8)[0]))


def test_all_linear_layers_are_adapted_but_not_the_head():
    model, _ = load(LoraAdapter())
    assert {name.rpartition(".")[2] for name in model.targeted_module_names} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }


@pytest.mark.parametrize("name", ["qproj", "lm_head", "embed_tokens"])
def test_a_target_that_is_no_linear_layer_or_the_head_is_refused_with_those_there_are(name):
    with pytest.raises(InputError, match=f"{name}: no such linear layer in micro: allowed are .*q_proj.*all-linear"):
        load(LoraAdapter(targets=("q_proj", name)))


def test_without_bitsandbytes_qlora_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InputError, match=re.escape("adapter qlora needs bitsandbytes: install the extra qlora")):
        load(QloraAdapter())


@needs_bitsandbytes
def test_four_bits_hold_all_linear_layers_in_few_values_a_block():
    model, _ = load(QloraAdapter())
    whole = merge_adapter(model)
    for name, parameter in whole.named_parameters():
        if name.endswith("_proj.weight"):
            assert max(len(block.unique()) for block in parameter.detach().view(-1, 64)) <= 16
    assert len(whole.get_output_embeddings().weight.detach().view(-1, 64)[0].unique()) > 16


@every_adapter
@settings(max_examples=5)
@given(size=st.floats(1e-5, 0.1), seed=st.integers(0, 2**32))
def test_the_merged_model_is_the_adapter_model(adapter, size, seed):
    model, tokenizer = load(adapter, size=size, seed=seed)
    merged = merge_adapter(model)
    found = check_merge(model, merged, rows(tokenizer))
    assert found.kept == pytest.approx(1, abs=0.05)
    assert found.base_difference > 5 * found.largest_difference
    before, after = logits(model, tokenizer), logits(merged, tokenizer)
    assert torch.allclose(before, after, rtol=0, atol=MERGE_TOLERANCE * float(before.abs().max()))
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.float32}


@every_adapter
def test_merging_leaves_the_adapter_model_as_it_is(adapter):
    model, tokenizer = load(adapter, size=0.05)
    before, weights = logits(model, tokenizer), adapter_weights(model)
    merged = merge_adapter(model)
    with torch.no_grad():
        for parameter in merged.parameters():
            parameter.zero_()
    assert torch.equal(logits(model, tokenizer), before)
    assert same(adapter_weights(model), weights)


@every_adapter
def test_an_untrained_adapter_merges_to_the_base_and_that_is_right(adapter):
    model, tokenizer = load(adapter)
    found = check_merge(model, merge_adapter(model), rows(tokenizer))
    assert found.kept is None
    assert found.base_difference == 0


# The smallest moves the logits by less than the tolerance, so that comparing with the adapter model is not enough.
@pytest.mark.parametrize("size", [0.05, 1e-5])
@every_adapter
def test_a_merge_that_gives_back_the_base_is_caught(adapter, size):
    model, tokenizer = load(adapter, size=size)
    base = merge_adapter(load(adapter)[0])
    with pytest.raises(WorkError, match="is the base, not the adapter model: it makes -?0%"):
        check_merge(model, base, rows(tokenizer))


@needs_bitsandbytes
def test_an_adapter_merged_into_weights_it_was_not_trained_on_is_caught():
    adapter = QloraAdapter(rank=4, alpha=8)
    model, tokenizer = load(adapter, size=0.05)
    unrounded, _ = load(LoraAdapter(rank=4, alpha=8), size=0.05)
    with pytest.raises(WorkError, match="logits differ from the adapter model's by"):
        check_merge(model, merge_adapter(unrounded), rows(tokenizer))


@needs_bitsandbytes
def test_a_merge_rounded_to_4_bits_again_is_caught():
    model, tokenizer = load(QloraAdapter(rank=4, alpha=8), size=0.01)
    with warnings.catch_warnings(action="ignore"):
        rounded = copy.deepcopy(model).merge_and_unload()
    with pytest.raises(WorkError):
        check_merge(model, rounded, rows(tokenizer))


def test_a_merged_model_with_a_nan_is_caught():
    model, tokenizer = load(LoraAdapter(), size=0.05)
    merged = merge_adapter(model)
    with torch.no_grad():
        merged.model.layers[0].mlp.up_proj.weight[0, 0] = torch.nan
    with pytest.raises(WorkError, match="not all numbers"):
        check_merge(model, merged, rows(tokenizer))
    with pytest.raises(ValueError, match="at least one row"):
        check_merge(model, merged, [])


@needs_bitsandbytes
def test_the_check_is_exact_though_training_computes_in_bfloat16():
    model, tokenizer = load(QloraAdapter(rank=4), size=0.05, numerics=Numerics("bfloat16", 2))
    merged = merge_adapter(model)
    rough = float((logits(model, tokenizer) - logits(merged, tokenizer)).abs().max())
    found = check_merge(model, merged, rows(tokenizer))
    assert found.largest_difference < MERGE_TOLERANCE * found.largest_logit < rough
    assert float((logits(model, tokenizer) - logits(merged, tokenizer)).abs().max()) == rough


@every_adapter
def test_a_saved_merged_model_is_a_plain_one(adapter, tmp_path):
    model, tokenizer = load(adapter, size=0.05)
    merged = merge_adapter(model)
    save_model(merged, tokenizer, tmp_path)
    again, words = load_model(str(tmp_path))
    assert torch.equal(logits(again, words), logits(merged, tokenizer))
    assert not hasattr(again.config, "quantization_config")
    assert again.state_dict().keys() == load_model("micro")[0].state_dict().keys()
    assert not list(tmp_path.glob("adapter*"))


@one_of_each
def test_the_tokens_that_end_a_response_outlast_the_merge(adapter, tmp_path):
    model, tokenizer = load_model("micro")
    model.generation_config.eos_token_id = [2, 7]
    save_model(model, tokenizer, tmp_path)
    adapted, _ = load_with_adapter(str(tmp_path), adapter, seed=1, numerics=NUMERICS)
    assert merge_adapter(adapted).generation_config.eos_token_id == [2, 7]


@one_of_each
def test_an_adapter_model_is_sampled_as_its_merged_model_is(adapter):
    model, tokenizer = load(adapter, size=0.3)
    drawn, merged = draws(model, tokenizer), draws(merge_adapter(model), tokenizer)
    assert [completion.ids for completion in drawn] == [completion.ids for completion in merged]
    with model.disable_adapter():
        assert [completion.ids for completion in drawn] != [completion.ids for completion in draws(model, tokenizer)]


def gradients(model, tokenizer):
    model.train()
    for row in rows(tokenizer):
        ids = torch.tensor([row])
        model(input_ids=ids, labels=ids).loss.backward()
    found = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    return found


@one_of_each
def test_sampling_between_steps_does_not_change_the_gradients(adapter):
    model, tokenizer = load(adapter, size=0.05)
    before = gradients(model, tokenizer)
    assert before.keys() == adapter_weights(model).keys()
    assert all(bool(gradient.abs().max() > 0) for gradient in before.values())
    model.eval()
    draws(model, tokenizer)
    assert same(gradients(model, tokenizer), before)


class Watched(WholeCheckpoints, MGPOTrainer):
    """Keeps what each generation hands to the loss."""

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        self.handed = getattr(self, "handed", [])
        self.handed.append(output)
        return output

    def create_model_card(self, *args, **kwargs):
        """Write none."""


def trainer_for(model, tokenizer, folder, **options: Any):
    prompts = [render_prompt(tokenizer, "{question}", question) for question in QUESTIONS]
    chosen: dict[str, Any] = {"max_steps": 1, "save_strategy": "no"} | options
    arguments = MGPOConfig(
        output_dir=str(folder),
        **chosen,
        learning_rate=1e-3,
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=16,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        seed=11,
        gradient_checkpointing=False,
    )
    return Watched(
        model=model,
        args=arguments,
        reward_funcs=[lambda completions, **_: [float(sum(map(ord, text)) % 2) for text in completions]],
        train_dataset=Dataset.from_dict({"prompt": prompts}),
        processing_class=tokenizer,
    )


@one_of_each
def test_with_a_kl_term_the_reference_is_the_base_and_only_the_adapter_changes(adapter, tmp_path):
    model, tokenizer = load(adapter, size=0.2)
    base = merge_adapter(load(adapter)[0]).eval()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    trainer = trainer_for(model, tokenizer, tmp_path, beta=0.05)
    restore_adapter(trainer.model)
    trainer.train()
    handed = trainer.handed[0]
    ids = torch.cat([handed["prompt_ids"], handed["completion_ids"]], dim=1)
    mask = torch.cat([handed["prompt_mask"], handed["completion_mask"]], dim=1)
    width = handed["completion_ids"].shape[1]
    with torch.no_grad():
        scores = base(input_ids=ids, attention_mask=mask).logits[:, -width - 1 : -1].log_softmax(-1)
    expected = scores.gather(-1, handed["completion_ids"][..., None])[..., 0]
    drawn = handed["completion_mask"].bool()
    assert torch.allclose(handed["ref_per_token_logps"][drawn], expected[drawn], atol=1e-3)
    assert trainer.state.log_history[0]["kl"] > 0.01
    after = dict(trainer.model.named_parameters())
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == adapter_weights(model).keys()


@one_of_each
def test_what_the_trainer_does_to_an_adapter_model_is_undone(adapter, tmp_path):
    model, tokenizer = load(adapter)
    trainer = trainer_for(model, tokenizer, tmp_path, beta=0.05)
    restore_adapter(trainer.model)
    assert list(trainer.model.peft_config) == ["default"]
    trained = {name: value for name, value in trainer.model.named_parameters() if value.requires_grad}
    assert trained.keys() == adapter_weights(model).keys()
    assert {value.dtype for value in trained.values()} == {torch.float32}


@one_of_each
def test_going_on_from_a_checkpoint_gives_the_adapter_of_running_on(adapter, tmp_path):
    def run(resume=None):
        model, tokenizer = load(adapter)
        trainer = trainer_for(
            model,
            tokenizer,
            tmp_path,
            max_steps=3,
            beta=0.05,
            save_strategy="steps",
            save_steps=1,
            save_only_model=False,
        )
        restore_adapter(trainer.model)
        trainer.train(resume_from_checkpoint=resume)
        return adapter_weights(trainer.model), model

    straight, model = run()
    assert {path.name for path in (tmp_path / "checkpoint-1").glob("*.safetensors")} == {"adapter_model.safetensors"}
    assert not list((tmp_path / "checkpoint-1").glob("ref"))
    assert read_json(tmp_path / "checkpoint-1" / "adapter_config.json")["base_model_name_or_path"] == ""
    resumed, _ = run(str(tmp_path / "checkpoint-1"))
    assert not same(straight, adapter_weights(load(adapter)[0]))
    assert same(resumed, straight)
    loaded, tokenizer = load(adapter, checkpoint=tmp_path / "checkpoint-3")
    assert same(adapter_weights(loaded), straight)
    assert torch.equal(logits(loaded, tokenizer), logits(model.eval(), tokenizer))
    trainer_for(loaded, tokenizer, tmp_path, beta=0.05)
    restore_adapter(loaded, checkpoint=tmp_path / "checkpoint-3")
    assert same(adapter_weights(loaded), straight)
