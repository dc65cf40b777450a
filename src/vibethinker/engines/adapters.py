"""Low-rank adapters on a frozen base, which may be in 4 bits: loading, merging, and the proof that a merge is right.

Source: LoRA (arXiv 2106.09685), section 4.1; QLoRA (arXiv 2305.14314), section 3. peft and bitsandbytes compute; here
is what goes wrong around them. An adapter on 4-bit weights was trained against the rounded weights, so that it is
merged into those, in float32; peft's own merge rounds the sum to 4 bits again, which can undo the adapter.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

from vibethinker.configs.adapter import ALL_LINEAR, AdapterConfig, QloraAdapter
from vibethinker.engines.models import load_model
from vibethinker.errors import InputError, WorkError
from vibethinker.interfaces import Numerics

ADAPTER, _REFERENCE = "default", "ref"


def load_with_adapter(
    reference: str,
    adapter: AdapterConfig | None,
    *,
    seed: int,
    numerics: Numerics,
    checkpoint: Path | None = None,
) -> tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]:
    """Load a model with a fresh adapter on its frozen weights, and its tokenizer; the bare model without an adapter.

    The same seed gives the same adapter; it computes nothing at first (B = 0). With ``checkpoint``, the folder of a
    training checkpoint, the adapter is the one saved there.

    Raises:
        InputError: If the model cannot be loaded, a target is no layer of it, or bitsandbytes is missing.
    """
    if isinstance(adapter, QloraAdapter) and find_spec("bitsandbytes") is None:
        raise InputError("adapter qlora needs bitsandbytes: install the extra qlora")
    model, tokenizer = load_model(reference)
    if adapter is None:
        return (model if checkpoint is None else load_model(str(checkpoint))[0]), tokenizer
    _check_targets(model, adapter, reference)
    if isinstance(adapter, QloraAdapter):
        model = _in_4_bits(model, adapter, numerics)
    if checkpoint is not None:
        return PeftModel.from_pretrained(model, checkpoint, adapter_name=ADAPTER, is_trainable=True), tokenizer
    options: dict[str, Any] = {
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "target_modules": adapter.targets if isinstance(adapter.targets, str) else list(adapter.targets),
    }
    low_rank = LoraConfig(task_type="CAUSAL_LM", **options)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        adapted = get_peft_model(model, low_rank, adapter_name=ADAPTER)
    # With a name here, peft asks the hub for it whenever a checkpoint is written; it fills in a None.
    low_rank.base_model_name_or_path = ""
    return adapted, tokenizer


def _linear_layers(model: PreTrainedModel) -> set[str]:
    """Return the last parts of the linear layers' names, without the output head's.

    The head often shares its weights with the embedding, which a merge would change too; TRL refuses it as well.
    """
    head = model.get_output_embeddings()
    return {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }


def _check_targets(model: PreTrainedModel, adapter: AdapterConfig, reference: str) -> None:
    if adapter.targets == ALL_LINEAR:
        return
    known = _linear_layers(model)
    # peft refuses only when none of the names is known.
    if unknown := sorted(set(adapter.targets) - known):
        raise InputError(
            f"adapter targets {', '.join(unknown)}: no such linear layer in {reference}: "
            f"allowed are {', '.join(sorted(known))}, or {ALL_LINEAR}"
        )


def _in_4_bits(model: PreTrainedModel, adapter: QloraAdapter, numerics: Numerics) -> PreTrainedModel:
    """Return the model with its linear layers, but not its output head, in 4 bits."""
    compute = getattr(torch, numerics.dtype)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=adapter.quant,
        bnb_4bit_use_double_quant=adapter.double_quant,
        bnb_4bit_compute_dtype=compute,
    )
    made = _made_like(
        model,
        model.state_dict(),
        config=model.config,
        quantization_config=quantization,
        device_map={"": numerics.device},
    )
    layers: list[Any] = [layer for layer in made.modules() if hasattr(layer, "compute_dtype")]
    for layer in layers:
        # On CPUs with AVX512-BF16 the first pass in evaluation mode, which is sampling, repacks the weights for good:
        # from then on layers compute in bfloat16, no gradient passes through them and dequantising gives nonsense.
        layer.support_avx512bf16_for_cpu = False
        # The first pass would do this: the base is what it is before that, too.
        if layer.bias is not None:
            layer.bias.data = layer.bias.data.to(compute)
    return made


def _made_like(
    model: PreTrainedModel,
    weights: dict[str, torch.Tensor],
    **options: Any,  # noqa: ANN401
) -> PreTrainedModel:
    """Return a model of the same class with these weights (some of which it may share), float32 where not in 4 bits."""
    made: PreTrainedModel = type(model).from_pretrained(None, state_dict=weights, dtype=torch.float32, **options)
    made.generation_config = copy.deepcopy(model.generation_config)
    made.name_or_path = model.name_or_path
    return made


def restore_adapter(model: PeftModel, *, checkpoint: Path | None = None) -> None:
    """Undo what TRL's trainer does to an adapter model it is given; call it between making the trainer and training.

    With a KL term it adds a frozen copy of the adapter as the reference, which at B = 0 is the base at twice the
    memory: without the copy it switches the adapter off. On 4-bit weights it casts the adapter to bfloat16, in which
    a step of 1e-4 on a weight of 0.05 is rounded away. What the cast lost of an adapter that was loaded from a
    checkpoint is read again from there.
    """
    if _REFERENCE in model.peft_config:
        model.delete_adapter(_REFERENCE)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if checkpoint is not None:
        model.load_adapter(checkpoint, ADAPTER, is_trainable=True)


def merge_adapter(model: PeftModel) -> PreTrainedModel:
    """Return a plain float32 model that computes what the adapter model does, which stays as it is."""
    base = model.get_base_model()
    saved = base.state_dict().keys()
    weights: dict[str, torch.Tensor] = {}
    for name, value in (*base.named_parameters(remove_duplicate=False), *base.named_buffers()):
        if name in saved and ".lora_" not in name:
            weights[name.replace(".base_layer.", ".")] = _in_float32(value)
    adapted: dict[str, Any] = {name: layer for name, layer in base.named_modules() if isinstance(layer, LoraLayer)}
    for name, layer in adapted.items():
        key = f"{name}.weight"
        weights[key] = weights[key] + layer.get_delta_weight(ADAPTER).detach().float()
    config = copy.deepcopy(base.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    return _made_like(base, weights, config=config).to(base.device)


def _in_float32(value: torch.Tensor) -> torch.Tensor:
    """Return a copy of a weight in float32; of one of 4 bits, what its layer computes with."""
    if type(value).__name__ != "Params4bit":
        return value.detach().to(torch.float32, copy=True)
    import bitsandbytes  # only with the extra qlora

    whole: torch.Tensor = bitsandbytes.functional.dequantize_4bit(value.data, value.quant_state)
    return whole.float()


# The largest difference of logits allowed, as a share of the largest logit. Ours: measured are 1.4e-6 on the micro
# model and 6e-6 on a random one of 8 layers and hidden size 512, for float32, nf4 and fp4 alike; depth adds to it.
MERGE_TOLERANCE = 1e-4
# Moves of the logits below this share of the largest may be rounding, and say nothing about the merge. Ours.
_ROUNDING = 1e-5
# A merge that kept less of the adapter's move than this is nearer to the base than to the adapter model.
_LEAST_KEPT = 0.5


@dataclass(frozen=True)
class MergeCheck:
    """How a merged model compares with its adapter model and with the base.

    Attributes:
        largest_difference: Between a logit of the merged model and of the adapter model.
        base_difference: The largest between the adapter model and the base: what the adapter did.
        largest_logit: Of the adapter model, in absolute value: the scale of both.
        kept: Share of the adapter's move from the base that the merged model makes too: 1 when right, 0 for the base.
            None when the adapter moved no logit beyond rounding.
    """

    largest_difference: float
    base_difference: float
    largest_logit: float
    kept: float | None


def check_merge(
    model: PeftModel, merged: PreTrainedModel, token_ids: Sequence[Sequence[int]], *, tolerance: float = MERGE_TOLERANCE
) -> MergeCheck:
    """Compare logits over the rows of token ids, each run on its own in float32; the tolerance is relative.

    Raises:
        ValueError: If there is no row to compare on.
        WorkError: If the merged model is not the adapter model, or is the base though the adapter had an effect.
    """
    if not any(token_ids):
        raise ValueError("need at least one row of token ids to compare on, got none")
    difference = moved = scale = along = norm = 0.0
    for row in token_ids:
        ids = torch.tensor([list(row)], device=model.device)
        with torch.inference_mode(), exactly(model), exactly(merged):
            ours, theirs = model(input_ids=ids).logits.double(), merged(input_ids=ids).logits.double()
            with model.disable_adapter():
                base = model(input_ids=ids).logits.double()
        move = ours - base
        # max() would pass over a NaN.
        if not torch.isfinite(theirs).all():
            raise WorkError("the merged model's logits are not all numbers: the adapter or its base is broken")
        difference = max(difference, float((theirs - ours).abs().max()))
        moved, scale = max(moved, float(move.abs().max())), max(scale, float(ours.abs().max()))
        along, norm = along + float(((theirs - base) * move).sum()), norm + float(move.square().sum())
    kept = along / norm if moved > _ROUNDING * scale else None
    found = MergeCheck(difference, moved, scale, kept)
    if kept is not None and kept < _LEAST_KEPT:
        raise WorkError(
            f"the merged model is the base, not the adapter model: it makes {kept:.0%} of the adapter's change to the "
            f"logits: keep the adapter's checkpoint, and do not use the merged model"
        )
    if not difference <= tolerance * scale:
        raise WorkError(
            f"the merged model's logits differ from the adapter model's by {difference:.2g}, allowed is "
            f"{tolerance * scale:.2g}: keep the adapter's checkpoint, and do not use the merged model"
        )
    return found


@contextmanager
def exactly(model: torch.nn.Module) -> Iterator[None]:
    """Compute without dropout and in float32, also in layers of 4 bits, which have a numeric type of their own."""
    training = model.training
    before = [(module, module.compute_dtype) for module in model.modules() if hasattr(module, "compute_dtype")]
    model.eval()
    for module, _ in before:
        module.compute_dtype = torch.float32
    try:
        with torch.autocast(next(model.parameters()).device.type, enabled=False):
            yield
    finally:
        model.train(training)
        for module, dtype in before:
            module.compute_dtype = dtype
