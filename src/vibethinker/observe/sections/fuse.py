"""The report's section on a fuse stage: what went in, the result against its parents, and the loss between these."""

from collections.abc import Mapping, Sequence
from typing import Any

from vibethinker.algos.loss_barrier import NOISE_SHARE
from vibethinker.algos.score_differences import judge_difference
from vibethinker.observe.formats import counted, decimal
from vibethinker.observe.page import (
    Block,
    Cell,
    Fact,
    Facts,
    Gallery,
    Grid,
    Picture,
    Section,
    score_cells,
    stage_section,
)
from vibethinker.observe.plots import Curve, curve_chart
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.summaries import domain_columns, fused_name, fusion_verdicts

Metrics = Mapping[str, Any]

_WEIGHTS = {"equal": "equal weights", "given": "given weights", "searched": "weights found by a search"}


def fuse_section(stage: StageRecord, _run: RunRecord) -> Section | None:
    """Show the parents with their weights, the validation on the probing sets and the loss on the lines between."""
    metrics = stage.metrics
    validation = metrics.get("validation") or {}
    barrier = metrics.get("barrier") or {}
    keys = list(dict.fromkeys(("pass@1", f"pass@{validation.get('k', 1)}")))
    blocks: list[Block | None] = [
        _facts(metrics),
        _parents(metrics),
        _candidates(metrics.get("search") or {}),
        *(_validation(metrics, validation, key) for key in keys),
        _against_the_best(metrics, validation, keys),
        *(_differences(validation, key) for key in keys),
        *_barriers(stage.id, barrier),
        _losses(metrics, barrier),
    ]
    return stage_section(stage, "Expert fusion", blocks, lead=_lead(metrics))


def _lead(metrics: Metrics) -> str:
    method = str(metrics.get("method", "")).replace("_", " ")
    if not method:
        return ""
    weights = _WEIGHTS.get(str(metrics.get("weights", "")), "")
    told = f"Method: {method}{f', {weights}' if weights else ''}. Validated on the probing sets."
    return " ".join(part for part in (told, _verdict(metrics), _basin(metrics.get("barrier") or {})) if part)


def _verdict(metrics: Metrics) -> str:
    """Say in a sentence what the fused model has of every domain's specialist."""
    verdicts = fusion_verdicts(metrics)
    parts = [
        f"{word} {', '.join(domains)}"
        for word in ("gains", "keeps", "loses")
        if (domains := [domain for domain, verdict in verdicts.items() if verdict == word])
    ]
    key = f"pass@{metrics.get('validation', {}).get('k', 1)}"
    return f"Against each domain's specialist it {'; '.join(parts)} ({key})." if parts else ""


def _basin(barrier: Metrics) -> str:
    pairs: Sequence[Metrics] = barrier.get("pairs", ())
    if not pairs:
        return ""
    together = sum(bool(pair.get("one_basin")) for pair in pairs)
    highest = max(pair["height"]["all"] for pair in pairs)
    where = "in one basin" if together else "in different basins"
    if len(pairs) == 1:
        told = f"The two specialists lie {where}"
    elif together in (0, len(pairs)):
        told = f"All {counted(len(pairs), 'pair')} of specialists lie {where}"
    else:
        told = f"{together} of {counted(len(pairs), 'pair')} of specialists lie in one basin"
    return f"{told}: the highest barrier is {decimal(highest, 3)} nats."


def _facts(metrics: Metrics) -> Facts | None:
    """Show what the method was told, and what the manifest says of the model."""
    manifest = metrics.get("manifest") or {}
    told = {**(metrics.get("settings") or {}), **manifest.get("parameters", {})}
    facts = [
        Fact(str(key).replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value))
        for key, value in told.items()
        if value is not None
    ]
    if manifest:
        note = f"{counted(manifest['tensors'], 'tensor')} of {', '.join(manifest['dtypes'])}"
        facts.append(Fact("numbers", f"{manifest['numbers']:,}", note=note))
        facts.append(Fact("size", f"{manifest['bytes'] / 1e6:,.1f} MB", note=counted(manifest["shards"], "file")))
    return Facts(facts) if facts else None


def _parents(metrics: Metrics) -> Grid | None:
    rows = [
        [Cell(domain), Cell(str(parent.get("checkpoint", "-"))), Cell(decimal(parent.get("weight"), 3))]
        for domain, parent in metrics.get("parents", {}).items()
    ]
    return Grid("Parents", ["domain", "checkpoint", "weight"], rows, words=frozenset({0, 1})) if rows else None


def _candidates(search: Metrics) -> Grid | None:
    """Show every point that the search has tried."""
    candidates: Sequence[Metrics] = search.get("candidates", ())
    if not candidates:
        return None
    key = f"pass@{search.get('k', 1)}"
    parents = list(search["weights"])
    domains = list(candidates[0].get(key, {}))
    rows = []
    for number, candidate in enumerate(candidates):
        best = candidate["weights"] == search["weights"]
        weights = [Cell(decimal(candidate["weights"].get(parent), 3)) for parent in parents]
        scores = [Cell(decimal(candidate.get(key, {}).get(domain))) for domain in domains]
        rows.append([Cell(str(number), chosen=best), *weights, *scores, Cell(decimal(candidate.get("score"), 3))])
    same = "the same problems, drawn anew" if search.get("same_problems") else "other problems"
    stayed = "No candidate was better than the first. " if candidates[0]["weights"] == search["weights"] else ""
    return Grid(
        f"Search of the weights, {key}",
        ["candidate", *parents, *domains, "mean"],
        rows,
        note=(
            f"From {counted(search.get('samples', 1), 'sample')} of {counted(search.get('problems', 0), 'problem')}. "
            f"{stayed}The winner's score is optimistic, as it was chosen by it; the validation below is on {same}."
        ),
    )


