"""What grading a file of answers shows: how far it is, then the rates of each status."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vibethinker.data.regrade import Audit, Grading, Listing
from vibethinker.observe.formats import counted, decimal, duration, printable
from vibethinker.observe.progress import Clock, Pace, _standard_error, print_warning
from vibethinker.records import VERDICT_STATUSES

_PLAIN_EVERY_S = 10.0
"""Seconds between two lines where there is no terminal."""


class ReadingProgress:
    """How far a file is read, with the time still needed; a context manager and a ``Progress`` that counts bytes.

    On a terminal it is one live line that goes away at the end; elsewhere a line about every ten seconds.
    """

    def __init__(self, name: str, *, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        """Prepare for a file of this name; ``console`` is standard error by default."""
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
        """Begin with a file of ``total`` bytes."""
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
        """Say no: Ctrl-C stops the grading of a file at once."""
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


def rates_table(grading: Grading) -> Table:
    """Show verdicts by status: count, share of all, mean time."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for header in ("count", "share", "mean ms"):
        table.add_column(header, justify="right", no_wrap=True)
    for status in VERDICT_STATUSES:
        if count := grading.statuses[status]:
            share = decimal(count / grading.total, 3)
            table.add_row(status, f"{count:,}", share, decimal(grading.mean_ms(status), 2))
    return table


def closing_lines(found: Audit) -> list[str]:
    """Say what a file came to, in a few lines, the references that nobody can be graded by among them."""
    lines = []
    if isinstance(found, Grading):
        accuracy = decimal(found.accuracy, 3)
        lines.append(f"accuracy {accuracy} ({found.correct:,} of {found.judged:,} judged)")
    elif found.gold_errors.count:
        lines.append(f"{found.gold_errors.count:,} of {counted(found.total, 'gold answer')} cannot be graded by")
    else:
        lines.append(f"{counted(found.total, 'gold answer')}, all fine")
    lines += _listed(found.gold_errors, "gold error")
    lines.append(f"seconds  {found.seconds:.1f}")
    if found.output is not None:
        lines.append(f"output   {found.output}")
    return lines


def malformed_lines(found: Audit, name: str) -> list[str]:
    """Name the lines of a file that could not be read, and say how many there are; empty where there are none."""
    count = found.malformed.count
    if not count:
        return []
    listed = [f"{printable(name)}:{entry['line']}: {printable(entry['reason'])}" for entry in found.malformed.first]
    lines = counted(count + found.total, "line")
    return [*listed, f"{count:,} of {lines} of {printable(name)} could not be read and {_are(count)} not counted"]


def _listed(listing: Listing, what: str) -> Sequence[str]:
    entries = [
        f"{what}: line {entry['line']}, id {printable(str(entry['id']))}: {entry['gold']!r}"
        + (f" {printable(entry['reason'])}" if "reason" in entry else "")
        for entry in listing.first
    ]
    more = listing.count - len(listing.first)
    return [*entries, *([f"and {counted(more, what)} more"] if more else [])]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _size(count: int) -> str:
    """Write a number of bytes.

    >>> _size(999), _size(1_234_567), _size(10**10)
    ('999 bytes', '1.2 MB', '10.0 GB')
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return counted(count, "byte")
