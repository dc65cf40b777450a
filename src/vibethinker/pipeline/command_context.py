"""What a stage is given, for a command that does a stage's work outside a run: a folder, numerics, progress, a lock."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError, Interrupted
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import FinishStatus, RunDisplay
from vibethinker.observe.summaries import numerics_line
from vibethinker.pipeline.failures import explained
from vibethinker.pipeline.interrupts import InterruptRequests
from vibethinker.pipeline.lock import LOCK_NAME, run_lock

ASKED_FILE = "asked.json"
"""What a folder was made for, and how its numbers are computed."""


class CommandInterrupted(Interrupted):
    """A command stopped where the user asked it to."""

    def __init__(self) -> None:
        """Say what to type."""
        super().__init__()
        self.args = ("interrupted; the same command goes on from what is saved",)


def folder_name(command: str, asked: Mapping[str, Any]) -> str:
    """Return the name of the folder for what is asked: the same for the same, another for anything else.

    >>> folder_name("probe", {"k": 8}) == folder_name("probe", {"k": 8}), len(folder_name("probe", {"k": 8}))
    (True, 18)
    """
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return f"{command}-{digest[:12]}"


@contextmanager
def command_context(
    command: str, folder: Path, asked: Mapping[str, Any], *, seed: int, prompt: str, dtype: str = "auto"
) -> Iterator[StageContext]:
    """Give a command a folder to work in; the same thing asked again goes on there.

    Args:
        command: What it is called.
        folder: Where it writes; made if it is not there.
        asked: All that its result depends on, as JSON values.
        seed: Of the command.
        prompt: The template, with ``{question}``.
        dtype: ``float32``, ``bfloat16``, or ``auto``, which measures once what is faster here.

    Raises:
        InputError: If the folder holds anything else, or another process is at work in it.
        WorkError: If the work failed.
        CommandInterrupted: If the user asked to stop.
    """
    check_folder(command, folder, asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder} ({error.strerror}): give another --output") from error
    with _lock(folder), InterruptRequests() as interrupts:
        numerics = _numerics(folder, asked, dtype)
        shown = numerics_line(asdict(numerics))
        with RunDisplay(command, seed, folder, shown, [(command, "")]) as display:
            began = time.monotonic()
            status: FinishStatus = "failed"
            try:
                yield StageContext(
                    folder=folder,
                    inputs={},
                    seed=seed,
                    model=None,
                    prompt=prompt,
                    numerics=numerics,
                    progress=display.stage(command, interrupts.requested),
                    metrics=MetricsFile(folder / "metrics.jsonl", command),
                )
                status = "done"
            except (Interrupted, KeyboardInterrupt) as error:
                status = "interrupted"
                raise CommandInterrupted from error
            except Exception as error:
                raise explained(error, None, folder) from error
            finally:
                display.finish(command, status, "", time.monotonic() - began)


def check_folder(command: str, folder: Path, asked: Mapping[str, Any]) -> None:
    """Make sure that a folder is free for what is asked, or was made for it.

    Raises:
        InputError: If not; names what it was made for or holds.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file: give another --output")
    if not (folder / ASKED_FILE).is_file():
        others = sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)
        if others:
            raise InputError(
                f"{folder} is not empty and no {command} made it (it holds {others[0]}): give another --output"
            )
        return
    before = _read(folder)["asked"]
    changed = [key for key in {**before, **asked} if before.get(key) != asked.get(key)]
    if changed:
        was, now = (json.dumps(each.get(changed[0]), ensure_ascii=False) for each in (before, asked))
        raise InputError(
            f"{folder} holds another {command}: {changed[0]} was {was:.80}, is {now:.80}: give another --output"
        )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(run_lock(folder))
        except InputError as error:
            raise InputError(
                f"{folder} is in use by another process: wait until it has ended, or give another --output"
            ) from error
        yield


def _numerics(folder: Path, asked: Mapping[str, Any], dtype: str) -> Numerics:
    """Choose how to compute, once for a folder, and note what it is for."""
    from vibethinker.engines import numerics

    if (folder / ASKED_FILE).is_file():
        chosen = Numerics(**_read(folder)["numerics"])
    else:
        chosen = numerics.choose(dtype)
        write_json(folder / ASKED_FILE, {"asked": dict(asked), "numerics": asdict(chosen)})
    numerics.apply(chosen)
    return chosen


def _read(folder: Path) -> dict[str, Any]:
    path = folder / ASKED_FILE
    try:
        found: dict[str, Any] = read_json(path)
        if not isinstance(found["asked"], dict) or not isinstance(found["numerics"], dict):
            raise TypeError("not of this form")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}): remove {folder}, or give another --output"
        ) from error
    return found
