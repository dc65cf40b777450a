"""One process per run directory."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from vibethinker.errors import InputError

LOCK_NAME = "lock"

# Somebody who only asks whether the lock is held has it for an instant; a run waits that long.
_ASKING_S = 0.2


@contextlib.contextmanager
def run_lock(run_dir: Path) -> Iterator[None]:
    """Hold a run directory's lock; the system frees it when the process ends, however it ends.

    Raises:
        InputError: If another process holds it; the message has its number.
    """
    path = run_dir / LOCK_NAME
    holder = _holder(path)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_ASKING_S)
    except Timeout as error:
        who = f"process {holder}" if holder is not None else "another process"
        raise InputError(f"{run_dir} is in use by {who}: wait until it has ended, or give another --run-dir") from error
    try:
        # On a full disk the lock holds all the same, without a number.
        with contextlib.suppress(OSError):
            path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        # Emptied while still held, so that the number of a process that is gone misleads nobody.
        with contextlib.suppress(OSError):
            path.write_text("")
        lock.release()


def is_locked(run_dir: Path) -> bool:
    """Say whether a process holds a run directory's lock."""
    path = run_dir / LOCK_NAME
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        # A directory that only others may write to: no run of ours can be at work in it, as far as one can tell.
        return False
    lock.release()
    return False


def _holder(path: Path) -> int | None:
    """Read the number that the holder wrote, before an attempt of ours could touch the file."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
