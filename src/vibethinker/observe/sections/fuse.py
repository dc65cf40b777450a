"""The report's section on a fuse stage: what went in, and the result against its parents."""

from collections.abc import Mapping
from typing import Any

from vibethinker.observe.formats import decimal
from vibethinker.observe.page import Cell, Grid, Section, score_cells, stage_section
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.summaries import fused_name


def fuse_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the parents with their weights and the validation on the probing sets."""
    metrics = stage.metrics
    validation = metrics.get("validation") or {}
    keys = list(dict.fromkeys(("pass@1", f"pass@{validation.get('k', 1)}")))
    method = str(metrics.get("method", "")).replace("_", " ")
    return stage_section(
        stage,
        "Expert fusion",
        [_parents(metrics), *(_validation(metrics, validation, key) for key in keys)],
        lead=f"Method: {method}. Validated on the probing sets." if method else "",
    )


def _parents(metrics: Mapping[str, Any]) -> Grid | None:
    rows = [
        [Cell(domain), Cell(str(parent.get("checkpoint", "-"))), Cell(decimal(parent.get("weight"), 3))]
        for domain, parent in metrics.get("parents", {}).items()
    ]
    return Grid("Parents", ["domain", "checkpoint", "weight"], rows, words=frozenset({0, 1})) if rows else None


def _validation(metrics: Mapping[str, Any], validation: Mapping[str, Any], key: str) -> Grid | None:
    scores = {name: model[key] for name, model in validation.get("models", {}).items() if model.get(key)}
    if not scores:
        return None
    columns = list(dict.fromkeys(column for row in scores.values() for column in row))
    fused = fused_name(metrics)
    rows = [
        [Cell(name, note="fused" if name == fused else "", best=name == fused), *score_cells(scores, name, columns)]
        for name in scores
    ]
    return Grid(f"Fused model and parents, {key}", ["model", *columns], rows)
