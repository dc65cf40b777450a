"""From whatever a stage raised to the one line that the user reads."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from vibethinker.errors import InputError, VibethinkerError, WorkError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL_TEXTS = ("no space left on device", "disk quota exceeded")
# PyTorch's writer says only that writing failed; with less than this free it was for lack of space. Ours.
_TORCH_WRITER = ("pytorchstreamwriter", "inline_container.cc")
_NEXT_TO_NOTHING = 16 * 2**20
_LONGEST_MESSAGE = 300


def explained(error: Exception, stage_id: str | None, run_dir: Path) -> VibethinkerError:
    """Return the error to show for one that ended a run, with its stage; the original stays its cause."""
    where = f'stage "{stage_id}"' if stage_id is not None else str(run_dir)
    if disk_is_full(error, run_dir):
        return WorkError(_disk_full_line(error, where, run_dir))
    if isinstance(error, VibethinkerError):
        text = str(error)
        if type(error) not in (InputError, WorkError) or text.startswith('stage "') or stage_id is None:
            return error
        return type(error)(f"{where}: {text}")
    text = " ".join(str(error).split())
    short = text if len(text) <= _LONGEST_MESSAGE else f"{text[: _LONGEST_MESSAGE - 3]}..."
    name = type(error).__name__
    return WorkError(f"{where} failed: {name}{': ' if short else ''}{short} (--debug shows the traceback)")


def disk_is_full(error: BaseException, run_dir: Path) -> bool:
    """Say whether a lack of space is behind an error, wherever in its chain of causes."""
    for each in _chain(error):
        text = str(each).lower()
        if isinstance(each, OSError) and each.errno in _DISK_FULL:
            return True
        if any(sign in text for sign in _DISK_FULL_TEXTS):
            return True
        if any(sign in text for sign in _TORCH_WRITER) and _free_bytes(run_dir) < _NEXT_TO_NOTHING:
            return True
    return False


def _disk_full_line(error: BaseException, where: str, run_dir: Path) -> str:
    named = next((each.filename for each in _chain(error) if isinstance(each, OSError) and each.filename), None)
    place = Path(os.fsdecode(named)) if isinstance(named, str | bytes) else run_dir
    mount = _mount_point(place)
    return (
        f"disk full: {where} could not write to {mount} ({_free_bytes(mount) / 2**20:,.0f} MiB free); "
        f"what was saved before, the last checkpoint included, is intact: "
        f"free some space and give the same command again"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]


def _mount_point(path: Path) -> Path:
    """Return the root of the file system that a path, which need not exist, lies on."""
    place = path.absolute()
    while not place.exists() or not place.is_mount():
        if place == place.parent:
            break
        place = place.parent
    return place


def _free_bytes(path: Path) -> int:
    try:
        return shutil.disk_usage(_mount_point(path)).free
    except OSError:
        return 0
