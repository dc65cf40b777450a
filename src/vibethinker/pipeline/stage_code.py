"""Where the code of a kind of stage is."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from vibethinker.interfaces import StageContext
from vibethinker.pipeline.code_version import PACKAGE, PACKAGE_FOLDER

StageRun = Callable[[Any, StageContext], dict[str, Any]]
"""Does a stage's work in the context's folder; takes its configuration, returns its metrics."""


class StageCode(Protocol):
    """Finds a stage's code; one is asked for the file first, for the fingerprint, and for the function when it runs."""

    def source(self, kind: str) -> Path:
        """Return the file that a kind of stage is written in."""
        ...

    def run(self, kind: str) -> StageRun:
        """Import that file and return its ``run``."""
        ...


class PackageStages:
    """The stages of this package: ``vibethinker/stages/<kind>.py``."""

    def source(self, kind: str) -> Path:
        """Return the module's file."""
        return PACKAGE_FOLDER / "stages" / f"{kind}.py"

    def run(self, kind: str) -> StageRun:
        """Import the module and return its ``run``."""
        run: StageRun = importlib.import_module(f"{PACKAGE}.stages.{kind}").run
        return run
