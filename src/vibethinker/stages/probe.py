"""Domain-aware diversity probing: Pass@K of every checkpoint in every domain, and a specialist for each domain."""

from typing import Any

from vibethinker.algos.scores import ALL, problem_scores, summarise
from vibethinker.algos.seeds import derive_seed
from vibethinker.algos.specialists import ProbedCheckpoint, choose_specialist
from vibethinker.configs.probe import ProbeConfig
from vibethinker.data.probing_sets import probing_problems
from vibethinker.engines.run_models import CHECKPOINTS_FILE, PROBE_FILE, run_directory
from vibethinker.engines.scoring import score_models
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import StageContext
from vibethinker.verify import judge_responses


def run(config: ProbeConfig, context: StageContext) -> dict[str, Any]:
    """Write ``probe.json`` and every response to ``samples.parquet``."""
    sft = context.inputs[config.checkpoints]
    checkpoints = {row["name"]: row for row in read_json(sft / CHECKPOINTS_FILE)["checkpoints"]}
    problems = probing_problems(context.inputs[config.data], per_domain=config.problems_per_domain)
    domains = sorted({problem.domain for problem in problems})
    rows = score_models(
        {name: str(sft / row["path"]) for name, row in checkpoints.items()},
        problems,
        sampling=config,
        samples=config.samples,
        seed=derive_seed(context.seed, config.id),
        judge=judge_responses,
        context=context,
    )
    pass_k = f"pass@{config.k}"
    cells: list[dict[str, Any]] = []
    probed: list[ProbedCheckpoint] = []
    for name, checkpoint in checkpoints.items():
        scores = problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in rows[name])
        summary = summarise(scores, k=config.k)
        probed.append(ProbedCheckpoint(name, checkpoint["loss"], summary["pass@1"], summary[pass_k]))
        for domain in domains:
            mine = [row for row in rows[name] if row["domain"] == domain]
            cells.append(
                {
                    "checkpoint": name,
                    "run": checkpoint["run"],
                    "step": checkpoint["step"],
                    "domain": domain,
                    "pass@1": summary["pass@1"][domain],
                    pass_k: summary[pass_k][domain],
                    "unparseable": sum(row["status"] in ("unparseable", "no_answer") for row in mine) / len(mine),
                    "problems": len({row["problem_id"] for row in mine}),
                }
            )
    root = run_directory(context, config.checkpoints)
    places = {name: str((sft / row["path"]).relative_to(root)) for name, row in checkpoints.items()}
    specialists = {}
    for domain in domains:
        choice = choose_specialist(probed, domain)
        specialists[domain] = {
            "checkpoint": choice.name,
            "path": places[choice.name],
            pass_k: choice.pass_at_k,
            "runner_up": choice.runner_up,
            "margin": choice.margin,
            "lowest_loss": choice.lowest_loss,
            "best_pass@1": choice.best_pass_at_1,
        }
    chosen = {row["checkpoint"] for row in specialists.values()}
    best = choose_specialist([checkpoint for checkpoint in probed if checkpoint.name in chosen], ALL).name
    found = {
        "k": config.k,
        "samples": config.samples,
        "problems": {domain: sum(problem.domain == domain for problem in problems) for domain in domains},
        "domains": domains,
        "cells": cells,
        "specialists": specialists,
        "best": best,
        "best_path": places[best],
    }
    write_json(context.folder / PROBE_FILE, found)
    return found
