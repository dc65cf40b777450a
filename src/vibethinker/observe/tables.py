"""The tables at the end of a run, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from vibethinker.observe.formats import decimal, difference, span
from vibethinker.observe.summaries import domain_columns, is_best

_UNBOUNDED = 10_000
"""More columns than any terminal has."""


def closing_table(run: Mapping[str, Any]) -> RenderableType | None:
    """Compare the models of a run: pass@1 by domain, pass@k, differences; None where nothing was evaluated.

    Reads the metrics of the finished evaluate stages in ``run``, the content of a ``run.json``; where there are
    several, every table stands under its stage's name.
    """
    found = [stage for stage in finished(run, "evaluate") if stage["metrics"].get("models")]
    if len(found) < 2:
        return _ClosingTable(found[0]["metrics"]) if found else None
    return Group(*(part for stage in found for part in (Text(stage["id"], "bold"), _ClosingTable(stage["metrics"]))))


def probing_table(run: Mapping[str, Any]) -> RenderableType | None:
    """Show pass@k of every checkpoint in every domain, the chosen ones marked; None where nothing was probed."""
    metrics = last_metrics(run, "probe")
    if metrics is None or not metrics.get("cells"):
        return None
    key = f"pass@{metrics['k']}"
    domains: Sequence[str] = metrics["domains"]
    chosen = {domain: entry["checkpoint"] for domain, entry in metrics.get("specialists", {}).items()}
    scores: dict[str, dict[str, float | None]] = {}
    for cell in metrics["cells"]:
        scores.setdefault(cell["checkpoint"], {})[cell["domain"]] = cell.get(key)

    table = _table()
    table.add_column("", no_wrap=True)
    for domain in domains:
        table.add_column(Text(domain), justify="right", no_wrap=True)
    for checkpoint, by_domain in scores.items():
        marked = [(by_domain.get(domain), chosen.get(domain) == checkpoint) for domain in domains]
        cells = [Text(decimal(score) + ("*" if mark else " "), "bold" if mark else "") for score, mark in marked]
        table.add_row(Text(checkpoint), *cells)
    return Group(Text(f"{key} of each checkpoint, * chosen"), table)


def last_metrics(run: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """Find the metrics of the last finished stage of a kind."""
    found = finished(run, kind)
    return found[-1]["metrics"] if found else None


def finished(run: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """Return the finished stages of a kind that have metrics, in order."""
    return [
        stage
        for stage in run.get("stages", [])
        if stage.get("kind") == kind and stage.get("status") == "done" and stage.get("metrics")
    ]


class _ClosingTable:
    """The comparison of models, with the differences in its rows or, where that is too wide, in lines below it."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self._metrics = metrics
        self._differences: Mapping[str, Mapping[str, Any]] = metrics.get("difference", {})

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table(with_differences=bool(self._differences))
        if Measurement.get(console, options.update(max_width=_UNBOUNDED), table).maximum <= options.max_width:
            yield table
            return
        yield self._table(with_differences=False)
        for name, entry in self._differences.items():
            yield Text(f"{name} {_difference(entry)} to {entry['to']}")

    def _table(self, *, with_differences: bool) -> Table:
        models: Mapping[str, Mapping[str, Any]] = self._metrics["models"]
        domains = domain_columns(self._metrics.get("domains", ()))
        k = self._metrics.get("k", 1)
        table = _table()
        table.add_column("", no_wrap=True)
        for header in ("all", "95 %", *domains, *((f"pass@{k}",) if k != 1 else ())):
            table.add_column(Text(header), justify="right", no_wrap=True)
        references = {entry["to"] for entry in self._differences.values()}
        if with_differences:
            table.add_column(Text(f"to {min(references)}" if len(references) == 1 else ""), no_wrap=True)

        first = {name: scores["pass@1"] for name, scores in models.items()}
        pass_k = {name: scores.get(f"pass@{k}", {}) for name, scores in models.items()}
        for name, scores in models.items():
            cells = [Text(name), _score(first, name, "all", places=3)]
            cells.append(Text(span(scores.get("interval", {}).get("all", ())), "dim"))
            cells += [_score(first, name, domain) for domain in domains]
            if k != 1:
                cells.append(_score(pass_k, name, "all"))
            if with_differences and name in self._differences:
                reference = f" to {self._differences[name]['to']}" if len(references) > 1 else ""
                cells.append(Text(_difference(self._differences[name]) + reference))
            table.add_row(*cells)
        return table


def _table() -> Table:
    return Table(box=None, header_style="dim", padding=(0, 2, 0, 0))


def _score(rows: Mapping[str, Mapping[str, float | None]], name: str, column: str, *, places: int = 2) -> Text:
    """Set a score, bold where it is the best of its column."""
    return Text(decimal(rows[name].get(column), places), "bold" if is_best(rows, name, column) else "")


def _difference(entry: Mapping[str, Any]) -> str:
    return difference(entry["points"], entry.get("half_width"))
