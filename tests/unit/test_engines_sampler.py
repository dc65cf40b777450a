"""Sampling draws from the model's own distribution, and the same for the same seed."""

import pytest
import torch

from vibethinker.configs.common import SamplingConfig
from vibethinker.engines.kv_cache import RoomyCache
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import ModelSampler, draw_completions, draw_tokens, end_tokens, render_prompt
from vibethinker.interfaces import Numerics

QUESTIONS = [
    "Solve 2x+3=11 for x.",
    "Find the median of 4, 9, 2.",
    "A rectangle has sides 3 and 5. Find its perimeter.",
]


@pytest.fixture(scope="module")
def micro():
    return load_model("micro")


def encoded(tokenizer):
    return [tokenizer.encode(render_prompt(tokenizer, "{question}", question)) for question in QUESTIONS]


def draw(micro, *, temperature=1.0, seed=0, samples=4, only=slice(None), length=40):
    model, tokenizer = micro
    return draw_completions(
        model.eval(),
        encoded(tokenizer)[only],
        samples=samples,
        max_new_tokens=length,
        temperature=temperature,
        ends=end_tokens(model, tokenizer),
        pad=tokenizer.pad_token_id,
        seeds=[10 * seed + place for place in range(len(QUESTIONS))][only],
    )


def test_the_same_seed_draws_the_same_and_another_does_not(micro):
    assert draw(micro) == draw(micro)
    assert draw(micro) != draw(micro, seed=1)


def test_what_a_prompt_gets_does_not_depend_on_the_others_drawn_beside_it(micro):
    together = [completion.ids for completion in draw(micro)]
    assert [completion.ids for completion in draw(micro, only=slice(1, 2))] == together[4:8]


def test_a_tokens_log_probability_is_the_models_under_the_temperature(micro):
    model, tokenizer = micro
    for completion in draw(micro, temperature=1.3, only=slice(0, 1)):
        prompt = encoded(tokenizer)[0]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + completion.ids])).logits[0, len(prompt) - 1 : -1]
        expected = torch.log_softmax(logits / 1.3, -1).gather(1, torch.tensor(completion.ids)[:, None])[:, 0]
        assert torch.allclose(torch.tensor(completion.log_probabilities), expected, atol=1e-4)


def test_nearly_no_temperature_is_greedy_generation_whatever_the_padding_and_however_rows_end(micro):
    model, tokenizer = micro
    together = draw(micro, temperature=1e-6, samples=2)
    for place, prompt in enumerate(encoded(tokenizer)):
        greedy = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=40,
            eos_token_id=end_tokens(model, tokenizer),
            pad_token_id=tokenizer.pad_token_id,
        )[0, len(prompt) :].tolist()
        assert together[2 * place].ids == together[2 * place + 1].ids == greedy


def test_a_completion_ends_with_an_end_token_or_is_truncated(micro):
    model, tokenizer = micro
    ends = end_tokens(model, tokenizer)
    for length in (2, 40):
        for completion in draw(micro, samples=16, length=length):
            assert 1 <= len(completion.ids) <= length
            assert completion.truncated == (completion.ids[-1] not in ends)
            assert not set(completion.ids[:-1]) & set(ends)
    assert any(completion.truncated for completion in draw(micro, length=2))
    assert any(not completion.truncated for completion in draw(micro, length=40))


def test_tokens_come_as_often_as_softmax_says():
    logits = torch.tensor([[0.0, 1.0, 2.0, -30.0]])
    times = torch.empty(40_000, 4).exponential_(1, generator=torch.Generator().manual_seed(0))
    drawn, _ = draw_tokens(logits.repeat(40_000, 1), temperature=2.0, times=times)
    shares = torch.bincount(drawn, minlength=4) / 40_000
    assert torch.allclose(shares, torch.softmax(logits[0] / 2.0, 0), atol=0.01)
    assert shares[3] < 1e-3


def test_the_cache_holds_what_transformers_holds(micro):
    model, tokenizer = micro
    ids = torch.tensor([encoded(tokenizer)[0]])
    cache = RoomyCache(layers=model.config.num_hidden_layers, room=8)
    with torch.inference_mode():
        model(input_ids=ids[:, :-3], cache=cache)
        for place in range(-3, 0):
            logits = model(input_ids=ids[:, [place]], cache=cache).logits[:, -1]
        assert torch.allclose(logits, model(input_ids=ids).logits[:, -1], atol=1e-4)


def test_responses_come_back_in_the_order_of_the_questions(micro):
    model, tokenizer = micro
    sampler = ModelSampler(
        model,
        tokenizer,
        prompt="{question}",
        sampling=SamplingConfig(temperature=1e-6, max_new_tokens=30, batch_size=4),
        numerics=Numerics("float32", 1),
    )
    forward = sampler.sample(QUESTIONS, samples=2, seed=0)
    backward = sampler.sample(QUESTIONS[::-1], samples=2, seed=0)
    assert [rows[0].text for rows in forward] == [rows[0].text for rows in backward][::-1]
    assert len({rows[0].text for rows in forward}) == 3


def test_the_prompt_template_and_the_chat_template_are_both_applied(micro):
    _, tokenizer = micro
    assert render_prompt(tokenizer, "{question} Think.", "1+1?") == (
        "<|im_start|>user\n1+1? Think.<|im_end|>\n<|im_start|>assistant\n"
    )
