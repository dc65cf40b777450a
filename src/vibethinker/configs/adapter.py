"""How a model is trained by low-rank adapters on frozen weights, which may be in 4 bits.

Source: LoRA (arXiv 2106.09685), section 4.1: h = W x + (alpha / rank) B A x with B = 0 at the start; QLoRA
(arXiv 2305.14314), section 3: the same on a W of 4 bits. Neither VibeThinker paper uses them.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from vibethinker.configs.common import Config

ALL_LINEAR: Literal["all-linear"] = "all-linear"


class _LowRank(Config):
    """What both adapters have."""

    rank: int = Field(default=16, ge=1)
    """Columns of B and rows of A; ours (QLoRA takes 64 and sees no effect of the rank, appendix A)."""
    alpha: float = Field(default=32.0, gt=0)
    """The adapter's output is scaled by alpha / rank; ours."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """On the adapter's input. Ours: rollouts are drawn without it, so that it biases the ratio of the policies."""
    targets: Literal["all-linear"] | tuple[str, ...] = ALL_LINEAR
    """Linear layers by the last part of their names (q_proj), or all but the output head (QLoRA, section 4)."""

    @field_validator("targets")
    @classmethod
    def _some_targets(cls, targets: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if targets != ALL_LINEAR and not 0 < len(set(targets)) == len(targets):
            raise ValueError(f"targets must name each layer once, got {list(targets)}: give names or {ALL_LINEAR}")
        return targets


class LoraAdapter(_LowRank):
    """Low-rank adapters on float32 weights."""

    name: Literal["lora"] = "lora"


class QloraAdapter(_LowRank):
    """Low-rank adapters on 4-bit weights; needs the extra ``qlora``."""

    name: Literal["qlora"] = "qlora"
    quant: Literal["nf4", "fp4"] = "nf4"
    """The 4-bit type: NormalFloat or float (QLoRA, section 3; nf4 is better, table 2)."""
    double_quant: bool = True
    """Quantise the blocks' scales too, 0.37 bits a parameter less (QLoRA, section 3)."""


AdapterConfig = Annotated[LoraAdapter | QloraAdapter, Field(discriminator="name")]
"""A recipe's ``adapter:``; full fine-tuning where there is none."""
