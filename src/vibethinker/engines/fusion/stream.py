"""Blocks of tensors through a kernel into the shards: reading, computing and writing at the same time.

Where every block goes is known before the first is read, so that a few threads each read, compute and write blocks of
their own; torch and the system let go of Python's lock meanwhile. Memory is a few blocks per thread, whatever the size
of the models.
"""

import hashlib
import math
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from vibethinker.engines.fusion.alike import FLOATS, head_and_embedding
from vibethinker.engines.fusion.kernels import Kernel, Place
from vibethinker.engines.fusion.parents import Parent
from vibethinker.engines.fusion.shard_writer import ShardWriter
from vibethinker.engines.fusion.tensor_files import Tensor
from vibethinker.errors import InputError
from vibethinker.interfaces import Progress

BLOCK_NUMBERS = 2**18
"""Numbers of a tensor that are worked on at a time, and that a digest is taken of; ours. Measured on a core with 1 MB
of second-level cache: half as many are as fast, four times as many a third slower."""
_MOST_THREADS = 8
"""Ours: a disk is not faster for more."""
_TORCH = {name: getattr(torch, kind) for name, kind in FLOATS.items()}


@dataclass(frozen=True)
class _Taken:
    """What a block gave: bytes read, digests by model in the first pass over it, and what the kernel measured."""

    size: int
    digests: Sequence[bytes]
    measured: Any = None


class _Buffers(threading.local):
    """A thread's own: the bytes of a block, by model."""

    def __init__(self, models: int, size: int) -> None:
        self.bytes = [torch.empty(size, dtype=torch.uint8) for _ in range(models)]


class _Window:
    """Tasks on a pool, a few of them at a time, whose results are taken in the order in which they were given."""

    def __init__(self, pool: ThreadPoolExecutor, size: int) -> None:
        self._pool = pool
        self._size = size
        self._pending: deque[tuple[Future[Any], Callable[[Any], None]]] = deque()

    def give(self, task: Callable[[], Any], take: Callable[[Any], None]) -> None:
        while len(self._pending) >= self._size:
            self._take_one()
        self._pending.append((self._pool.submit(task), take))

    def drain(self) -> None:
        while self._pending:
            self._take_one()

    def _take_one(self) -> None:
        future, take = self._pending.popleft()
        take(future.result())


