"""The report's section on an evaluate stage: every model on the same held-out problems."""

from collections.abc import Mapping
from typing import Any

from vibethinker.data.stage_files import SAMPLES_FILE
from vibethinker.observe.formats import counted, decimal, difference, span
from vibethinker.observe.page import DASH, Block, Cell, Gallery, Grid, Picture, Section, score_cells, stage_section
from vibethinker.observe.plots import Dot, interval_chart
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.sections.responses import sample_blocks
from vibethinker.observe.summaries import domain_columns

Scores = Mapping[str, Any]

_ROLES = {"pretrain": "pretrained", "sft": "fine-tuned", "probe": "best specialist", "fuse": "fused", "rl": "after RL"}


def evaluate_section(stage: StageRecord, run: RunRecord) -> Section | None:
    """Show the scores as a chart and tables, the ways of answering, and some responses."""
    metrics = stage.metrics
    models: Mapping[str, Scores] = metrics.get("models", {})
    if not models:
        return None
    columns = ["all", *domain_columns(metrics.get("domains", ()))]
    k = metrics.get("k", 1)
    blocks: list[Block | None] = [
        _charts(stage.id, models, columns),
        _first_grid(models, columns, metrics.get("difference", {}), _roles(models, run)),
        _grid(models, f"pass@{k}", columns) if k != 1 else None,
        _answers(models),
        *sample_blocks(stage.folder / SAMPLES_FILE, list(models)),
    ]
    problems = f"{counted(metrics['problems'], 'held-out problem')}, " if "problems" in metrics else ""
    lead = f"{problems}{counted(metrics.get('samples', k), 'sample')} of each; intervals are 95 % over problems."
    return stage_section(stage, "Evaluation", blocks, lead=lead[0].upper() + lead[1:])


def _charts(stage_id: str, models: Mapping[str, Scores], columns: list[str]) -> Gallery:
    everything = [_dot("all", name, scores, "all") for name, scores in models.items()]
    pictures = [
        Picture(
            "pass@1 on all domains",
            interval_chart(
                f"{stage_id}-all",
                "pass@1 of each model on all domains with its 95 % interval",
                [dot for dot in everything if dot],
            ),
        )
    ]
    by_domain = [_dot(name, domain, scores, domain) for domain in columns[1:] for name, scores in models.items()]
    if dots := [dot for dot in by_domain if dot]:
        title = "pass@1 of each model by domain with its 95 % interval"
        pictures.append(Picture("pass@1 by domain", interval_chart(f"{stage_id}-domains", title, dots), list(models)))
    return Gallery(pictures, wide=True)


def _dot(series: str, row: str, scores: Scores, column: str) -> Dot | None:
    value = scores["pass@1"].get(column)
    low, high = scores.get("interval", {}).get(column) or (None, None)
    return None if value is None else Dot(series, row, value, low, high)


def _roles(models: Mapping[str, Scores], run: RunRecord) -> dict[str, str]:
    """Say what the models are, from the kinds of the stages that made them."""
    return {name: _ROLES.get(run.kind_of(name) or "", "") for name in models}


def _first_grid(
    models: Mapping[str, Scores], columns: list[str], differences: Mapping[str, Scores], roles: Mapping[str, str]
) -> Grid:
    first = {name: scores["pass@1"] for name, scores in models.items()}
    rows = []
    for name, scores in models.items():
        intervals = scores.get("interval", {})
        notes = {column: span(intervals.get(column) or (), dash=DASH) for column in columns}
        row = [Cell(name, note=roles[name]), *score_cells(first, name, columns, notes=notes)]
        if differences:
            entry = differences.get(name)
            text = difference(entry["points"], entry.get("half_width")) if entry else ""
            row.append(Cell(text, note=f"to {entry['to']}" if entry else ""))
        rows.append(row)
    return Grid("pass@1", ["model", *columns, *(["difference"] if differences else [])], rows)


def _grid(models: Mapping[str, Scores], key: str, columns: list[str]) -> Grid | None:
    scores = {name: model[key] for name, model in models.items() if model.get(key)}
    rows = [[Cell(name), *score_cells(scores, name, columns)] for name in scores]
    return Grid(key, ["model", *columns], rows) if rows else None


def _answers(models: Mapping[str, Scores]) -> Grid | None:
    """Show in which way models answer and what goes wrong in form, as far as the metrics say."""
    ways = list(dict.fromkeys(way for scores in models.values() for way in scores.get("ways", {})))
    others = [key for key in ("unparseable", "truncated") if any(key in scores for scores in models.values())]
    with_length = any("length" in scores for scores in models.values())
    if not (ways or others or with_length):
        return None
    rows = []
    for name, scores in models.items():
        shares = [(way, scores.get("ways", {}).get(way) or 0.0) for way in ways]
        row = [Cell(name)]
        if ways:
            row.append(Cell(shares=tuple(shares)))
        row += [Cell(decimal(share)) for _, share in shares]
        row += [Cell(decimal(scores.get(key), 3)) for key in others]
        if with_length:
            row.append(Cell(decimal(scores.get("length"), 1)))
        rows.append(row)
    head = ["model", *(["ways of solving"] if ways else []), *ways, *others, *(["length"] if with_length else [])]
    note = "Shares of all responses; length is the mean in tokens." if with_length else "Shares of all responses."
    return Grid("How they answer", head, rows, words=frozenset({0, 1} if ways else {0}), keys=ways, note=note)
