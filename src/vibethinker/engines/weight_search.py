"""Weights of a fusion, searched on probing problems: every candidate is fused, scored and removed again.

The search is ``vibethinker.algos.simplex_search``. All candidates answer the same problems by the same seed (common
random numbers), so that what differs between two of them is the weights and not the draw.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from vibethinker.algos.pass_at_k import pass_at_k
from vibethinker.algos.scores import problem_scores
from vibethinker.algos.simplex_search import Point, search_simplex
from vibethinker.configs.fuse import SearchConfig
from vibethinker.engines.line_record import LineRecord
from vibethinker.engines.scoring import score_model
from vibethinker.errors import WorkError
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem

Fuse = Callable[[Sequence[float], Path], object]
"""Writes the model of some weights, one per parent, to a folder that is not there yet."""


def search_weights(
    fuse: Fuse,
    start: Mapping[str, float],
    problems: Sequence[Problem],
    *,
    config: SearchConfig,
    seed: int,
    judge: Judge,
    context: StageContext,
) -> dict[str, Any]:
    """Return the best weights found, by parent, with all candidates and their scores; goes on where it was stopped.

    A candidate's score is the mean of the domains' Pass@K, over the problems that could be judged for the start. One
    that cannot be judged for a candidate counts as no difference to the start: nobody gains by what is not known. The
    winner's own score is optimistic, as it was chosen by it.

    Args:
        fuse: Fuses the parents.
        start: The weights to start from, by parent.
        problems: What every candidate is asked.
        config: Rounds, step and sampling.
        seed: Of the responses.
        judge: Judges them.
        context: Of the stage; candidates are kept in ``search.jsonl`` of its folder, models below ``candidates``.

    Raises:
        Interrupted: When the user asked to stop; candidates scored are kept, and whole batches of the one at hand.
        WorkError: If no response to any problem could be judged.
    """
    record = LineRecord(context.folder / "search.jsonl")
    folder = context.folder / "candidates"
    per_candidate = len(problems) * config.samples
    most = 1 + config.rounds * (len(start) if len(start) > 1 else 0)
    context.progress.start(most * per_candidate, unit="responses")

    def score(point: Point) -> float:
        weights = list(point)
        if (known := record.find(weights=weights)) is None:
            name = f"{len(record):03d}"
            shutil.rmtree(folder / name, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            fuse(weights, folder / name)
            rows = score_model(
                name,
                str(folder / name),
                problems,
                sampling=config,
                samples=config.samples,
                seed=seed,
                judge=judge,
                context=context,
                kept_in=folder / f"{name}.parquet",
            )
            known = record.add({"weights": weights, **scored(rows, config.k, next(iter(record), {}).get("values"))})
            shutil.rmtree(folder)
        else:
            context.progress.advance(per_candidate)
        return float(known["score"])

    found = search_simplex(score, list(start.values()), step=config.step, rounds=config.rounds)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "weights": dict(zip(start, found.best, strict=True)),
        "score": found.score,
        "k": config.k,
        "samples": config.samples,
        "problems": len(problems),
        "step": found.step,
        "candidates": [_candidate(start, point, record) for point, _ in found.candidates],
    }


def scored(rows: Sequence[Mapping[str, Any]], k: int, start: Mapping[str, float] | None) -> dict[str, Any]:
    """Return a candidate's score, what it is the mean of and what of the start's problems could not be judged.

    Args:
        rows: All of its rows.
        k: Of Pass@K.
        start: The start's values by problem; None for the start, whose own are then returned as well.
    """
    scores = problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in rows)
    values = {score.problem_id: pass_at_k(score.n, score.c, k=k) for score in scores if score.n >= k}
    if not (compared := values if start is None else start):
        raise WorkError(
            f"search: no problem has {k} responses that could be judged, so no weights are better than others: "
            "look at the problems' reference answers, or at `vibethinker doctor` for the sandbox"
        )
    by_domain: dict[str, list[float]] = {score.domain: [] for score in scores}
    for score in scores:
        if score.problem_id in compared:
            by_domain[score.domain].append(values.get(score.problem_id, compared[score.problem_id]))
    means = {domain: fmean(found) if found else None for domain, found in by_domain.items()}
    return {
        "score": fmean(mean for mean in means.values() if mean is not None),
        f"pass@{k}": means,
        "left_out": len(compared.keys() - values.keys()),
        **({"values": values} if start is None else {}),
    }


def _candidate(parents: Mapping[str, float], point: Point, record: LineRecord) -> dict[str, Any]:
    line = {key: value for key, value in (record.find(weights=list(point)) or {}).items() if key != "values"}
    return {**line, "weights": dict(zip(parents, point, strict=True))}
