"""The application that commands register with, and what they share: options, printing, stopping."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

PROGRAM = "vibethinker"
# Width of a table where there is no terminal to ask: wide enough for every column.
_PLAIN_WIDTH = 160

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    # Plain help: rich's takes as long to load as everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print text in columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_table(table: object) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    console.print(table)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM stop the work as Ctrl-C does, so that no temporary file stays."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals cannot be caught there
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def say(line: str) -> None:
    """Print one line on standard error."""
    typer.echo(" ".join(line.split()), err=True)
