"""What grading a file of answers shows at its end: the rates of each status, and what could not be graded by."""

from collections.abc import Sequence

from rich.table import Table

from vibethinker.data.regrade import Audit, Grading, Listing
from vibethinker.observe.formats import counted, decimal, printable
from vibethinker.records import VERDICT_STATUSES


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
