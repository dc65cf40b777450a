"""What a machine offers a run: versions, cores, memory, disk, confinement, accelerator, trackers; no tensor library."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vibethinker.observe.formats import printable
from vibethinker.sandbox import Probe, probe
from vibethinker.sandbox.levels import DESCRIPTIONS
from vibethinker.verify.code import DEFAULT_LEVEL, LEVEL_VARIABLE, available_cores, minimum_level

_PACKAGES = ("vibethinker", "torch", "transformers", "trl")
_TRACKERS = ("tensorboard", "trackio", "wandb")
_GIB = 2**30
_NVIDIA_TIMEOUT_S = 20.0
# Without a limit some kernels say max, others a number beyond any memory.
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def examine(folder: Path) -> dict[str, Any]:
    """Return what this machine offers, as ``--json`` prints it; takes about a second.

    Args:
        folder: Where runs are to stand; its disk is looked at.

    Raises:
        InputError: If ``VIBETHINKER_SANDBOX_LEVEL`` says something else than 0, 1, 2 or 3.
    """
    disk = shutil.disk_usage(folder)
    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": available_cores(),
        "memory_bytes": _memory(),
        "disk": {"folder": str(folder), "free_bytes": disk.free, "total_bytes": disk.total},
        "sandbox": confinement(probe(), minimum_level()),
        "accelerator": _accelerator(),
        "trackers": {name: _version(name) for name in _TRACKERS},
    }


def finding_lines(findings: Mapping[str, Any]) -> list[str]:
    """Say what ``examine`` found, a line for each finding."""
    found, confined = findings["accelerator"], findings["sandbox"]
    versions = " · ".join(f"{name} {number or 'missing'}" for name, number in findings["versions"].items())
    installed = [name for name, number in findings["trackers"].items() if number]
    rows = {
        "versions": versions,
        "system": findings["system"],
        "cores": str(findings["cores"]),
        "memory": "unknown" if findings["memory_bytes"] is None else _gib(findings["memory_bytes"]),
        "disk": f"{_gib(findings['disk']['free_bytes'])} free in {printable(findings['disk']['folder'])}",
        "sandbox": _confinement(confined),
        "accelerator": ", ".join(found["gpus"]) or f"none ({found['note']})",
        "trackers": ", ".join(installed)
        or "none (install the extra trackers for one); metrics.jsonl is always written",
    }
    width = max(map(len, rows)) + 2
    lines = []
    for name, text in rows.items():
        lines.append(f"{name:<{width}}{text}")
        if name == "sandbox":
            lines += [f"{'':<{width}}{line}" for line in _missing_lines(confined)]
    return lines


def _confinement(confined: Mapping[str, Any]) -> str:
    if confined["level"] is None:
        return "cannot start here"
    enough = "" if confined["enough"] else f"; not enough: programs need level {confined['minimum_level']}"
    return f"level {confined['level']}: {confined['description']}{enough}"


def _missing_lines(confined: Mapping[str, Any]) -> list[str]:
    """Say what each stronger level misses, and how to get it."""
    lines = []
    for level in confined["missing"]:
        lines.append(printable(f"level {level['level']} does not work: {' '.join(level['trouble'].split())}"))
        lines.append(printable(f"to get it: {level['advice']}"))
    if not confined["enough"] and confined["level"] is not None:
        lines.append(
            f"{LEVEL_VARIABLE}={confined['level']} accepts it as it is; only for programs that you trust, since "
            f"{DEFAULT_LEVEL} is the weakest that holds hostile ones"
        )
    return lines


def confinement(found: Probe, minimum: int) -> dict[str, Any]:
    """Return what a probe came to: the level, whether it is enough, and what each stronger one misses."""
    weaker = -1 if found.level is None else found.level
    missing = [attempt for attempt in found.attempts if not attempt.works and attempt.number > weaker]
    return {
        "level": found.level,
        "description": None if found.level is None else DESCRIPTIONS[found.level],
        "minimum_level": minimum,
        "enough": found.level is not None and found.level >= minimum,
        "landlock_abi": found.landlock_abi,
        "missing": [
            {"level": attempt.number, "trouble": attempt.trouble, "advice": found.advice[attempt.number]}
            for attempt in missing
        ],
    }


def _accelerator() -> dict[str, Any]:
    """Return the NVIDIA GPUs that the driver's own program lists."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return {"gpus": [], "note": "no nvidia-smi"}
    try:
        listed = subprocess.run([command, "-L"], capture_output=True, text=True, timeout=_NVIDIA_TIMEOUT_S, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return {"gpus": [], "note": "nvidia-smi is there but lists no GPU"}
    # GPU 0: NVIDIA H100 80GB HBM3 (UUID: ...)
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    gpus = [printable(line.partition(": ")[2].partition(" (UUID")[0]) for line in lines]
    return {"gpus": gpus, "note": "" if gpus else "nvidia-smi is there but lists no GPU"}


def _memory() -> int | None:
    """Return the bytes of memory that this process may use: the machine's, or its container's if that is less."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    for path in _CGROUP_LIMITS:
        try:
            return min(total, int(path.read_text()))
        except (OSError, ValueError):
            continue
    return total


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
