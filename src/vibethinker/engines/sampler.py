"""Responses drawn from a model by a plain loop over a key-value cache.

Compared with ``generate``: a prompt is read once for all of its samples, rows that have ended leave the batch, the
cache is not copied for every token, and every draw comes from a generator seeded by the caller, so that the same
seed gives the same responses whatever was drawn before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.common import SamplingConfig
from vibethinker.engines.kv_cache import RoomyCache
from vibethinker.interfaces import Numerics
from vibethinker.records import Sample

# Ended rows leave the batch when they make up this share of it: leaving costs a copy of the cache. Ours.
_COMPACT_AT = 0.25


@dataclass(frozen=True)
class Completion:
    """Token ids drawn for one prompt, with the end token where it was drawn; else ``truncated`` is true."""

    ids: list[int]
    truncated: bool


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the ids that end a response: the tokenizer's and those of the model's generation config."""
    configured = model.generation_config.eos_token_id if model.generation_config is not None else None
    listed = configured if isinstance(configured, list) else [configured]
    return sorted({token for token in (*listed, tokenizer.eos_token_id) if token is not None})


def render_prompt(tokenizer: PreTrainedTokenizerBase, template: str, question: str) -> str:
    """Return the text the model continues: the recipe's template inside the tokenizer's chat template."""
    content = template.replace("{question}", question)
    if tokenizer.chat_template is None:
        return f"{content}\n"
    text: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    return text


@torch.inference_mode()  # type: ignore[untyped-decorator]
def draw_completions(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    samples: int,
    max_new_tokens: int,
    temperature: float,
    ends: Sequence[int],
    pad: int,
    seed: int,
) -> list[Completion]:
    """Draw ``samples`` completions for each prompt of token ids; those of one prompt stand together."""
    device = model.device
    generator = torch.Generator(device=device).manual_seed(seed)
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad, device=device)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt, device=device)
        mask[row, longest - len(prompt) :] = 1
    cache = RoomyCache(layers=model.config.num_hidden_layers, room=max_new_tokens)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, cache=cache, logits_to_keep=1).logits[
        :, -1
    ]
    rows = torch.arange(len(prompts), device=device).repeat_interleave(samples)
    cache.select(rows)
    logits, mask, next_position = logits[rows], mask[rows], positions[rows, -1:] + 1
    ending = torch.tensor(list(ends), device=device)
    drawn = torch.full((len(rows), max_new_tokens), pad, device=device)
    lengths = torch.full((len(rows),), max_new_tokens, device=device)
    ended = torch.zeros(len(rows), dtype=torch.bool, device=device)
    live = torch.arange(len(rows), device=device)
    running = torch.ones(len(rows), dtype=torch.bool, device=device)
    for step in range(max_new_tokens):
        tokens = draw_tokens(logits, temperature=temperature, generator=generator)
        drawn[live[running], step] = tokens[running]
        over = running & torch.isin(tokens, ending)
        lengths[live[over]] = step + 1
        ended[live[over]] = True
        running = running & ~over
        left = int(running.sum())
        if left == 0 or step == max_new_tokens - 1:
            break
        if left <= (1 - _COMPACT_AT) * len(running):
            kept = running.nonzero()[:, 0]
            cache.select(kept)
            tokens, mask, next_position, live = tokens[kept], mask[kept], next_position[kept], live[kept]
            running = running[kept]
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        logits = model(input_ids=tokens[:, None], attention_mask=mask, position_ids=next_position, cache=cache).logits[
            :, -1
        ]
        next_position = next_position + 1
    table, sizes, finished = drawn.tolist(), lengths.tolist(), ended.tolist()
    return [Completion(row[:size], not done) for row, size, done in zip(table, sizes, finished, strict=True)]


def draw_tokens(logits: torch.Tensor, *, temperature: float, generator: torch.Generator) -> torch.Tensor:
    """Draw one token per row of logits (rows, vocabulary), softmax(logits / temperature) being its distribution.

    The smallest of independent exponential times with rates p is the i-th with probability p_i.
    """
    chances = torch.softmax(logits.float() / temperature, dim=-1)
    times = torch.empty_like(chances).exponential_(1, generator=generator)
    return (chances / times).argmax(dim=-1)


class ModelSampler:
    """Draws responses to questions from one model; implements ``interfaces.Sampler``."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        prompt: str,
        sampling: SamplingConfig,
        numerics: Numerics,
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        """Sample with the recipe's prompt template; ``on_batch`` is told how many responses are new."""
        self.model = model.to(numerics.device).eval()
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.sampling = sampling
        self.numerics = numerics
        self.on_batch = on_batch

    def sample(self, questions: Sequence[str], *, samples: int, seed: int) -> list[list[Sample]]:
        """Return ``samples`` responses per question, in the order of the questions."""
        encoded = [
            self.tokenizer.encode(render_prompt(self.tokenizer, self.prompt, question), add_special_tokens=False)
            for question in questions
        ]
        # Prompts of like length together: less padding.
        order = sorted(range(len(questions)), key=lambda index: len(encoded[index]))
        per_batch = max(1, self.sampling.batch_size // samples)
        found: list[list[Sample]] = [[] for _ in questions]
        for start in range(0, len(order), per_batch):
            batch = order[start : start + per_batch]
            for index, drawn in zip(batch, self._draw([encoded[i] for i in batch], samples, seed, start), strict=True):
                found[index] = drawn
            if self.on_batch is not None:
                self.on_batch(len(batch) * samples)
        return found

    def _draw(self, prompts: list[list[int]], samples: int, seed: int, start: int) -> list[list[Sample]]:
        with torch.autocast(self.numerics.device, torch.bfloat16, enabled=self.numerics.dtype == "bfloat16"):
            completions = draw_completions(
                self.model,
                prompts,
                samples=samples,
                max_new_tokens=self.sampling.max_new_tokens,
                temperature=self.sampling.temperature,
                ends=end_tokens(self.model, self.tokenizer),
                pad=self.tokenizer.pad_token_id,
                seed=derive_seed(seed, start),
            )
        texts = self.tokenizer.batch_decode([completion.ids for completion in completions], skip_special_tokens=True)
        flat = [
            Sample(text, len(completion.ids), completion.truncated)
            for text, completion in zip(texts, completions, strict=True)
        ]
        return [flat[first : first + samples] for first in range(0, len(flat), samples)]
