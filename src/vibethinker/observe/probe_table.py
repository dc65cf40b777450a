"""What a probe comes to, for a terminal: the table of checkpoints by domain, the choices and what they took."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from vibethinker.observe.formats import counted, decimal, printable
from vibethinker.observe.heat_map import interval_text


def probe_table(probe: Mapping[str, Any]) -> Table:
    """Show pass@k with its interval by checkpoint and domain, specialists marked, from a ``probe.json``."""
    key = f"pass@{probe['k']}"
    chosen = {(row["checkpoint"], domain) for domain, row in probe["specialists"].items()}
    cells = {(cell["checkpoint"], cell["domain"]): cell for cell in probe["cells"]}
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(Text(key), no_wrap=True)
    for domain in probe["domains"]:
        table.add_column(Text(printable(domain)), no_wrap=True)
    for name in dict.fromkeys(checkpoint for checkpoint, _ in cells):
        row = [
            _cell(cells[name, domain], key, chosen=(name, domain) in chosen) if (name, domain) in cells else Text("-")
            for domain in probe["domains"]
        ]
        table.add_row(Text(printable(name)), *row)
    return table


def choice_lines(probe: Mapping[str, Any]) -> list[str]:
    """Say which checkpoint is chosen in each domain and by how much, then how many samples that took."""
    key = f"pass@{probe['k']}"
    lines = []
    for domain, row in probe["specialists"].items():
        line = f"{printable(domain)}: {printable(row['checkpoint'])}, {key} {decimal(row[key], 3)}"
        if row["runner_up"] is not None and row["margin"] is not None:
            line += (
                f", {decimal(row['margin'], 3)} ({interval_text(row['margin_interval'])}) ahead of "
                f"{printable(row['runner_up'])}"
            )
            if row["wins"] is not None:
                line += f", best in {row['wins']:.0%} of resamples{among(probe)}"
        lines.append(line)
    return [*lines, budget_line(probe["budget"])]


def among(probe: Mapping[str, Any]) -> str:
    """Say against whom a choice was compared, where that is not everybody."""
    return " among those still in the race" if probe.get("budget", {}).get("name") == "adaptive" else ""


def budget_line(budget: Mapping[str, Any]) -> str:
    """Say how many samples were drawn, beside those of a full grid.

    >>> budget_line({"name": "adaptive", "drawn": 600, "full_grid": 2400, "share": 0.25})
    '600 samples drawn, 25 % of the 2,400 of a full grid'
    >>> budget_line({"name": "full", "drawn": 2400, "full_grid": 2400, "share": 1.0})
    '2,400 samples drawn, the full grid'
    """
    drawn = f"{counted(budget['drawn'], 'sample')} drawn"
    if budget["name"] == "full":
        return f"{drawn}, the full grid"
    return f"{drawn}, {100 * budget['share']:.0f} % of the {budget['full_grid']:,} of a full grid"


def _cell(cell: Mapping[str, Any], key: str, *, chosen: bool) -> Text:
    out = f"out in round {cell['dropped']}" if cell["dropped"] else interval_text(cell["interval"])
    mark = "*" if chosen else " "
    return Text(f"{decimal(cell[key])}{mark} {out}".rstrip(), "bold" if chosen else "dim" if cell["dropped"] else "")