def _validation(metrics: Metrics, validation: Metrics, key: str) -> Grid | None:
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


def _against_the_best(metrics: Metrics, validation: Metrics, keys: Sequence[str]) -> Grid | None:
    """Set the fused model beside each domain's specialist and beside whichever parent is best there."""
    best = validation.get("best") or {}
    differences = validation.get("differences") or {}
    chosen = {domain: parent.get("checkpoint") for domain, parent in metrics.get("parents", {}).items()}
    rows = []
    for column in best:
        row = [Cell(column)]
        for name in (chosen.get(column), best[column]):
            found = [(differences.get(name) or {}).get(key, {}).get(column) for key in keys]
            row += [Cell(name or "-"), *(_difference(each) for each in found)]
        rows.append(row)
    if not rows:
        return None
    heads = [
        "domain",
        "specialist",
        *(f"{key} to it" for key in keys),
        "best parent here",
        *(f"{key} to that" for key in keys),
    ]
    return Grid(
        "What the fused model keeps",
        heads,
        rows,
        words=frozenset({0, 1, 2 + len(keys)}),
        note=(
            "Points, with 95 % intervals over paired problems; keeps means that so many problems show no difference. "
            f"The best parent was picked by these same responses ({keys[-1]}), which flatters it."
        ),
    )


def _differences(validation: Metrics, key: str) -> Grid | None:
    """Show the fused model's difference to every parent in every domain."""
    differences: Mapping[str, Metrics] = validation.get("differences") or {}
    columns = list(dict.fromkeys(column for found in differences.values() for column in found.get(key, {})))
    if len(differences) < 2 or not columns:
        return None
    rows = [
        [Cell(name), *(_difference(found.get(key, {}).get(column)) for column in columns)]
        for name, found in differences.items()
    ]
    return Grid(f"Fused model less each parent, {key} in points", ["parent", *columns], rows)


def _difference(found: Metrics | None) -> Cell:
    if found is None:
        return Cell("-")
    return Cell(f"{found['points']:+.1f} ±{found['half_width']:.1f}", note=judge_difference(found) or "")


def _barriers(stage_id: str, barrier: Metrics) -> list[Block]:
    """Draw the loss on the line of every pair, and list how high it rises."""
    pairs: Sequence[Metrics] = barrier.get("pairs", ())
    if not pairs:
        return []
    names = [f"{pair['from']} to {pair['to']}" for pair in pairs]
    columns = ["all", *domain_columns([name for name in pairs[0]["losses"] if name != "all"])]
    pictures = []
    for number, column in enumerate(columns):
        percent = [[100 * alpha for alpha in pair["alphas"]] for pair in pairs]
        curves = [
            Curve(name, steps, pair["losses"][column]) for name, steps, pair in zip(names, percent, pairs, strict=True)
        ]
        title = f"Loss between specialists, {column}"
        svg = curve_chart(f"{stage_id}-barrier-{number}", title, curves, noisy=False, x_label="% of the second")
        pictures.append(Picture(title, svg, names))
    rows = [
        [
            Cell(pair["from"]),
            Cell(pair["to"]),
            *(Cell(decimal(pair["height"].get(column), 3)) for column in columns),
            Cell("one" if pair.get("one_basin") else "two"),
        ]
        for pair in pairs
    ]
    possible = barrier.get("possible_pairs", len(pairs))
    first = f"The first {len(pairs)} of {counted(possible, 'pair')}. " if possible > len(pairs) else ""
    note = (
        f"{first}In nats per token, above the straight line between the ends; below 0 the loss sags. One basin: "
        f"at most {100 * NOISE_SHARE:g} % of the ends' mean loss."
    )
    heads = ["from", "to", *columns, "basins"]
    return [Gallery(pictures), Grid("Barriers", heads, rows, words=frozenset({0, 1}), note=note)]


def _losses(metrics: Metrics, barrier: Metrics) -> Grid | None:
    """Show the loss of the fused model beside its parents' own."""
    losses: Mapping[str, Mapping[str, float]] = barrier.get("losses") or {}
    if not losses:
        return None
    columns = list(next(iter(losses.values())))
    fused = fused_name(metrics)
    rows = [
        [Cell(name, note="fused" if name == fused else ""), *(Cell(decimal(own.get(column), 3)) for column in columns)]
        for name, own in losses.items()
    ]
    beside = barrier.get("fused") or {}
    for label in ("least", "mean"):
        rows.append(
            [
                Cell(f"{label} of the parents"),
                *(Cell(decimal(beside.get(column, {}).get(label), 3)) for column in columns),
            ]
        )
    traces = barrier.get("traces", {}).get("all", 0)
    left = f", {barrier['left_out']:,} left out as too long" if barrier.get("left_out") else ""
    note = f"Nats per token of the response, on {counted(traces, 'trace')} of the training set{left}."
    return Grid("Loss of the fused model and its parents", ["model", *columns], rows, note=note)
