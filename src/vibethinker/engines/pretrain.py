"""A micro Qwen2 from nothing: transformers' Trainer on batches of equal length.

Two things differ from a usual run. Batches hold a fixed number of tokens of samples of like length, which triples the
throughput. And the loss of a batch is the sum over its learned tokens divided by a constant: a mean over each batch
would give the few tokens of a batch of short samples the weight of the many in a batch of long ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.pretrain import ArchitectureConfig, PretrainConfig
from vibethinker.engines.checkpoints import StepWatch, WholeCheckpoints, last_checkpoint
from vibethinker.engines.training_arguments import common_arguments
from vibethinker.interfaces import StageContext

# Batches whose samples are sorted by length together; more sort better, fewer shuffle better. Ours.
_BATCHES_PER_POOL = 64
_IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """One sample: token ids, and the same ids as labels where the token is to be learned, else -100."""

    ids: list[int]
    labels: list[int]


def encode_pieces(tokenizer: PreTrainedTokenizerFast, pieces: Sequence[str], *, end: bool) -> Encoded:
    """Encode pieces that alternate between given (not learned) and learned text; ``end`` adds the end token."""
    ids: list[int] = []
    labels: list[int] = []
    for place, piece in enumerate(pieces):
        tokens = tokenizer.encode(piece, add_special_tokens=False)
        if end and place == len(pieces) - 1:
            tokens = [*tokens, tokenizer.eos_token_id]
        ids += tokens
        labels += tokens if place % 2 else [_IGNORED] * len(tokens)
    return Encoded(ids, labels)


def new_model(shape: ArchitectureConfig, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Qwen2ForCausalLM:
    """Make a Qwen2 with random weights drawn by the seed, in float32."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context,
        initializer_range=shape.init_std,
        tie_word_embeddings=True,
        rope_theta=10_000.0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)


def plan_batches(lengths: Sequence[int], *, tokens_per_batch: int, steps: int, seed: int) -> list[list[int]]:
    """Return the samples of every step: batches of like length, every sample once per pass, padded size bounded."""
    rng = Random(seed)  # noqa: S311 - not for cryptography
    mean = sum(lengths) / len(lengths)
    pool = max(1, round(_BATCHES_PER_POOL * tokens_per_batch / mean))
    batches: list[list[int]] = []
    while len(batches) < steps:
        order = list(range(len(lengths)))
        rng.shuffle(order)
        for start in range(0, len(order), pool):
            cut = _cut(sorted(order[start : start + pool], key=lengths.__getitem__), lengths, tokens_per_batch)
            rng.shuffle(cut)
            batches += cut
    return batches[:steps]


def _cut(ordered: list[int], lengths: Sequence[int], tokens_per_batch: int) -> list[list[int]]:
    batches: list[list[int]] = []
    for sample in ordered:
        if not batches or (len(batches[-1]) + 1) * lengths[sample] > tokens_per_batch:
            batches.append([])
        batches[-1].append(sample)
    return batches


