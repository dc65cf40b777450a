"""The report's section on a probe stage: pass@k of every checkpoint, and why each specialist was chosen."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from vibethinker.observe.formats import counted, decimal
from vibethinker.observe.heat_map import heats, interval_text
from vibethinker.observe.page import Cell, Grid, Section, stage_section
from vibethinker.observe.probe_table import among, budget_line
from vibethinker.observe.run_record import RunRecord, StageRecord

_RULES = {
    "pass@1": "pass@1, as the recipe asks, not pass@k as in the paper",
    "loss": "the lowest loss, as the recipe asks, not pass@k as in the paper",
}

Cells = Mapping[tuple[str, str], Mapping[str, Any]]


def probe_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the heat map, the choices and how diverse the responses are."""
    metrics = stage.metrics
    if not metrics.get("cells"):
        return None
    key = f"pass@{metrics['k']}"
    cells: Cells = {(cell["checkpoint"], cell["domain"]): cell for cell in metrics["cells"]}
    blocks = [_heat_map(metrics, cells, key), _choices(metrics, key), _diversity(metrics, cells), _habits(cells)]
    return stage_section(stage, "Diversity probing", blocks, lead=_lead(metrics, key))


def _lead(metrics: Mapping[str, Any], key: str) -> str:
    budget = metrics.get("budget", {})
    most = "up to about " if budget.get("name") == "adaptive" else ""
    rule = _RULES.get(metrics.get("choose_by", ""))
    chosen = (
        f"A domain's specialist is the checkpoint with its highest {key}: neither the lowest loss nor the highest "
        f"pass@1 decides."
        if rule is None
        else f"A domain's specialist is chosen by {rule}."
    )
    samples = f"{key} from {most}{metrics.get('samples', metrics['k'])} samples of each probing problem."
    return " ".join(part for part in (samples, chosen, f"{budget_line(budget)}." if budget else "") if part)


def _heat_map(metrics: Mapping[str, Any], cells: Cells, key: str) -> Grid:
    domains = list(metrics["domains"])
    chosen = {(entry["checkpoint"], domain) for domain, entry in metrics.get("specialists", {}).items()}
    shades = heats(cells, key)
    rows = [
        [
            Cell(checkpoint),
            *(
                Cell(
                    decimal(cells.get((checkpoint, domain), {}).get(key)),
                    note=_note(cells.get((checkpoint, domain), {}), key),
                    chosen=(checkpoint, domain) in chosen,
                    heat=shades.get((checkpoint, domain)),
                )
                for domain in domains
            ),
        ]
        for checkpoint in _checkpoints(cells)
    ]
    notes = [
        "A tick and a frame mark the specialist of the domain, colours go from its domain's lowest to its highest.",
        "@1 is pass@1." if key != "pass@1" else "",
        "Ranges are 95 % intervals over problems." if any(cell.get("interval") for cell in cells.values()) else "",
        "A checkpoint that is out could not win any more, or was behind by rank, and drew no further samples."
        if any(cell.get("dropped") for cell in cells.values())
        else "",
    ]
    return Grid(
        f"{key} by checkpoint and domain",
        ["checkpoint", *domains],
        rows,
        note=" ".join(note for note in notes if note),
    )


def _note(cell: Mapping[str, Any], key: str) -> str:
    parts = [
        f"out in round {cell['dropped']}" if cell.get("dropped") else interval_text(cell.get("interval")),
        f"@1 {decimal(cell['pass@1'])}" if key != "pass@1" and "pass@1" in cell else "",
        f"{counted(cell['left_out'], 'problem')} left out" if cell.get("left_out") else "",
    ]
    return " · ".join(part for part in parts if part)


def _diversity(metrics: Mapping[str, Any], cells: Cells) -> Grid | None:
    draws = metrics.get("diversity_draws")
    if draws is None or draws < 2:
        return None
    domains = list(metrics["domains"])
    rows = [
        [
            Cell(checkpoint),
            *(
                Cell(
                    decimal(cells[checkpoint, domain]["distinct_solutions"]),
                    note=f"answers {decimal(cells[checkpoint, domain]['distinct_answers'])}",
                )
                for domain in domains
            ),
        ]
        for checkpoint in _checkpoints(cells)
    ]
    return Grid(
        "How diverse, not only how right",
        ["checkpoint", *domains],
        rows,
        note=f"Different right solutions, and different answers, that {draws} responses to a problem hold on average. "
        f"Solutions differ in more than white space; answers in their text, numbers in their value.",
    )


def _habits(cells: Cells) -> Grid | None:
    if not all("length" in cell for cell in cells.values()):
        return None
    rows = []
    for checkpoint in _checkpoints(cells):
        own = [cell for (name, _), cell in cells.items() if name == checkpoint]
        length, unparseable, truncated = (
            fmean(cell[name] for cell in own) for name in ("length", "unparseable", "truncated")
        )
        rows.append(
            [Cell(checkpoint), *map(Cell, (decimal(length, 1), decimal(unparseable, 3), decimal(truncated, 3)))]
        )
    head = ["checkpoint", "tokens", "no answer", "truncated"]
    return Grid("Responses", head, rows, note="Means over domains: length, and shares of responses.")


def _checkpoints(cells: Cells) -> list[str]:
    return list(dict.fromkeys(name for name, _ in cells))


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
            Cell(decimal(entry.get("margin"), 3), note=interval_text(entry.get("margin_interval"))),
            Cell("-" if entry.get("wins") is None else f"{entry['wins']:.0%}"),
            _other_choice(entry.get("lowest_loss"), entry["checkpoint"]),
            _other_choice(entry.get("best_pass@1"), entry["checkpoint"]),
        ]
        for domain, entry in specialists.items()
    ]
    head = ["domain", "specialist", key, "runner-up", "margin", "wins", "by lowest loss", "by pass@1"]
    return Grid(
        "Why these specialists",
        head,
        rows,
        words=frozenset({0, 1, 3, 6, 7}),
        note=f"The margin is in {key}, over the problems that both have, with its 95 % interval; wins is the share of "
        f"resamples of the problems in which the specialist is the best{among(metrics)}. The last two columns name "
        f"what lowest loss and best pass@1 would have chosen{among(metrics)}.",
    )


def _other_choice(name: str | None, chosen: str) -> Cell:
    return Cell("-" if name is None else "the same" if name == chosen else name)
