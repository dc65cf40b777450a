"""The report's beginning: the figures that matter and what each stage came to."""

from collections.abc import Mapping
from typing import Any

from vibethinker.observe.formats import counted, decimal, difference, duration
from vibethinker.observe.page import Cell, Fact, Facts, Grid, Section
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.summaries import summary_line


def headline(run: RunRecord) -> Facts | None:
    """Say what the last model gained on held-out problems, and on how much data; None where neither is known."""
    facts = []
    if evaluations := run.of_kind("evaluate"):
        facts += _gains(run, evaluations[-1].metrics)
    if data := run.of_kind("data"):
        problems = sum(data[-1].metrics.get("problems", {}).values())
        leaks = data[-1].metrics.get("leaks")
        note = "" if leaks is None else f"{counted(leaks, 'leak')} between the sets"
        facts.append(Fact("problems", f"{problems:,}", note=note))
    return Facts(facts) if facts else None


def stages_section(run: RunRecord) -> Section | None:
    """List the stages with their time and result."""
    rows = [
        [
            Cell(f"{number} {stage.id}"),
            Cell(stage.kind),
            Cell(stage.status),
            Cell(duration(stage.seconds) if stage.seconds else ""),
            Cell(summary_line(stage.kind, stage.metrics) or _reached(stage)),
        ]
        for number, stage in enumerate(run.stages, start=1)
    ]
    grid = Grid("", ["stage", "kind", "status", "time", "result"], rows, words=frozenset({0, 1, 2, 4}))
    return Section("stages", "Stages", "", "", [grid]) if rows else None


def _gains(run: RunRecord, metrics: Mapping[str, Any]) -> list[Fact]:
    models: Mapping[str, Mapping[str, Any]] = metrics.get("models", {})
    names = list(models)
    if not names:
        return []
    k = metrics.get("k", 1)
    last = names[-1]
    differences = metrics.get("difference", {})
    fused = [name for name in names[:-1] if run.kind_of(name) == "fuse"]
    reference = differences[last]["to"] if last in differences else fused[-1] if fused else names[0]
    facts = []
    if reference != last:
        known = differences.get(last, {}).get("half_width")
        facts.append(_gain("pass@1", models, reference, last, half_width=known))
        if k != 1:
            facts.append(_gain(f"pass@{k}", models, reference, last))
        if names[0] != reference:
            facts.append(_gain("pass@1", models, names[0], last))
    else:
        facts.append(Fact("held-out pass@1", decimal(models[last]["pass@1"].get("all"), 3), note=last))
    return [fact for fact in facts if fact]


def _gain(
    key: str,
    models: Mapping[str, Mapping[str, Any]],
    reference: str,
    name: str,
    *,
    half_width: float | None = None,
) -> Fact | None:
    before, after = models[reference].get(key, {}).get("all"), models[name].get(key, {}).get("all")
    if before is None or after is None:
        return None
    points = 100 * (after - before)
    return Fact(
        f"held-out {key}",
        f"{decimal(before, 3)} → {decimal(after, 3)}",
        change=difference(points, half_width),
        is_gain=points > 0,
        note=f"from {reference} to {name}",
    )


def _reached(stage: StageRecord) -> str:
    """Say how far an unfinished stage has come, from its lines."""
    if not stage.lines:
        return ""
    line = stage.lines[-1]
    shown = [f"{key} {decimal(line[key])}" for key in ("reward", "loss") if isinstance(line.get(key), int | float)]
    return ", ".join([" ".join(filter(None, [line["run"], f"reached step {line['step']}"])), *shown[:1]])