class PlannedBatches(Dataset[dict[str, torch.Tensor]]):  # type: ignore[misc]
    """The batch of every step, padded on the right; causal attention never looks there, so no mask is needed."""

    def __init__(self, samples: Sequence[Encoded], plan: Sequence[Sequence[int]], pad: int) -> None:
        """Hold the samples and, for every step, which of them it takes."""
        self.samples, self.plan, self.pad = samples, plan, pad

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.plan)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Return ``input_ids`` and ``labels``, each (samples, longest)."""
        rows = [self.samples[index] for index in self.plan[step]]
        longest = max(len(row.ids) for row in rows)
        ids = torch.tensor([row.ids + [self.pad] * (longest - len(row.ids)) for row in rows])
        labels = torch.tensor([row.labels + [_IGNORED] * (longest - len(row.ids)) for row in rows])
        return {"input_ids": ids, "labels": labels}


class PretrainTrainer(WholeCheckpoints, Trainer):  # type: ignore[misc]
    """Trainer whose loss is a sum over learned tokens divided by a constant."""

    def __init__(self, *args: Any, tokens_per_loss: float, **kwargs: Any) -> None:  # noqa: ANN401
        """Take the constant: the mean number of learned tokens in a batch."""
        super().__init__(*args, **kwargs)
        self.tokens_per_loss = tokens_per_loss
        self.keep_checkpoints = 2

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:  # noqa: ANN401
        # The plan is the order.
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ANN401, ARG002
    ) -> Any:  # noqa: ANN401
        """Return the summed cross-entropy of the learned tokens over the constant."""
        loss = summed_loss(model, inputs) / self.tokens_per_loss
        return (loss, None) if return_outputs else loss


def summed_loss(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the cross-entropy summed over the learned tokens, in nats."""
    hidden = model(input_ids=batch["input_ids"], use_cache=False).logits[:, :-1]
    targets = batch["labels"][:, 1:]
    learned = targets != _IGNORED
    return torch.nn.functional.cross_entropy(hidden[learned].float(), targets[learned], reduction="sum")


@torch.no_grad()  # type: ignore[untyped-decorator]
def validation_loss(model: torch.nn.Module, samples: Sequence[Encoded], pad: int) -> float:
    """Return the mean cross-entropy per learned token, in nats."""
    model.eval()
    plan = _cut(sorted(range(len(samples)), key=lambda i: len(samples[i].ids)), [len(s.ids) for s in samples], 16384)
    batches = PlannedBatches(samples, plan, pad)
    total = sum(float(summed_loss(model, batches[step])) for step in range(len(batches)))
    return total / sum(label != _IGNORED for sample in samples for label in sample.labels)


def pretrain(
    config: PretrainConfig,
    context: StageContext,
    tokenizer: PreTrainedTokenizerFast,
    samples: Sequence[Encoded],
    folder: Path,
) -> tuple[Qwen2ForCausalLM, dict[str, Any]]:
    """Train the model, from the last checkpoint in ``folder`` where there is one.

    Returns:
        The model, and its last loss, steps, parameters and tokens seen.

    Raises:
        Interrupted: After saving, when the user asked to stop.
    """
    seed = derive_seed(context.seed, config.id)
    model = new_model(config.architecture, tokenizer, seed=derive_seed(seed, "weights"))
    lengths = [len(sample.ids) for sample in samples]
    plan = plan_batches(lengths, tokens_per_batch=config.tokens_per_batch, steps=config.steps, seed=seed)
    learned = [sum(label != _IGNORED for label in sample.labels) for sample in samples]
    per_batch = sum(sum(learned[i] for i in batch) for batch in plan) / len(plan)
    watch = StepWatch(context.progress, context.metrics)
    decay = round(config.decay_share * config.steps)
    arguments = TrainingArguments(
        **common_arguments(config, context, folder, seed=seed),
        per_device_train_batch_size=1,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": decay, "decay_type": "linear"},
    )
    trainer = PretrainTrainer(
        model=model,
        args=arguments,
        train_dataset=PlannedBatches(samples, plan, tokenizer.pad_token_id),
        data_collator=lambda items: items[0],
        processing_class=tokenizer,
        callbacks=[watch],
        tokens_per_loss=per_batch,
    )
    trainer.remove_callback(PrinterCallback)
    resumed = last_checkpoint(folder)
    step = resumed[0] if resumed else 0
    context.metrics.cut_back(step)
    context.progress.start(config.steps, unit="steps", done=step)
    trainer.train(resume_from_checkpoint=str(resumed[1]) if resumed else None)
    watch.raise_if_interrupted(trainer.state)
    return model, {
        "loss": watch.last.get("loss"),
        "steps": trainer.state.global_step,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": sum(lengths[i] for batch in plan for i in batch),
    }
