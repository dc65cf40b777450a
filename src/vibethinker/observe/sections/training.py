"""The report's sections on stages that fit a model to text: pretrain and sft."""

from collections.abc import Mapping, Sequence
from typing import Any

from vibethinker.observe.formats import decimal
from vibethinker.observe.page import Cell, Fact, Facts, Gallery, Grid, Picture, Section, stage_section
from vibethinker.observe.plots import Curve, curve_chart, smoothing_note
from vibethinker.observe.run_record import RunRecord, StageRecord


def pretrain_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the size of the model and its losses."""
    metrics = stage.metrics
    facts = [
        Fact(label, _figure(metrics[key]))
        for key, label in (
            ("parameters", "parameters"),
            ("tokens", "tokens read"),
            ("loss", "training loss"),
            ("validation_loss", "validation loss"),
        )
        if metrics.get(key) is not None
    ]
    return stage_section(stage, "Pretraining", [Facts(facts) if facts else None, _curves(stage)])


def sft_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show what was learned from, the losses of every run and where they ended."""
    losses: Mapping[str, float | None] = stage.metrics.get("loss", {})
    rows = [[Cell(run or stage.id), Cell(decimal(loss, 3))] for run, loss in losses.items()]
    grid = Grid("Loss at the end", ["run", "loss"], rows) if rows else None
    return stage_section(stage, "Fine-tuning", [_learned_from(stage.metrics), _curves(stage), grid])


def _learned_from(metrics: Mapping[str, Any]) -> Facts | None:
    hard = metrics.get("hard") or {}
    numbers = {
        "traces": metrics.get("traces"),
        "tokens in one pass": metrics.get("tokens"),
        "packed rows": metrics.get("packed_rows"),
        "too long": metrics.get("dropped"),
        "shorter than asked": hard.get("too_short"),
        "of problems solved too often": hard.get("solved_too_often"),
        "of problems not judged": hard.get("not_judged"),
        "rollouts of the reference": hard.get("rollouts"),
    }
    facts = [Fact(label, _figure(value)) for label, value in numbers.items() if value is not None]
    return Facts(facts) if "traces" in metrics else None


def series(lines: Sequence[Mapping[str, Any]], key: str, *, label: str) -> Curve | None:
    """Take one number out of a stage's lines, where it is there and finite; None where it never is."""
    points = [(line["step"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
    if not points:
        return None
    steps, values = zip(*sorted(points), strict=True)
    return Curve(label, steps, values)


def legend(curves: Sequence[Curve]) -> list[str]:
    """Name the curves of a chart; a single one needs no name beside the title."""
    return [curve.label for curve in curves] if len(curves) > 1 else []


def _curves(stage: StageRecord) -> Gallery | None:
    runs = list(dict.fromkeys(line["run"] for line in stage.lines))
    by_run = {run: [line for line in stage.lines if line["run"] == run] for run in runs}
    charts, drawn = [], []
    for key, title in (("loss", "Loss"), ("grad_norm", "Gradient norm"), ("learning_rate", "Learning rate")):
        curves = [series(lines, key, label=run or "training") for run, lines in by_run.items()]
        if key == "loss":
            curves += [
                series(lines, "validation_loss", label=f"{run} validation".lstrip()) for run, lines in by_run.items()
            ]
        if present := [curve for curve in curves if curve]:
            drawn += present
            svg = curve_chart(
                f"{stage.id}-{key}",
                f"{title} by step",
                present,
                floor=None if key == "loss" else 0,
                noisy=key != "learning_rate",
            )
            charts.append(Picture(title, svg, legend(present)))
    return Gallery(charts, note=smoothing_note(drawn)) if charts else None


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else decimal(value, 3)
