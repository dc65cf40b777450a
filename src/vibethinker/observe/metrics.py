"""The run's numbers by step: one JSON object a line, appended as they come.

A line counts once its line feed is on disk. What a crash left behind the last one is passed over by readers and cut
off before anything is appended, so that a torn line never grows into a wrong one.
"""

import errno
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError
from vibethinker.files import write_whole

_KEYS = ("stage", "run", "step")


class MetricsFile:
    """One stage's view of ``metrics.jsonl``; implements ``interfaces.Metrics``."""

    def __init__(self, path: Path, stage: str) -> None:
        """Write to ``path``, which need not exist yet, under the id of ``stage``."""
        self.path = path
        self.stage = stage

    def log(self, step: int, values: Mapping[str, Any], *, run: str = "") -> None:
        """Append one line; numbers that are not finite are written as null.

        Raises:
            ValueError: If ``values`` has a key ``stage``, ``run`` or ``step``.
            OSError: If it cannot be written; a line written in part is then not there for readers.
        """
        if taken := [key for key in _KEYS if key in values]:
            raise ValueError(f"{', '.join(_KEYS)} are given beside the values, got {', '.join(taken)} among them")
        record = {"stage": self.stage, "run": run, "step": step, **values}
        line = (json.dumps(_finite(record), ensure_ascii=False, allow_nan=False) + "\n").encode()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _cut_torn_line(descriptor)
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(descriptor)

    def cut_back(self, step: int, *, run: str = "") -> None:
        """Forget the lines of this stage and run whose step is greater than ``step``."""
        self._keep(lambda line: line["stage"] != self.stage or line["run"] != run or line["step"] <= step)

    def drop(self) -> None:
        """Forget all lines of this stage."""
        self._keep(lambda line: line["stage"] != self.stage)

    def _keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Rewrite the file, whole or not at all, with the wanted lines only and those byte for byte."""
        lines = _whole_lines(self.path)
        kept = [raw for raw, line in zip(lines, _parsed(self.path, lines), strict=True) if wanted(line)]
        if len(kept) < len(lines):
            write_whole(self.path, b"".join(kept))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a ``metrics.jsonl``, without one that a crash left torn; none where there is no file.

    Raises:
        InputError: If a whole line is not a JSON object with ``stage``, ``run`` and ``step``.
    """
    return _parsed(path, _whole_lines(path))


def _whole_lines(path: Path) -> list[bytes]:
    """Split at line feeds alone: JSON text may hold the other line separators."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def _parsed(path: Path, lines: list[bytes]) -> list[dict[str, Any]]:
    parsed = []
    for number, raw in enumerate(lines, start=1):
        try:
            line = json.loads(raw)
        except ValueError:  # not JSON, or not UTF-8
            line = None
        if not isinstance(line, dict) or not all(key in line for key in _KEYS):
            raise InputError(
                f"{path}:{number}: expected a JSON object with {', '.join(_KEYS)}; delete the line to go on without it"
            )
        parsed.append(line)
    return parsed


def _cut_torn_line(descriptor: int) -> None:
    """Cut a file back to the end of its last whole line."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    content = os.pread(descriptor, size, 0)
    os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def _finite(value: object) -> object:
    """Put null for numbers that JSON cannot write, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
