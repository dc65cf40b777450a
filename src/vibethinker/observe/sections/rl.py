"""The report's section on an rl stage: warnings, prompts kept, learning curves, group accuracy, rollouts."""

from collections.abc import Mapping, Sequence
from typing import Any

from vibethinker.observe.health import ADVICE
from vibethinker.observe.page import Block, Fact, Facts, Gallery, Parts, Picture, Section, stage_section
from vibethinker.observe.plots import Curve, curve_chart, histogram_chart, smoothing_note
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.sections.responses import rollout_blocks
from vibethinker.observe.sections.training import legend, series

_CHARTS: tuple[tuple[str, tuple[tuple[str, str], ...], bool], ...] = (
    ("Reward and accuracy", (("reward", "mean reward"), ("accuracy", "share correct")), True),
    ("Groups without signal", (("no_signal", "share of groups"),), True),
    ("Mean MGPO weight", (("weight", "weight"),), True),
    ("Entropy, nats per token", (("entropy", "entropy"),), True),
    ("Length in tokens", (("length", "length"),), True),
    ("Truncated and ungradable", (("truncated", "truncated"), ("ungradable", "ungradable")), True),
    ("KL to the starting model", (("kl", "KL"),), True),
    ("Clipped token ratios", (("clip_ratio", "share clipped"),), True),
    ("Gradient norm", (("grad_norm", "norm"),), True),
    ("Loss", (("loss", "loss"),), False),
    ("Learning rate", (("learning_rate", "rate"),), True),
)
"""Title, (key, label) of each curve, and whether the scale begins at 0."""
_ENDS_SHARE = 0.1
"""Share of the steps, at either end, whose groups make a histogram."""
_MOST_MARKS = 6
"""Warnings that are marked beside the curves of the reward: there are eight colours."""


def rl_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show what the stage learned from and how it went."""
    warnings = _warnings(stage)
    blocks: list[Block | None] = [
        _warned(warnings),
        _prefilter(stage.metrics),
        *_curves(stage, warnings),
        _histogram(stage),
        _verdicts(stage),
    ]
    return stage_section(stage, "Reinforcement learning", [*blocks, *rollout_blocks(stage.folder / "rollouts.parquet")])


def _warnings(stage: StageRecord) -> list[Mapping[str, Any]]:
    """Return name and step of every warning, with its message where the stage has got to its end."""
    if told := stage.metrics.get("warnings"):
        return list(told)
    return [{"name": name, "step": line["step"]} for line in stage.lines for name in line.get("health") or ()]


def _warned(warnings: Sequence[Mapping[str, Any]]) -> Facts | None:
    facts = [
        Fact(
            f"warning at step {warning['step']:,}",
            _words(warning["name"]),
            change=warning.get("message", ""),
            note=warning.get("advice") or ADVICE.get(warning["name"], ""),
        )
        for warning in warnings
    ]
    return Facts(facts) if facts else None


def _marks(warnings: Sequence[Mapping[str, Any]], reward: Curve) -> list[Curve]:
    """Make a dot on the reward's curve of each of the first warnings; none where the step had no reward."""
    values = dict(zip(reward.steps, reward.values, strict=True))
    return [
        Curve(f"{_words(warning['name'])} (step {warning['step']:,})", [warning["step"]], [values[warning["step"]]])
        for warning in warnings[:_MOST_MARKS]
        if warning["step"] in values
    ]


# What a filter leaves out, by what it keeps.
_LEFT_OUT = {"mixed": ("never_right", "always_right", "ungradable"), "solved": ("never_right", "ungradable"), "all": ()}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _prefilter(metrics: Mapping[str, Any]) -> Parts | None:
    counts = metrics.get("prefilter")
    if not counts:
        return None
    parts = [("kept", counts["kept"])]
    parts += [
        (f"{_words(name)}, left out", counts[name])
        for name in _LEFT_OUT[counts.get("keep", "mixed")]
        if counts.get(name) or name != "ungradable"
    ]
    # A recipe may cap the prompts that are kept, or mix them in shares.
    if rest := counts["prompts"] - sum(count for _, count in parts):
        parts.append(("by cap or mix, left out", rest))
    return Parts(f"{counts['prompts']:,} prompts by their accuracy under the starting model", parts)


def _curves(stage: StageRecord, warnings: Sequence[Mapping[str, Any]]) -> list[Block]:
    pictures, flat, drawn = [], [], []
    for title, keys, from_zero in _CHARTS:
        curves = [curve for key, label in keys if (curve := series(stage.lines, key, label=label))]
        if len(curves) > 1 and curves[0].values == curves[1].values:
            curves = curves[:1]
        if not curves:
            continue
        if not any(any(curve.values) for curve in curves):
            flat.append(title.lower())
            continue
        name = f"{stage.id}-{keys[0][0]}"
        drawn += curves
        if keys[0][0] == "reward":
            curves += _marks(warnings, curves[0])
        noisy = title != "Learning rate"
        svg = curve_chart(name, f"{title} by step", curves, floor=0 if from_zero else None, noisy=noisy)
        pictures.append(Picture(title, svg, legend(curves)))
    notes = [smoothing_note(drawn), f"0 at every step: {', '.join(flat)}." if flat else ""]
    return [Gallery(pictures, note=" ".join(filter(None, notes)))] if pictures else []


def _histogram(stage: StageRecord) -> Gallery | None:
    histograms = [line["accuracy_histogram"] for line in stage.lines if line.get("accuracy_histogram")]
    if not histograms:
        return None
    ends = max(1, round(_ENDS_SHARE * len(histograms)))
    groups = {f"first {_steps(ends)}": _added(histograms[:ends])}
    if len(histograms) > 1:
        groups[f"last {_steps(ends)}"] = _added(histograms[-ends:])
    size = len(histograms[0]) - 1
    svg = histogram_chart(
        f"{stage.id}-groups",
        "Share of groups by the number of correct rollouts, at the start and at the end",
        list(groups.values()),
        x_label=f"correct rollouts of {size}",
        y_label="share of groups",
    )
    note = "Groups at either end of the scale teach nothing: all their rollouts have the same reward."
    return Gallery([Picture("Group accuracy", svg, list(groups), note)], wide=True)


def _verdicts(stage: StageRecord) -> Parts | None:
    counts = [(status.replace("_", " "), count) for status, count in stage.metrics.get("verdicts", {}).items() if count]
    return Parts(f"Verdicts on {sum(count for _, count in counts):,} rollouts", counts) if counts else None


def _added(histograms: Sequence[Sequence[float]]) -> list[float]:
    return [sum(counts) for counts in zip(*histograms, strict=True)]


def _steps(count: int) -> str:
    return "step" if count == 1 else f"{count} steps"
