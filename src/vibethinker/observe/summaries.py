"""What a finished stage comes down to, in half a line."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vibethinker.algos.score_differences import judge_difference
from vibethinker.observe.formats import counted, decimal, span

Metrics = Mapping[str, Any]

_SHORT_DTYPES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def summary_line(kind: str, metrics: Metrics) -> str:
    """Say what a stage of some kind came to, from its metrics; empty where there is nothing to say.

    >>> summary_line("sft", {"runs": 4, "checkpoints": 12, "loss": {}, "dropped": 0})
    '4 runs x 3 checkpoints'
    >>> summary_line("fuse", {"method": "linear", "parents": {"algebra": {}, "geometry": {}}})
    'linear, 2 parents'
    """
    parts = _PARTS.get(kind)
    return ", ".join(part for part in parts(metrics) if part) if parts and metrics else ""


def numerics_line(numerics: Metrics) -> str:
    """Say how a run computes, from the ``numerics`` of its ``run.json``.

    >>> numerics_line({"dtype": "float32", "threads": 2, "device": "cpu", "reason": "bf16 is slower here"})
    '2 cores, fp32 (bf16 is slower here)'
    """
    dtype = str(numerics.get("dtype", ""))
    device = numerics.get("device", "cpu")
    place = counted(numerics["threads"], "core") if device == "cpu" and "threads" in numerics else str(device)
    reason = f" ({numerics['reason']})" if numerics.get("reason") else ""
    return ", ".join(part for part in (place, _SHORT_DTYPES.get(dtype, dtype)) if part) + reason


def fused_name(metrics: Metrics) -> str | None:
    """Find the fused model among those a fuse stage validated: the one that is none of its parents."""
    parents = {parent.get("checkpoint") for parent in metrics.get("parents", {}).values()}
    others = [name for name in metrics.get("validation", {}).get("models", {}) if name not in parents]
    return others[0] if len(others) == 1 else None


def fusion_verdicts(metrics: Metrics) -> dict[str, str]:
    """Say by domain whether a fused model gains, keeps or loses pass@k against the specialist of that domain.

    Domains of which nothing is known are not there.
    """
    validation = metrics.get("validation", {})
    key = f"pass@{validation.get('k', 1)}"
    found = {}
    for domain, parent in metrics.get("parents", {}).items():
        differences = validation.get("differences", {}).get(parent.get("checkpoint"), {})
        if verdict := judge_difference(differences.get(key, {}).get(domain)):
            found[domain] = str(verdict)
    return found


def domain_columns(domains: Sequence[str]) -> list[str]:
    """Name the domains worth a column beside ``all``: none where there is only one.

    >>> domain_columns(["algebra", "geometry"]), domain_columns(["all"])
    (['algebra', 'geometry'], [])
    """
    return [domain for domain in domains if domain != "all"] if len(domains) > 1 else []


def is_best(rows: Mapping[str, Mapping[str, float | None]], name: str, column: str) -> bool:
    """Say whether a row has the highest score of a column, among several.

    >>> is_best({"base": {"all": 0.2}, "signal": {"all": 0.7}}, "signal", "all"), is_best({"base": {}}, "base", "all")
    (True, False)
    """
    known = [score for row in rows.values() if (score := row.get(column)) is not None]
    return len(known) > 1 and rows[name].get(column) == max(known)


def _data(metrics: Metrics) -> list[str]:
    return [
        counted(len(metrics["domains"]), "domain") if "domains" in metrics else "",
        counted(sum(metrics["problems"].values()), "problem") if "problems" in metrics else "",
        counted(metrics["leaks"], "leak") if "leaks" in metrics else "",
    ]


def _pretrain(metrics: Metrics) -> list[str]:
    return [
        counted(metrics["steps"], "step") if "steps" in metrics else "",
        f"{metrics['parameters'] / 1e6:.1f} M parameters" if "parameters" in metrics else "",
        _labelled("loss", metrics.get("loss")),
        _labelled("validation loss", metrics.get("validation_loss")),
    ]


def _sft(metrics: Metrics) -> list[str]:
    runs, checkpoints = metrics.get("runs", 0), metrics.get("checkpoints", 0)
    each, rest = divmod(checkpoints, runs) if runs else (0, 0)
    even = runs > 1 and rest == 0
    counts = f"{counted(runs, 'run')} x {counted(each, 'checkpoint')}"
    losses = span(metrics.get("loss", {}).values())
    hard = metrics.get("hard")
    return [
        f"{hard['kept']:,} hard of {counted(hard['traces'], 'trace')}" if hard else "",
        counts if even else f"{counted(runs, 'run')}, {counted(checkpoints, 'checkpoint')}",
        f"{counted(metrics['removed'], 'checkpoint')} removed" if metrics.get("removed") else "",
        f"loss {losses}" if losses else "",
        f"{counted(metrics['dropped'], 'trace')} too long" if metrics.get("dropped") else "",
    ]


def _probe(metrics: Metrics) -> list[str]:
    key = f"pass@{metrics.get('k')}"
    specialists = metrics.get("specialists", {})
    reached = span(chosen.get(key) for chosen in specialists.values())
    budget = metrics.get("budget", {})
    return [
        f"{key} {reached}" if reached else "",
        f"{counted(len(specialists), 'specialist')} chosen",
        f"{budget['share']:.0%} of the samples" if budget.get("name") == "adaptive" else "",
    ]


def _fuse(metrics: Metrics) -> list[str]:
    name = fused_name(metrics)
    scores = metrics["validation"]["models"][name].get("pass@1", {}) if name else {}
    return [
        str(metrics.get("method", "")).replace("_", " "),
        counted(len(metrics.get("parents", {})), "parent"),
        _labelled("pass@1", scores.get("all")),
        _verdicts(metrics),
    ]


def _verdicts(metrics: Metrics) -> str:
    """Count the domains that a fused model gains, keeps and loses."""
    counts = Counter(fusion_verdicts(metrics).values())
    told = " ".join(f"{verdict} {counts[verdict]}" for verdict in ("gains", "keeps", "loses") if counts[verdict])
    return f"{told} of {counted(counts.total(), 'domain')}" if told else ""


def _rl(metrics: Metrics) -> list[str]:
    prefilter = metrics.get("prefilter")
    return [
        f"{prefilter['kept']:,} of {counted(prefilter['prompts'], 'prompt')}" if prefilter else "",
        counted(metrics["steps"], "step") if "steps" in metrics else "",
        _labelled("reward", metrics.get("reward")),
        _labelled("no signal", metrics.get("no_signal")),
        counted(len(metrics["warnings"]), "warning") if metrics.get("warnings") else "",
    ]


def _evaluate(metrics: Metrics) -> list[str]:
    models = metrics.get("models", {})
    scores = {name: score for name, model in models.items() if (score := model["pass@1"].get("all")) is not None}
    best = max(scores, key=lambda name: scores[name], default=None)
    return [
        counted(len(models), "model"),
        counted(metrics["problems"], "problem") if "problems" in metrics else "",
        f"best pass@1 {decimal(scores[best])} ({best})" if best is not None else "",
    ]


def _labelled(label: str, value: float | None) -> str:
    return "" if value is None else f"{label} {decimal(value)}"


_PARTS: dict[str, Callable[[Metrics], list[str]]] = {
    "data": _data,
    "pretrain": _pretrain,
    "sft": _sft,
    "probe": _probe,
    "fuse": _fuse,
    "rl": _rl,
    "evaluate": _evaluate,
}