class Stream:
    """One fusion of models that are alike (``alike.py``), from the first block to the last."""

    def __init__(
        self,
        models: Sequence[Parent],
        base: Parent | None,
        kernel: Kernel,
        writer: ShardWriter,
        progress: Progress | None,
    ) -> None:
        """Prepare; every model and the writer must be open."""
        self._models = [*models, *([base] if base is not None else [])]
        self._tensors = models[0].tensors
        self._kernel = kernel
        self._writer = writer
        self._progress = progress
        widest = max(tensor.item_bytes for model in self._models for tensor in model.tensors.values())
        self._buffers = _Buffers(len(self._models), BLOCK_NUMBERS * widest)
        self._digests: list[dict[str, Any]] = [defaultdict(hashlib.sha256) for _ in self._models]
        self._began = time.monotonic()
        self._done = 0
        head, embedding = head_and_embedding(models[0])
        # A tied head must come out as its embedding does, so that it has the same mask.
        is_tied = models[0].is_tied and head is not None and embedding is not None
        self._mask_names = {head.name: embedding.name} if is_tied and head and embedding else {}

    def run(self) -> None:
        """Fuse all tensors."""
        total = sum(
            model.tensors[name].size * (self._passes(tensor) + 1)
            for model in self._models
            for name, tensor in self._tensors.items()
        )
        if self._progress is not None:
            self._progress.start(total, unit="byte")
        self._began = time.monotonic()
        with _threads() as (pool, threads):
            window = _Window(pool, 2 * threads)
            for tensor in self._tensors.values():
                self._fuse(window, tensor)
            window.drain()

    def digests(self) -> list[str]:
        """Return of every model, the base last, the SHA-256 of the weights that were read; see ``_digest``."""
        digests = [_digest(found, model.tensors) for found, model in zip(self._digests, self._models, strict=True)]
        return [
            digest if model.adapter is None else model.adapter.digest(digest)
            for model, digest in zip(self._models, digests, strict=True)
        ]

    def _passes(self, tensor: Tensor) -> int:
        """Return how often a tensor is read before it is fused."""
        return self._kernel.passes if tensor.dtype in FLOATS and tensor.count else 0

    def _fuse(self, window: _Window, tensor: Tensor) -> None:
        state, whole = None, Place(self._mask_names.get(tensor.name, tensor.name), 0, tensor.count)
        for number in range(self._passes(tensor)):
            window.drain()
            sums: list[Any] = []

            def take(taken: _Taken, sums: list[Any] = sums) -> None:
                self._take(tensor, taken)
                sums[:] = [sums[0] + taken.measured if sums else taken.measured]

            for start in range(0, tensor.count, BLOCK_NUMBERS):
                window.give(self._task(self._measure, tensor, start, state, is_first=number == 0), take)
            window.drain()
            state = self._kernel.settle(state, sums[0], whole)
        work = self._write_fused if tensor.dtype in FLOATS else self._write_same
        for start in range(0, tensor.count, BLOCK_NUMBERS):
            task = self._task(work, tensor, start, state, is_first=self._passes(tensor) == 0)
            window.give(task, lambda taken: self._take(tensor, taken))

    def _task(
        self,
        work: Callable[[Tensor, int, list[torch.Tensor], Any], Any],
        tensor: Tensor,
        start: int,
        state: Any,  # noqa: ANN401 - the kernel's own
        *,
        is_first: bool,
    ) -> Callable[[], _Taken]:
        """Return what a thread does with a block: read it of every model, then ``work``."""

        def task() -> _Taken:
            count = min(BLOCK_NUMBERS, tensor.count - start)
            raw = [
                buffer[: count * model.tensors[tensor.name].item_bytes]
                for model, buffer in zip(self._models, self._buffers.bytes, strict=True)
            ]
            digests = []
            for model, buffer in zip(self._models, raw, strict=True):
                view = memoryview(buffer.numpy())
                model.read_into(tensor.name, start, view)
                if is_first:
                    digests.append(hashlib.sha256(view).digest())
            return _Taken(sum(map(len, raw)), digests, work(tensor, start, raw, state))

        return task

    def _take(self, tensor: Tensor, taken: _Taken) -> None:
        for found, digest in zip(self._digests, taken.digests, strict=bool(taken.digests)):
            found[tensor.name].update(digest)
        if self._progress is not None:
            self._done += taken.size
            rate = self._done / max(time.monotonic() - self._began, 1e-9)
            self._progress.advance(taken.size, note=f"{rate / 1e6:,.0f} MB/s")

    def _measure(self, tensor: Tensor, start: int, raw: list[torch.Tensor], state: Any) -> Any:  # noqa: ANN401
        return self._kernel.measure(state, self._values(tensor, start, raw), self._place(tensor, start))

    def _write_fused(self, tensor: Tensor, start: int, raw: list[torch.Tensor], state: Any) -> None:  # noqa: ANN401
        fused = self._kernel.fuse(state, self._values(tensor, start, raw), self._place(tensor, start))
        result = fused.to(_TORCH[tensor.dtype])
        if not _is_finite(result):
            raise InputError(
                f"tensor {tensor.name}: the fused numbers do not fit {tensor.dtype}: lower the scale or the weights"
            )
        self._writer.write(tensor.name, start * tensor.item_bytes, memoryview(result.view(torch.uint8).numpy()))

    def _write_same(self, tensor: Tensor, start: int, raw: list[torch.Tensor], state: Any) -> None:  # noqa: ANN401, ARG002
        for model, buffer in zip(self._models, raw, strict=True):
            if not torch.equal(buffer, raw[0]):
                raise InputError(
                    f"models differ: tensor {tensor.name} of {tensor.dtype}, which is copied and not fused, "
                    f"is not the same in {self._models[0].reference} and in {model.reference}"
                )
        self._writer.write(tensor.name, start * tensor.item_bytes, memoryview(raw[0].numpy()))

    def _place(self, tensor: Tensor, start: int) -> Place:
        return Place(self._mask_names.get(tensor.name, tensor.name), start, tensor.count)

    def _values(self, tensor: Tensor, start: int, raw: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the numbers of a block, with what adapters add to them."""
        values = []
        for model, buffer in zip(self._models, raw, strict=True):
            # The base may be of another type than the models.
            block = buffer.view(_TORCH[model.tensors[tensor.name].dtype])
            if not _is_finite(block):
                raise InputError(
                    f"{model.reference} holds NaN or infinity in tensor {tensor.name}: leave that model out"
                )
            change = model.change(tensor.name, start, len(block))
            values.append(
                block if change is None else change.to(torch.promote_types(block.dtype, torch.float32)) + block
            )
        return values


def _is_finite(block: torch.Tensor) -> bool:
    # Both ends of the range are NaN where any number is.
    return all(math.isfinite(float(end)) for end in torch.aminmax(block))


def _digest(tensors: dict[str, Any], layout: dict[str, Tensor]) -> str:
    """Return the SHA-256 of a model: over its tensors by name, whatever files they lie in.

    Of each tensor count name, type, shape and the digests of its blocks of ``BLOCK_NUMBERS``, so that several threads
    can take them.
    """
    whole = hashlib.sha256()
    for name in sorted(layout):
        tensor = layout[name]
        whole.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        whole.update(tensors[name].digest())
    return whole.hexdigest()


@contextmanager
def _threads() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Give a pool of threads in which torch computes on one core each; whatever was begun ends before this does."""
    count = min(_MOST_THREADS, (os.cpu_count() or 1) + 1)
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(count, "fusion", initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool, count
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        # The setting is the whole process's for threads to come.
        torch.set_num_threads(before)
