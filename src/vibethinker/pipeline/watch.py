"""A stage's progress as the pipeline sees it: how long the stage has taken, and which step it has reached."""

import contextlib
import time

from vibethinker.interfaces import Progress
from vibethinker.pipeline.run_state import RunState, StageState

# Seconds between two writings of run.json while a stage is at work: what a kill can take from the time it has cost.
_SAVE_EVERY_S = 5.0


class StageWatch:
    """Passes a stage's progress on to the display and keeps the stage's time in ``run.json``."""

    def __init__(self, progress: Progress, state: RunState, entry: StageState) -> None:
        """Begin to count; earlier attempts that the stage goes on from count too."""
        self._progress = progress
        self._state = state
        self._entry = entry
        self._earlier_s = entry.seconds
        self._began = self._saved = time.monotonic()
        self._unit = ""
        self._total = self._done = 0

    def seconds(self) -> float:
        """Return the time spent on the stage so far."""
        return self._earlier_s + time.monotonic() - self._began

    def step_reached(self, steps: int | None, saved: int) -> int:
        """Return the step at which the stage is, at least the saved one, where its progress counts its ``steps``."""
        counts_steps = self._unit in ("step", "steps") and self._total == steps
        return max(saved, self._done) if counts_steps else saved

    def start(self, total: int, *, unit: str, done: int = 0) -> None:
        """Begin a task."""
        self._total, self._unit, self._done = total, unit, done
        self._progress.start(total, unit=unit, done=done)

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Count units as done; raises ``Interrupted`` when the user has asked to stop."""
        self._done += count
        if time.monotonic() - self._saved >= _SAVE_EVERY_S:
            self._saved = time.monotonic()
            self._entry.seconds = self.seconds()
            # A full disk is for the stage to find, where it saves what matters.
            with contextlib.suppress(OSError):
                self._state.save()
        self._progress.advance(count, note=note)

    def interrupt_requested(self) -> bool:
        """Say whether the user has asked to stop."""
        return self._progress.interrupt_requested()

    def warn(self, text: str) -> None:
        """Show a line about something to look at."""
        self._progress.warn(text)
