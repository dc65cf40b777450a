"""Responses drawn from a model by a plain loop over a key-value cache.

Compared with ``generate``: a prompt is read once for all of its samples, rows that have ended leave the batch, the
cache is not copied for every token, and every prompt draws from a generator of its own, seeded by the caller: the
same seed gives the same responses whatever else was drawn, before or beside them, in one process or in several.
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
    """What was drawn for one prompt.

    Attributes:
        ids: Token ids, with the end token where it was drawn.
        truncated: Whether it was not.
        log_probabilities: Of each token under the distribution it was drawn from, temperature applied.
    """

    ids: list[int]
    truncated: bool
    log_probabilities: list[float]


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
    seeds: Sequence[int],
) -> list[Completion]:
    """Draw ``samples`` completions for each prompt of token ids, by its seed; those of one prompt stand together."""
    device = model.device
    noise = PromptNoise(seeds, samples=samples, device=device)
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
    log_drawn = torch.zeros((len(rows), max_new_tokens), device=device)
    lengths = torch.full((len(rows),), max_new_tokens, device=device)
    ended = torch.zeros(len(rows), dtype=torch.bool, device=device)
    live = torch.arange(len(rows), device=device)
    running = torch.ones(len(rows), dtype=torch.bool, device=device)
    for step in range(max_new_tokens):
        tokens, log_probabilities = draw_tokens(logits, temperature=temperature, times=noise.draw(live, logits))
        drawn[live[running], step] = tokens[running]
        log_drawn[live[running], step] = log_probabilities[running]
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
    return [
        Completion(row[:size], not done, logs[:size])
        for row, logs, size, done in zip(
            drawn.tolist(), log_drawn.tolist(), lengths.tolist(), ended.tolist(), strict=True
        )
    ]


class PromptNoise:
    """Exponential times for drawing tokens, from one generator per prompt."""

    def __init__(self, seeds: Sequence[int], *, samples: int, device: torch.device) -> None:
        """Take one seed per prompt, each of which has ``samples`` rows."""
        self.samples = samples
        self.generators = [torch.Generator(device=device).manual_seed(seed) for seed in seeds]

    def draw(self, live: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Return times for the rows ``live`` (numbers among all rows), shaped like their logits.

        A prompt with any live row draws for all of its rows, so that what a row gets does not depend on the others.
        """
        prompts = sorted(set((live // self.samples).tolist()))
        times = logits.new_empty((len(prompts), self.samples, logits.shape[-1]), dtype=torch.float32)
        for place, prompt in enumerate(prompts):
            times[place].exponential_(1, generator=self.generators[prompt])
        places = torch.searchsorted(torch.tensor(prompts, device=live.device), live // self.samples)
        return times[places, live % self.samples]


def draw_tokens(logits: torch.Tensor, *, temperature: float, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one token per row of logits (rows, vocabulary), softmax(logits / temperature) being its distribution.

    Of independent exponential times with rates p the i-th is the smallest with probability p_i; ``times`` are
    exponential with rate 1, shaped like the logits.

    Returns:
        The tokens and their log-probabilities, (rows,) each.
    """
    chances = torch.log_softmax(logits.float() / temperature, dim=-1)
    tokens = (chances.exp() / times).argmax(dim=-1)
    return tokens, chances.gather(1, tokens[:, None])[:, 0]


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
            # By the question, not its place: the same responses in whatever company it is asked.
            seeds = [derive_seed(seed, questions[index]) for index in batch]
            for index, drawn in zip(batch, self._draw([encoded[i] for i in batch], samples, seeds), strict=True):
                found[index] = drawn
            if self.on_batch is not None:
                self.on_batch(len(batch) * samples)
        return found

    def _draw(self, prompts: list[list[int]], samples: int, seeds: list[int]) -> list[list[Sample]]:
        with torch.autocast(self.numerics.device, torch.bfloat16, enabled=self.numerics.dtype == "bfloat16"):
            completions = draw_completions(
                self.model,
                prompts,
                samples=samples,
                max_new_tokens=self.sampling.max_new_tokens,
                temperature=self.sampling.temperature,
                ends=end_tokens(self.model, self.tokenizer),
                pad=self.tokenizer.pad_token_id,
                seeds=seeds,
            )
        texts = self.tokenizer.batch_decode([completion.ids for completion in completions], skip_special_tokens=True)
        flat = [
            Sample(text, len(completion.ids), completion.truncated)
            for text, completion in zip(texts, completions, strict=True)
        ]
        return [flat[first : first + samples] for first in range(0, len(flat), samples)]
