"""Losses along the straight line from one specialist to another, and at the fused model: are they in one basin?

The formulas are those of ``vibethinker.algos.loss_barrier``. One model is loaded; its parameters are overwritten with
every point's, one tensor after the other, each interpolated in float32 from the two models' files.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, zip_longest
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from vibethinker.algos.loss_barrier import even_alphas, loss_barrier
from vibethinker.algos.scores import ALL
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.fuse import BarrierConfig
from vibethinker.configs.model_places import is_adapter, locate
from vibethinker.engines.line_record import LineRecord
from vibethinker.engines.models import load_model
from vibethinker.engines.sft_batches import IGNORED, encode_traces
from vibethinker.errors import InputError, WorkError
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.records import Trace

# Padded tokens in one forward pass, and numbers in its logits (256 MB in float32); ours.
_MOST_TOKENS = 4096
_MOST_LOGITS = 2**26

Losses = dict[str, float]
"""Mean loss per assistant token in nats, by domain and over ``all``."""


@dataclass(frozen=True)
class EncodedTrace:
    """A trace's tokens, and the same with -100 where no loss is taken."""

    domain: str
    ids: list[int]
    labels: list[int]


class InterpolatedModel:
    """A loaded model that can be moved to any point between two models of its shape."""

    def __init__(self, reference: str, numerics: Numerics) -> None:
        """Load a model of the shape."""
        model, self.tokenizer = load_model(reference)
        self.model: PreTrainedModel = model.to(numerics.device).eval()
        self.numerics = numerics
        # Tied parameters have several names, of which a file may hold any.
        tied: dict[int, tuple[list[str], torch.Tensor]] = {}
        for name, tensor in self.model.state_dict().items():
            # Empty tensors share an address without being tied.
            if tensor.is_floating_point() and tensor.numel():
                tied.setdefault(tensor.data_ptr(), ([], tensor))[0].append(name)
        self._tensors = list(tied.values())

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def move(self, first: str, second: str, alpha: float) -> None:
        """Become ``(1 - alpha) first + alpha second``, computed in float32; at an end exactly that model.

        Raises:
            InputError: If a model lacks a tensor or has one of another shape.
        """
        with ExitStack() as stack:
            start = self._reader(first, stack)
            end = start if second == first else self._reader(second, stack)
            for names, tensor in self._tensors:
                ends = [_of_shape(read(names), tensor, names[0], first, second) for read in (start, end)]
                tensor.copy_(torch.lerp(*ends, alpha))

    def _reader(self, reference: str, stack: ExitStack) -> Callable[[Sequence[str]], torch.Tensor]:
        """Return what reads a tensor by its names: from the model's files, or of an adapter from the merged model."""
        place = locate(reference)
        files: dict[str, Any] = {}
        if isinstance(place, Path) and place.is_dir() and not is_adapter(place):
            for path in sorted(place.glob("*.safetensors")):
                file = stack.enter_context(safe_open(path, framework="pt"))
                files |= dict.fromkeys(file.keys(), file)
        if all(any(name in files for name in names) for names, _ in self._tensors):
            return lambda names: next(files[name].get_tensor(name) for name in names if name in files)
        state = load_model(reference)[0].state_dict()
        return lambda names: next((state[name] for name in names if name in state), torch.empty(0))

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def losses(self, traces: Sequence[EncodedTrace], *, on_batch: Callable[[], None]) -> Losses:
        """Return the mean loss per token that has a label, by domain and over all.

        Raises:
            WorkError: If a loss is not a number.
        """
        sums: dict[str, float] = {}
        tokens: dict[str, int] = {}
        for batch in self._batches(traces):
            for trace, loss in zip(batch, self._summed(batch), strict=True):
                count = sum(label != IGNORED for label in trace.labels)
                for name in (ALL, trace.domain):
                    sums[name] = sums.get(name, 0.0) + loss
                    tokens[name] = tokens.get(name, 0) + count
            on_batch()
        if not all(abs(total) < float("inf") for total in sums.values()):
            raise WorkError(
                "the loss on traces is not a number: a specialist has weights that are none; probe it again"
            )
        return {name: sums[name] / tokens[name] for name in (ALL, *sorted(sums.keys() - {ALL}))}

    def _batches(self, traces: Sequence[EncodedTrace]) -> list[list[EncodedTrace]]:
        """Put traces of like length together, as many as the most tokens allow, at least one."""
        most = min(_MOST_TOKENS, _MOST_LOGITS // self.model.config.vocab_size)
        batches: list[list[EncodedTrace]] = []
        for trace in sorted(traces, key=lambda trace: len(trace.ids), reverse=True):
            if not batches or (len(batches[-1]) + 1) * len(batches[-1][0].ids) > most:
                batches.append([])
            batches[-1].append(trace)
        return batches

    def _summed(self, batch: Sequence[EncodedTrace]) -> list[float]:
        device, longest = self.model.device, len(batch[0].ids)
        ids = torch.full((len(batch), longest), self.tokenizer.pad_token_id, device=device)
        labels = torch.full_like(ids, IGNORED)
        mask = torch.zeros_like(ids)
        for row, trace in enumerate(batch):
            ids[row, : len(trace.ids)] = torch.tensor(trace.ids, device=device)
            labels[row, : len(trace.ids)] = torch.tensor(trace.labels, device=device)
            mask[row, : len(trace.ids)] = 1
        with torch.autocast(self.numerics.device, torch.bfloat16, enabled=self.numerics.dtype == "bfloat16"):
            logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction="none"
        )
        summed: list[float] = losses.double().sum(dim=1).tolist()
        return summed


