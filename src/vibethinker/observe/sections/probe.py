"""The report's section on a probe stage: pass@k of every checkpoint, and why each specialist was chosen."""

from collections.abc import Mapping
from typing import Any

from vibethinker.observe.formats import decimal
from vibethinker.observe.page import Cell, Grid, Section, stage_section
from vibethinker.observe.run_record import RunRecord, StageRecord


def probe_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the heat map and the choices."""
    metrics = stage.metrics
    if not metrics.get("cells"):
        return None
    key = f"pass@{metrics['k']}"
    lead = (
        f"{key} from {metrics.get('samples', metrics['k'])} samples of each probing problem. A domain's specialist is "
        f"the checkpoint with its highest {key}: neither the lowest loss nor the highest pass@1 decides."
    )
    return stage_section(stage, "Diversity probing", [_heat_map(metrics, key), _choices(metrics, key)], lead=lead)


def _heat_map(metrics: Mapping[str, Any], key: str) -> Grid:
    domains = list(metrics["domains"])
    chosen = {(entry["checkpoint"], domain) for domain, entry in metrics.get("specialists", {}).items()}
    cells = {(cell["checkpoint"], cell["domain"]): cell for cell in metrics["cells"]}
    known = [cell[key] for cell in cells.values() if cell.get(key) is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    rows = []
    for checkpoint in dict.fromkeys(name for name, _ in cells):
        row = [Cell(checkpoint)]
        for domain in domains:
            cell = cells.get((checkpoint, domain), {})
            value = cell.get(key)
            heat = None if value is None else (value - low) / (high - low) if high > low else 0.5
            row.append(
                Cell(
                    decimal(value),
                    note=f"@1 {decimal(cell['pass@1'])}" if key != "pass@1" and "pass@1" in cell else "",
                    chosen=(checkpoint, domain) in chosen,
                    heat=heat,
                )
            )
        rows.append(row)
    return Grid(
        f"{key} by checkpoint and domain",
        ["checkpoint", *domains],
        rows,
        note="A tick and a frame mark the specialist of the domain." + (" @1 is pass@1." if key != "pass@1" else ""),
    )


def _choices(metrics: Mapping[str, Any], key: str) -> Grid | None:
    specialists = metrics.get("specialists", {})
    if not specialists:
        return None
    rows = [
        [
            Cell(domain),
            Cell(entry["checkpoint"], chosen=True),
            Cell(decimal(entry.get(key))),
            Cell(entry.get("runner_up") or "-"),
            Cell(decimal(entry.get("margin"), 3)),
            _other_choice(entry.get("lowest_loss"), entry["checkpoint"]),
            _other_choice(entry.get("best_pass@1"), entry["checkpoint"]),
        ]
        for domain, entry in specialists.items()
    ]
    head = ["domain", "specialist", key, "runner-up", "margin", "by lowest loss", "by pass@1"]
    return Grid(
        "Why these specialists",
        head,
        rows,
        words=frozenset({0, 1, 3, 5, 6}),
        note="The last two columns name what the other two rules would have chosen.",
    )


def _other_choice(name: str | None, chosen: str) -> Cell:
    return Cell("-" if name is None else "the same" if name == chosen else name)
