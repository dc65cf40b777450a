"""One model out of several, at the speed of the disk: read, summed and written block by block.

The formulas are those of ``vibethinker.algos.fusion*``. Sums are float64 and rounded once: a model fused with itself
has the same bytes, where sums in bfloat16 change up to a third of its parameters.
"""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from math import isfinite
from pathlib import Path
from typing import Any

from vibethinker.algos.fusion import check_weights
from vibethinker.configs.fusion_methods import DeltaMethod, FuseMethod, SlerpMethod, TaskArithmeticMethod
from vibethinker.engines.fusion.alike import check_configs, check_tensors, check_tokenizers
from vibethinker.engines.fusion.kernels import make_kernel
from vibethinker.engines.fusion.output_folder import MANIFEST, check_output, check_space, files_beside, whole_folder
from vibethinker.engines.fusion.parents import INDEX, Parent
from vibethinker.engines.fusion.shard_writer import ShardWriter
from vibethinker.engines.fusion.stream import Stream
from vibethinker.engines.fusion.tensor_files import Shard, plan_shards
from vibethinker.errors import InputError
from vibethinker.files import write_json
from vibethinker.interfaces import Progress

MAX_SHARD_BYTES = 2 * 10**9
"""Bytes of tensors in a file; ours, small enough for any file system and any download that breaks off."""


def fuse_models(
    parents: Sequence[str],
    method: FuseMethod,
    output: Path,
    *,
    weights: Sequence[float],
    seed: int,
    base: str | None = None,
    progress: Progress | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> dict[str, Any]:
    """Write the fused model to the folder ``output``, whole or not at all, and return its manifest.

    Configuration, tokenizer and chat template are the first parent's, and so are the order of the tensors and their
    types. The manifest, also written as ``fusion.json``, says what was fused and how.

    Args:
        parents: References to the models: folders of safetensors, LoRA adapters, ``micro`` or hub ids.
        method: How; ``method.weights`` and ``method.base`` are names of a recipe's, and are not looked at.
        output: A folder that is not there yet, or empty.
        weights: One per parent; an average's but for task arithmetic. For SLERP they are 1 - t and t.
        seed: Decides what DARE drops, unless the method has a seed of its own.
        base: Reference to the model that the parents were trained from; for the methods that need one, and only those.
        progress: Counts bytes as they are read.
        max_shard_bytes: Bytes of tensors in a file; a larger tensor has a file of its own.

    Raises:
        InputError: If models cannot be fused, an argument does not fit the method, or the output cannot be written.
    """
    _check_arguments(parents, method, weights, base, max_shard_bytes)
    with ExitStack() as stack:
        models = [stack.enter_context(Parent(reference)) for reference in parents]
        root = stack.enter_context(Parent(base)) if base is not None else None
        every = [*models, *([root] if root is not None else [])]
        place = check_output(output, every)
        check_tensors(models, root)
        check_configs(models, root)
        check_tokenizers(models)
        shards = plan_shards(list(models[0].tensors.values()), models[0].metadata, max_bytes=max_shard_bytes)
        copied = files_beside(models[0])
        check_space(place, sum(shard.size for shard in shards) + sum(path.stat().st_size for path in copied))
        with whole_folder(place) as folder:
            for path in copied:
                shutil.copyfile(path, folder / path.name)
            with ShardWriter(folder, shards) as writer:
                stream = Stream(models, root, make_kernel(method, weights, seed), writer, progress)
                stream.run()
            _write_index(folder, models[0], shards)
            manifest = _manifest(method, weights, seed, models, root, stream.digests(), shards)
            write_json(folder / MANIFEST, manifest)
    return manifest


def _check_arguments(
    parents: Sequence[str], method: FuseMethod, weights: Sequence[float], base: str | None, max_shard_bytes: int
) -> None:
    if not parents:
        raise InputError("need at least one model to fuse, got none")
    if isinstance(method, SlerpMethod) and len(parents) != 2:
        raise InputError(f"slerp goes between two models, got {len(parents)}: use linear for more")
    if len(weights) != len(parents):
        raise InputError(f"need one weight per model, got {len(weights)} weights for {len(parents)} models")
    if not all(map(isfinite, weights)):
        raise InputError(f"weights must be finite numbers, got {list(weights)}")
    if not isinstance(method, TaskArithmeticMethod):
        try:
            check_weights(weights)
        except ValueError as error:
            raise InputError(str(error)) from None
    if isinstance(method, DeltaMethod) and base is None:
        raise InputError(f"{method.name} needs a base: name the model that the others were trained from")
    if not isinstance(method, DeltaMethod) and base is not None:
        raise InputError(f"{method.name} has no base, got {base}: leave it out, or use task_arithmetic, ties or dare")
    if max_shard_bytes < 1:
        raise InputError(f"a shard takes at least 1 byte, got {max_shard_bytes}")


def _write_index(folder: Path, first: Parent, shards: Sequence[Shard]) -> None:
    if len(shards) == 1:
        return
    sizes = [tensor.size for tensor in first.tensors.values()]
    places = {name: shard.name for shard in shards for name in shard.offsets}
    write_json(folder / INDEX, {"metadata": {"total_size": sum(sizes)}, "weight_map": places})


def _manifest(
    method: FuseMethod,
    weights: Sequence[float],
    seed: int,
    models: Sequence[Parent],
    base: Parent | None,
    digests: Sequence[str],
    shards: Sequence[Shard],
) -> dict[str, Any]:
    tensors = list(models[0].tensors.values())
    parameters = method.model_dump(exclude={"name", "weights", "base"}, exclude_none=True)
    if method.name == "dare":
        parameters.setdefault("seed", seed)
    return {
        "method": method.name,
        "parameters": parameters,
        "parents": [
            {"model": model.reference, "sha256": digest, "weight": weight}
            for model, digest, weight in zip(models, digests, weights, strict=False)
        ],
        "base": None if base is None else {"model": base.reference, "sha256": digests[-1]},
        "tensors": len(tensors),
        "numbers": sum(tensor.count for tensor in tensors),
        "dtypes": sorted({tensor.dtype for tensor in tensors}),
        "bytes": sum(shard.size for shard in shards),
        "shards": [shard.name for shard in shards],
    }
