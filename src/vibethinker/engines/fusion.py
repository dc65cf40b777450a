"""Weighted average and task arithmetic of model folders, summed in float32 and cast once.

The formulas are those of ``vibethinker.algos.fusion``. Tools that cast to bfloat16 before they sum change a third of
the parameters of a model fused with itself; here that fusion returns the same bytes.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vibethinker.algos.fusion import check_weights
from vibethinker.errors import InputError

_WEIGHTS = "*.safetensors"


class _Tensors:
    """The tensors of a model folder by name, read one at a time."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.by_name = {}
        for path in sorted(folder.glob(_WEIGHTS)):
            file = stack.enter_context(safe_open(path, framework="pt"))
            self.by_name.update(dict.fromkeys(file.keys(), file))
        if not self.by_name:
            raise InputError(f"{folder} holds no {_WEIGHTS} file: only models saved as safetensors can be fused")

    def get(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self.by_name[name].get_tensor(name)
        return tensor


def fuse(
    parents: Sequence[Path], weights: Sequence[float], output: Path, *, base: Path | None = None, scale: float = 1.0
) -> None:
    """Write the fused model to ``output``: ``sum w_i M_i``, or ``base + scale * sum w_i (M_i - base)`` with a base.

    Configuration and tokenizer are the first parent's; each tensor keeps its first parent's type.

    Raises:
        InputError: If the parents differ in tensors, shapes or types; names the first that differs.
        ValueError: If the weights of an average do not sum to 1 or one is negative.
    """
    if base is None:
        check_weights(weights)
    with ExitStack() as stack:
        models = [_Tensors(folder, stack) for folder in parents]
        root = _Tensors(base, stack) if base is not None else None
        fused = {}
        for name in models[0].by_name:
            _check_alike(name, [*models, *([root] if root else [])])
            fused[name] = _fuse_tensor(name, models, weights, root, scale)
        _check_no_more(models)
    output.mkdir(parents=True, exist_ok=True)
    for path in parents[0].iterdir():
        if path.is_file() and path.suffix not in {".safetensors", ".bin", ".pt", ".pth"}:
            shutil.copy2(path, output / path.name)
    (output / "model.safetensors.index.json").unlink(missing_ok=True)
    save_file(fused, output / "model.safetensors", metadata={"format": "pt"})


def _fuse_tensor(
    name: str, models: Sequence[_Tensors], weights: Sequence[float], root: _Tensors | None, scale: float
) -> torch.Tensor:
    first = models[0].get(name)
    if not first.is_floating_point():
        return first
    # Float64 accumulation costs nothing at this size and makes equal models come back to the last bit.
    start = root.get(name).double() if root is not None else torch.zeros_like(first, dtype=torch.float64)
    total = start.clone()
    for model, weight in zip(models, weights, strict=True):
        value = model.get(name).double()
        total += weight * scale * (value - start) if root is not None else weight * value
    return total.to(first.dtype).contiguous()


def _check_alike(name: str, models: Sequence[_Tensors]) -> None:
    first = models[0].get(name)
    for model in models[1:]:
        if name not in model.by_name:
            raise InputError(f"models differ: {model.folder} has no tensor {name}, {models[0].folder} has")
        other = model.get(name)
        if other.shape != first.shape:
            raise InputError(
                f"models differ: tensor {name} is {list(first.shape)} in {models[0].folder} "
                f"and {list(other.shape)} in {model.folder}"
            )


def _check_no_more(models: Sequence[_Tensors]) -> None:
    for model in models[1:]:
        more = sorted(set(model.by_name) - set(models[0].by_name))
        if more:
            raise InputError(f"models differ: {models[0].folder} has no tensor {more[0]}, {model.folder} has")


def weights_by_domain(domains: Sequence[str], given: Mapping[str, float] | None) -> list[float]:
    """Return one weight per domain: those given, or equal ones.

    Raises:
        InputError: If a weight is given for no such domain, or a domain has none.
    """
    if given is None:
        return [1 / len(domains)] * len(domains)
    if set(given) != set(domains):
        raise InputError(f"weights name {', '.join(sorted(given))}, but the domains are {', '.join(sorted(domains))}")
    return [given[domain] for domain in domains]
