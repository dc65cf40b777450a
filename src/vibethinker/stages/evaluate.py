"""Every model of the run on the same held-out problems, which nothing else in the run reads."""

from collections import Counter
from typing import Any

from vibethinker.algos.scores import paired_difference, problem_scores, summarise
from vibethinker.algos.seeds import derive_seed
from vibethinker.algos.ways import WAYS
from vibethinker.configs.evaluate import EvaluateConfig
from vibethinker.data.tables import read_problems
from vibethinker.engines.run_models import resolve
from vibethinker.engines.scoring import score_models
from vibethinker.interfaces import StageContext
from vibethinker.verify import judge_responses


def run(config: EvaluateConfig, context: StageContext) -> dict[str, Any]:
    """Write every response to ``samples.parquet``; return each model's table and its difference to the one before."""
    problems = read_problems(context.inputs[config.data] / "heldout.parquet")
    rows = score_models(
        {name: resolve(name, context) for name in config.models},
        problems,
        sampling=config,
        samples=config.samples,
        seed=derive_seed(context.seed, config.id),
        judge=judge_responses,
        context=context,
    )
    scores = {
        name: problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in found)
        for name, found in rows.items()
    }
    differences = {}
    for before, name in zip(config.models, config.models[1:], strict=False):
        difference = paired_difference(scores[name], scores[before])
        if difference is not None:
            differences[name] = {"to": before, **difference}
    return {
        "k": config.k,
        "samples": config.samples,
        "problems": len(problems),
        "domains": sorted({problem.domain for problem in problems}),
        "models": {name: {**summarise(scores[name], k=config.k), **_habits(found)} for name, found in rows.items()},
        "difference": differences,
    }


def _habits(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how a model answers: shares of the ways of solving, of verdicts and of truncation, and mean length."""
    ways = Counter(row["way"] for row in rows)
    statuses = Counter(row["status"] for row in rows)
    return {
        "ways": {way: ways[way] / len(rows) for way in WAYS},
        "right_by_way": {
            way: sum(row["correct"] is True for row in rows if row["way"] == way) / ways[way]
            for way in WAYS
            if ways[way]
        },
        "statuses": {status: count / len(rows) for status, count in sorted(statuses.items())},
        "unparseable": (statuses["unparseable"] + statuses["no_answer"]) / len(rows),
        "ungradable": sum(row["correct"] is None for row in rows) / len(rows),
        "truncated": sum(row["truncated"] for row in rows) / len(rows),
        "length": sum(row["length"] for row in rows) / len(rows),
    }