class BarrierMeasurement:
    """The losses of the specialists, of the fused model, and between the specialists; goes on where it was stopped."""

    def __init__(
        self,
        specialists: Mapping[str, str],
        fused: tuple[str, str],
        traces: Sequence[Trace],
        *,
        config: BarrierConfig,
        seed: int,
        context: StageContext,
    ) -> None:
        """Prepare; models are given as names and references, all of one shape and one tokenizer."""
        self.references = {**specialists, fused[0]: fused[1]}
        self.specialists = list(specialists)
        self.fused = fused[0]
        self.traces = evenly_chosen(traces, count=config.traces, seed=seed)
        self.config = config
        self.context = context
        self.possible = list(combinations(self.specialists, 2))
        self.record = LineRecord(context.folder / "barrier.jsonl")

    def measure(self) -> dict[str, Any]:
        """Return the losses of every model, the barrier of every pair and what the traces were.

        Raises:
            InputError: If no trace is short enough.
            Interrupted: When the user asked to stop; every point measured is kept.
        """
        pairs = self.possible[: self.config.pairs]
        alphas = even_alphas(self.config.points)
        self.context.progress.start(len(self.references) + len(pairs) * (len(alphas) - 2), unit="losses")
        counts = self.record.find_or_add(self._count, of="traces")
        own = {name: self._losses(name, name, 0.0) for name in self.references}
        measured = []
        for first, second in pairs:
            between = [self._losses(first, second, alpha) for alpha in alphas[1:-1]]
            measured.append(_barrier(first, second, alphas, [own[first], *between, own[second]]))
        return {
            "traces": counts["traces"],
            "left_out": counts["left_out"],
            "losses": own,
            "fused": {name: _beside(name, own, self.fused, self.specialists) for name in own[self.fused]},
            "pairs": measured,
            "possible_pairs": len(self.possible),
        }

    @cached_property
    def _model(self) -> InterpolatedModel:
        return InterpolatedModel(self.references[self.specialists[0]], self.context.numerics)

    @cached_property
    def _encoded(self) -> list[EncodedTrace]:
        encoded = encode_by_domain(
            self._model.tokenizer, self.traces, prompt=self.context.prompt, max_length=self.config.max_length
        )
        if not encoded:
            raise InputError(
                f'stage "{self.fused}": validation.barrier: all {len(self.traces)} traces are longer than '
                f"max_length={self.config.max_length} tokens: raise it"
            )
        return encoded

    def _count(self) -> dict[str, Any]:
        domains = sorted({trace.domain for trace in self._encoded})
        by_domain = {domain: sum(trace.domain == domain for trace in self._encoded) for domain in domains}
        return {
            "traces": {ALL: len(self._encoded), **by_domain},
            "left_out": len(self.traces) - len(self._encoded),
        }

    def _losses(self, first: str, second: str, alpha: float) -> Losses:
        """Return the losses at a point: measured before, or now."""

        def measure() -> dict[str, Any]:
            self._model.move(self.references[first], self.references[second], alpha)
            return {"losses": self._model.losses(self._encoded, on_batch=lambda: self.context.progress.advance(0))}

        line = self.record.find_or_add(measure, first=first, second=second, alpha=alpha)
        self.context.progress.advance(note=first if first == second else f"{first} to {second}")
        return dict(line["losses"])


def evenly_chosen(traces: Sequence[Trace], *, count: int, seed: int) -> list[Trace]:
    """Return at most ``count`` traces, as many of each domain as there are; which of a domain is up to the seed."""
    domains = sorted({trace.domain for trace in traces})
    shuffled = []
    for domain in domains:
        own = [trace for trace in traces if trace.domain == domain]
        shuffled.append(Random(derive_seed(seed, domain)).sample(own, len(own)))  # noqa: S311 - not for cryptography
    return [trace for trace in chain.from_iterable(zip_longest(*shuffled)) if trace is not None][:count]


def encode_by_domain(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], *, prompt: str, max_length: int
) -> list[EncodedTrace]:
    """Return the traces' tokens with labels on the assistant's alone, without traces that are too long."""
    encoded = []
    for domain in sorted({trace.domain for trace in traces}):
        own = [trace for trace in traces if trace.domain == domain]
        rows = encode_traces(tokenizer, own, prompt=prompt, max_length=max_length).dataset
        encoded += [EncodedTrace(domain, row["input_ids"], row["labels"]) for row in rows]
    return encoded


def _barrier(first: str, second: str, alphas: Sequence[float], points: Sequence[Losses]) -> dict[str, Any]:
    curves = {name: [losses[name] for losses in points] for name in points[0]}
    barriers = {name: loss_barrier(dict(zip(alphas, curve, strict=True))) for name, curve in curves.items()}
    return {
        "from": first,
        "to": second,
        "alphas": list(alphas),
        "losses": curves,
        "height": {name: barrier.height for name, barrier in barriers.items()},
        "one_basin": barriers[ALL].one_basin,
    }


def _beside(name: str, own: Mapping[str, Losses], fused: str, specialists: Sequence[str]) -> dict[str, float]:
    """Put the fused model's loss beside the least and the mean of the specialists'."""
    losses = [own[specialist][name] for specialist in specialists]
    return {"loss": own[fused][name], "least": min(losses), "mean": sum(losses) / len(losses)}


def _of_shape(value: torch.Tensor, tensor: torch.Tensor, name: str, first: str, second: str) -> torch.Tensor:
    if value.shape != tensor.shape:
        raise InputError(
            f"no line from {first} to {second}: tensor {name} is {list(value.shape)} in one and "
            f"{list(tensor.shape)} in another; only models of one shape have one"
        )
    return value.to(tensor.device, torch.float32)
