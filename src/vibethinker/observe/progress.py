"""What shows on standard error while work goes on: a line per stage or file, live on a terminal, plain in a log."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vibethinker.errors import Interrupted
from vibethinker.interfaces import Progress
from vibethinker.observe.formats import counted, duration, printable

FinishStatus = Literal["done", "kept", "failed", "interrupted"]
Clock = Callable[[], float]

_STYLES = {"done": "green", "kept": "dim", "failed": "bold red", "interrupted": "yellow"}
_PLAIN_EVERY_S = 10.0
"""Seconds between two lines about the same work where there is no terminal."""
_WIDEST = 116
_BAR_WIDTH = 12
_BAR_FROM = 84
"""Columns a terminal needs for a bar beside the text."""


class Pace:
    """Seconds a unit takes, over the recent past, and what that says of the time still needed.

    Units that were there at the start of a resumed task took no time of this one and do not count.
    """

    _RECENT_S = 60.0
    _RECENT_ADVANCES = 10

    def __init__(self, total: int, done: int, now: float) -> None:
        """Begin at ``now`` (seconds of a monotonic clock) with ``done`` of ``total`` units already there."""
        self.total = total
        self.done = done
        self._chunk = 0
        self._marks = deque([(now, done)])

    def advance(self, count: int, now: float) -> None:
        """Count units that are done at ``now``."""
        self.done += count
        self._chunk = count
        self._marks.append((now, self.done))
        while len(self._marks) > self._RECENT_ADVANCES + 1 and now - self._marks[1][0] > self._RECENT_S:
            self._marks.popleft()

    def remaining_s(self, now: float) -> float | None:
        """Estimate the seconds still needed; None before anything was done.

        Between two advances it counts down, but never below what is left after the chunk that is under way.
        """
        (first_time, first_done), (last_time, last_done) = self._marks[0], self._marks[-1]
        if last_done <= first_done:
            return None
        per_unit_s = (last_time - first_time) / (last_done - first_done)
        left = max(0, self.total - self.done)
        under_way_s = min(now - last_time, min(self._chunk, left) * per_unit_s)
        return left * per_unit_s - under_way_s


@dataclass
class _Row:
    """A stage as the display knows it."""

    number: int
    id: str
    kind: str
    progress: "_StageProgress | None" = None
    finished: bool = False


class _StageProgress:
    """Progress of one stage; tells the display when it has moved."""

    def __init__(
        self, clock: Clock, moved: Callable[[], None], is_interrupted: Callable[[], bool], warn: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._moved = moved
        self._warn = warn
        self._is_interrupted = is_interrupted
        self._began = clock()
        self._pace: Pace | None = None
        self._unit = ""
        self._note = ""

    def start(self, total: int, *, unit: str, done: int = 0) -> None:
        if not 0 <= done <= total:
            raise ValueError(f"need 0 <= done <= total, got done={done}, total={total}")
        self._pace = Pace(total, done, self._clock())
        self._unit, self._note = unit, ""

    def advance(self, count: int = 1, *, note: str = "") -> None:
        if self._pace is None:
            raise ValueError("advance() counts units of a task: call start() first")
        self._pace.advance(count, self._clock())
        self._note = note or self._note
        self._moved()
        if self._is_interrupted():
            raise Interrupted

    def interrupt_requested(self) -> bool:
        return self._is_interrupted()

    def warn(self, text: str) -> None:
        self._warn(text)

    @property
    def share(self) -> float | None:
        """Share of the task that is done, in [0, 1]; None before there is a task."""
        if self._pace is None or self._pace.total == 0:
            return None
        return min(1.0, self._pace.done / self._pace.total)

    @property
    def detail(self) -> str:
        """Where the task is: ``step 31/50 · reward .58``."""
        count = f"{self._unit} {self._pace.done:,}/{self._pace.total:,}" if self._pace else ""
        stopping = "stopping" if self._is_interrupted() else ""
        return " · ".join(part for part in (stopping, count, self._note) if part)

    @property
    def percent(self) -> str:
        return "" if self.share is None else f"{int(100 * self.share)} %"

    @property
    def time_left(self) -> str:
        """The time still needed; before anything is known of that, the time it has taken."""
        now = self._clock()
        left = self._pace.remaining_s(now) if self._pace else None
        return duration(now - self._began) if left is None else f"eta {duration(left)}"


class RunDisplay:
    """The lines of a run: a header, then one per stage. A context manager.

    On a terminal the stage at work has a live line and the waiting ones follow it; elsewhere each stage has a line
    at its start, one about every ten seconds and one at its end.
    """

    def __init__(
        self,
        recipe_name: str,
        seed: int,
        run_dir: Path,
        numerics_text: str,
        stages: list[tuple[str, str]],
        *,
        console: Console | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Prepare for ``stages``, given as (id, kind) in their order; ``console`` is standard error by default."""
        self.console = console or _standard_error()
        self._header = f"{recipe_name} · seed {seed} · {numerics_text} · {run_dir}"
        self._rows = {id_: _Row(number, id_, kind) for number, (id_, kind) in enumerate(stages, start=1)}
        self._id_width = max([13, *(len(id_) for id_, _ in stages)])
        self._kind_width = max([9, *(len(kind) for _, kind in stages)])
        self._clock = clock
        self._last_line = clock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._print(Text(self._header))
        if self.console.is_interactive:
            self._live = Live(
                console=self.console, get_renderable=self._unfinished, refresh_per_second=4, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def stage(self, id: str, is_interrupted: Callable[[], bool]) -> Progress:  # noqa: A002 - what recipes call it
        """Begin a stage; ``is_interrupted`` says whether the user has asked to stop."""
        row = self._rows[id]
        row.finished = False
        row.progress = _StageProgress(self._clock, lambda: self._moved(row), is_interrupted, self._warn)
        if self._live is None:
            self._print(self._line(row, "started"))
        return row.progress

    def finish(self, id: str, status: FinishStatus, summary: str, seconds: float) -> None:  # noqa: A002
        """End a stage, or pass over one whose earlier result is kept, with what it came to."""
        row = self._rows[id]
        row.finished, row.progress = True, None
        if self._live is None:
            self._print(self._line(row, summary, status, duration(seconds)))
            return
        self._live.refresh()  # or the stage's live line would be drawn once more below
        grid = self._grid(11, 12)
        grid.add_row(*self._names(row), Text(summary), Text(status, _STYLES[status]), Text(duration(seconds)))
        self.console.print(grid)

    def close(self) -> None:
        """End the live lines; what is finished stays on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _moved(self, row: _Row) -> None:
        """Print a line now and then where nothing is live."""
        if self._live is None and row.progress and self._clock() - self._last_line >= _PLAIN_EVERY_S:
            self._print(self._line(row, row.progress.detail, row.progress.percent, row.progress.time_left))

    def _warn(self, text: str) -> None:
        print_warning(self.console, text, is_live=self._live is not None)

    def _print(self, text: Text) -> None:
        self._last_line = self._clock()
        self.console.print(text, soft_wrap=True, highlight=False)

    def _line(self, row: _Row, detail: str, middle: str = "", end: str = "") -> Text:
        names = f"{row.number:>2} {row.id:<{self._id_width}} {row.kind:<{self._kind_width}}"
        return Text(f"{names} {detail:<54} {middle:>11}  {end:>14}".rstrip())

    def _names(self, row: _Row) -> tuple[str, Text, Text]:
        return str(row.number), Text(row.id), Text(row.kind, "dim")

    def _grid(self, *tail: int) -> Table:
        """Make a table whose names stand in the same place each time, with columns of set widths at the right."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.width = min(self.console.width, _WIDEST)
        grid.add_column(width=2, justify="right")
        grid.add_column(width=self._id_width, no_wrap=True)
        grid.add_column(width=self._kind_width, no_wrap=True)
        grid.add_column(ratio=1)
        for width in tail:
            grid.add_column(width=width, justify="right", no_wrap=True)
        return grid

    def _unfinished(self) -> Group:
        """Draw the stage at work and those that wait."""
        return Group(*(self._unfinished_row(row) for row in self._rows.values() if not row.finished))

    def _unfinished_row(self, row: _Row) -> Table:
        with_bar = self.console.width >= _BAR_FROM
        grid = self._grid(*((_BAR_WIDTH,) if with_bar else ()), 5, 14)
        progress = row.progress
        if progress is None:
            grid.add_row(str(row.number), Text(row.id, "dim"), Text(row.kind, "dim"))
            return grid
        cells: list[RenderableType] = [*self._names(row), Text(progress.detail, overflow="ellipsis", no_wrap=True)]
        if with_bar:
            cells.append("" if progress.share is None else _bar(progress.share))
        grid.add_row(*cells, progress.percent, Text(progress.time_left, "dim"))
        return grid


class ReadingProgress:
    """How far files are read, with the time still needed; a context manager and a ``Progress`` that counts bytes.

    On a terminal it is one live line that goes away at the end; elsewhere a line about every ten seconds.
    """

    def __init__(self, name: str, *, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        """Prepare for work of this name; ``console`` is standard error by default."""
        self._name = printable(name)
        self._console = console or _standard_error()
        self._clock = clock
        self._pace: Pace | None = None
        self._note = ""
        self._last_line = clock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._live = Live(console=self._console, get_renderable=self._line, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def start(self, total: int, *, unit: str, done: int = 0) -> None:  # noqa: ARG002 - bytes
        """Begin with ``total`` bytes to read."""
        self._pace = Pace(total, done, self._clock())

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Count bytes as read."""
        if self._pace is None:
            raise ValueError("advance() counts bytes of a file: call start() first")
        now = self._clock()
        self._pace.advance(count, now)
        self._note = note or self._note
        if self._live is None and now - self._last_line >= _PLAIN_EVERY_S:
            self._last_line = now
            self._console.print(self._line(), soft_wrap=True, highlight=False)

    def interrupt_requested(self) -> bool:
        """Say no: Ctrl-C stops the reading at once."""
        return False

    def warn(self, text: str) -> None:
        """Show a line above the live one."""
        print_warning(self._console, text, is_live=self._live is not None)

    def _line(self) -> Text:
        pace = self._pace
        if pace is None or pace.total == 0:
            return Text(self._name)
        left = pace.remaining_s(self._clock())
        parts = [
            self._name,
            f"{min(100, 100 * pace.done // pace.total)} % of {_size(pace.total)}",
            self._note,
            "" if left is None else f"eta {duration(left)}",
        ]
        return Text(" · ".join(part for part in parts if part))


def print_warning(console: Console, text: str, *, is_live: bool) -> None:
    """Print a line that stays: whole in a log, broken where the terminal ends above lines that are live."""
    line = Text(f"warning: {printable(' '.join(text.split()))}", "yellow")
    console.print(line, soft_wrap=not is_live, highlight=False)


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1.0, completed=share, width=_BAR_WIDTH, complete_style="cyan", finished_style="cyan")


def _size(count: int) -> str:
    """Write a number of bytes.

    >>> _size(999), _size(1_234_567), _size(10**10)
    ('999 bytes', '1.2 MB', '10.0 GB')
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return counted(count, "byte")


def _standard_error() -> Console:
    """Standard error as a console that is live only on a real terminal, whatever FORCE_COLOR says."""
    return Console(stderr=True, force_interactive=None if sys.stderr.isatty() else False)
