"""Shards on the disk, written block by block from several threads."""

import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from vibethinker.engines.fusion.tensor_files import Shard

_FLUSH_BYTES = 64 * 2**20
"""Written bytes after which the system is told to put them on the disk, so that not all wait for the end; ours."""


class ShardWriter:
    """Writes blocks into the shards of a folder; a context manager."""

    def __init__(self, folder: Path, shards: Sequence[Shard]) -> None:
        """Note where each tensor goes."""
        self._folder = folder
        self._shards = shards
        self._files = ExitStack()
        self._place: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._unflushed = 0

    def __enter__(self) -> "ShardWriter":
        """Make the files in their full size, with their headers."""
        with ExitStack() as files:
            for shard in self._shards:
                file = files.enter_context((self._folder / shard.name).open("wb", buffering=0))
                file.truncate(shard.size)
                _write_all(file.fileno(), memoryview(shard.header), 0)
                self._place.update({name: (file.fileno(), offset) for name, offset in shard.offsets.items()})
            self._files = files.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def write(self, name: str, offset: int, data: memoryview) -> None:
        """Write bytes of a tensor from its byte ``offset`` on; now and then it waits for the disk."""
        descriptor, begin = self._place[name]
        _write_all(descriptor, data, begin + offset)
        with self._lock:
            self._unflushed += len(data)
            is_due = self._unflushed >= _FLUSH_BYTES
            if is_due:
                self._unflushed = 0
        if is_due:
            os.fsync(descriptor)


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        count = os.pwrite(descriptor, data, offset)
        data, offset = data[count:], offset + count
