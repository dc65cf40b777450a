"""LoRA adapters as they lie on disk: what they add to a tensor of their base, row by row.

Source: LoRA (arXiv 2106.09685), section 4.1, and rank-stabilised LoRA (arXiv 2312.03732), section 3:

    W' = W + alpha / r * B A          alpha / sqrt(r) where the adapter was trained with rsLoRA

Computed in float32, block by block.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from vibethinker.configs.model_places import ADAPTER_CONFIG
from vibethinker.engines.adapter_config import read_lora_config
from vibethinker.engines.fusion.tensor_files import Tensor, content, read_layout
from vibethinker.errors import InputError

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_COPY = ".base_layer.weight"
_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<where>embedding_)?(?P<side>[AB])(?:\.weight)?")
# What a pattern may be made of: no way to repeat a group, with which a pattern can take for ever.
_PATTERN = re.compile(r"[\w.\\*^$|-]{1,200}")


class Adapter:
    """The low-rank factors of an adapter, by the name of the tensor that they change; read when they are needed."""

    def __init__(self, path: Path, factors: Mapping[str, tuple[str, str, float, bool]]) -> None:
        """Note the file and, by tensor, the names of A and B, the scaling and whether the product is transposed."""
        self.path = path
        self._factors = factors
        # Blocks come tensor by tensor, several of them at a time.
        self._read = lru_cache(maxsize=4)(self._read_factors)

    def changes(self, name: str) -> bool:
        """Say whether it adds anything to the tensor of this name."""
        return name in self._factors

    def change(self, tensor: Tensor, start: int, count: int) -> torch.Tensor | None:
        """Return what is added to ``count`` numbers of a tensor from number ``start`` on, float32; None for nothing."""
        if tensor.name not in self._factors:
            return None
        left, right = self._read(tensor.name)
        columns = tensor.shape[1]
        first, last = start // columns, -(-(start + count) // columns)
        rows = (left[first:last] @ right).flatten()
        return rows[start - first * columns :][:count]

    def digest(self, base: str) -> str:
        """Return the SHA-256 of the adapted model: over its base's and the adapter's two files."""
        whole = hashlib.sha256(base.encode())
        for path in (self.path, self.path.with_name(ADAPTER_CONFIG)):
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()

    def _read_factors(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two matrices whose product is the change of the tensor, in its own orientation."""
        name_a, name_b, scaling, is_transposed = self._factors[name]
        with safe_open(self.path, framework="pt") as file:
            a, b = file.get_tensor(name_a).float(), file.get_tensor(name_b).float() * scaling
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise InputError(f"{self.path} holds NaN or infinity for {name}: the adapter is broken")
        return (a.T.contiguous(), b.T.contiguous()) if is_transposed else (b, a)


def read_adapter(folder: Path, reference: str, base: Mapping[str, Tensor]) -> Adapter:
    """Return an adapter, checked against its base's tensors.

    Raises:
        InputError: If it is no plain LoRA, a factor is missing, or it changes what its base does not have.
    """
    config = read_lora_config(folder, reference)
    path = folder / ADAPTER_WEIGHTS
    if not path.is_file():
        raise InputError(f"{reference} has no {ADAPTER_WEIGHTS}: save the adapter as safetensors")
    tensors = {tensor.name: tensor for tensor in read_layout(path)[0]}
    sides: dict[tuple[str, bool], dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.endswith(_COPY):
            _check_copy(reference, tensor, base)
            continue
        match = _KEY.fullmatch(name.removeprefix(_PREFIX))
        if match is None or tensor.dtype not in ("F32", "F16", "BF16"):
            raise InputError(f"{reference}: tensor {name} is no plain LoRA factor: merge this adapter with peft first")
        sides.setdefault((match["module"], bool(match["where"])), {})[match["side"]] = tensor
    factors = {}
    for (module, is_embedding), found in sides.items():
        if len(found) != 2:
            raise InputError(f"{reference}: {module} has only one of lora_A and lora_B: the adapter is not whole")
        name = f"{module}.weight"
        a, b = found["A"], found["B"]
        is_transposed = is_embedding or bool(config.get("fan_in_fan_out"))
        _check_fit(reference, name, base.get(name), a, b, is_transposed)
        rank = a.shape[0]
        scaling = _alpha(config, module, reference) / (rank**0.5 if config.get("use_rslora") else rank)
        factors[name] = (a.name, b.name, scaling, is_transposed)
    return Adapter(path, factors)


def _check_copy(reference: str, copy: Tensor, base: Mapping[str, Tensor]) -> None:
    """Check that an adapter's copy of an embedding of its base, which peft saves beside it, is what the base has."""
    own = base.get(copy.name.removeprefix(_PREFIX).removesuffix(_COPY) + ".weight")
    alike = own is not None and (own.shape, own.dtype) == (copy.shape, copy.dtype) and content(own) == content(copy)
    if not alike:
        raise InputError(f"{reference}: {copy.name} is not its base's: merge this adapter with peft first")


def _alpha(config: Mapping[str, Any], module: str, reference: str) -> float:
    """Return a module's alpha, found as peft finds it: by the end of the module's name."""
    patterns = config.get("alpha_pattern") or {}
    if not isinstance(patterns, dict) or not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise InputError(f"{reference}: its alpha_pattern is not understood: merge the adapter with peft first")
    try:
        key = next((key for key in patterns if re.match(rf"(.*\.)?({key})$", module)), None)
        return float(config["lora_alpha"] if key is None else patterns[key])
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise InputError(f"{reference}: cannot tell the alpha of {module}: {error}") from error


def _check_fit(reference: str, name: str, target: Tensor | None, a: Tensor, b: Tensor, is_transposed: bool) -> None:
    if target is None:
        raise InputError(f"{reference} changes {name}, which its base does not have: is that the right base?")
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != b.shape[1] or a.shape[0] == 0:
        raise InputError(f"{reference}: lora_A {list(a.shape)} and lora_B {list(b.shape)} of {name} do not fit")
    shape = (b.shape[0], a.shape[1])
    if target.shape != (shape[::-1] if is_transposed else shape):
        raise InputError(
            f"{reference} changes {name} by {list(shape)}, but it is {list(target.shape)} in its base: "
            f"is that the right base?"
        )
