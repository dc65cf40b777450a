"""The Signal phase: MGPO on the prompts that the starting model sometimes solves."""

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import Any

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.rl import RlConfig
from vibethinker.data.mix import distinct_problems, mix_domains, only_domains
from vibethinker.data.tables import read_problems
from vibethinker.engines.prefilter import Counts, count_right, drop_long_prompts
from vibethinker.engines.rl import reinforce
from vibethinker.engines.run_models import MODEL_FOLDER, resolve
from vibethinker.engines.solve_counts import Count
from vibethinker.errors import InputError
from vibethinker.interfaces import StageContext
from vibethinker.records import Problem
from vibethinker.verify import judge_responses


def run(config: RlConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``, ``rollouts.parquet`` and ``prefilter.parquet``."""
    problems = distinct_problems(
        problem for name in config.data for problem in read_problems(context.inputs[name] / "rl.parquet")
    )
    if config.mix is not None:
        # Before sampling: what the mix leaves out need not be counted.
        problems = only_domains(problems, config.mix.shares)
    reference = resolve(config.model, context)
    seed = derive_seed(context.seed, config.id)
    problems, too_long = drop_long_prompts(config, context, reference, problems)
    _check_enough(config, problems, _reasons(None, too_long))
    counts, filtered = None, None
    if config.prefilter is not None:
        counts = count_right(config, config.prefilter, context, reference, problems, judge_responses)
        filtered = {**_what_is_left(counts, problems), "keep": config.prefilter.keep}
        problems = [problem for problem in problems if _stays(counts[problem.id], config.prefilter.keep)]
    reasons = _reasons(filtered if filtered and filtered["keep"] != "all" else None, too_long)
    problems = _mixed(config, problems, reasons)
    _check_enough(config, problems, reasons)
    if filtered is not None:
        filtered["kept"] = len(problems)
    found = reinforce(
        config,
        context,
        reference,
        problems,
        judge_responses,
        context.folder / MODEL_FOLDER,
        seed=seed,
        counts=counts,
    )
    # In this order: without checkpoints a run begins anew, and then forgets whatever rollouts are left.
    for name in ("training", "rollouts"):
        shutil.rmtree(context.folder / name, ignore_errors=True)
    return {"prefilter": filtered, "too_long": too_long, "prompts": len(problems), **found}


def _mixed(config: RlConfig, problems: Sequence[Problem], reasons: str) -> list[Problem]:
    """Return the problems in the shares of the mix, or in those that they have, at most as many as are allowed."""
    shares = config.mix.shares if config.mix is not None else Counter(problem.domain for problem in problems)
    at_most = config.prefilter.max_prompts if config.prefilter is not None else None
    if config.mix is None and at_most is None:
        return list(problems)
    try:
        return mix_domains(problems, shares, at_most=at_most) if shares else []
    except InputError as error:
        raise InputError(
            f'stage "{config.id}": {error}{reasons}: give more prompts of a fitting level, or leave it out'
        ) from error


def _stays(count: Count, keep: str) -> bool:
    """Say whether a prompt with that count is one to learn from."""
    return keep == "all" or count.mixed or (keep == "solved" and count.right > 0)


def _what_is_left(counts: Counts, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return how many prompts are always and never solved and how many could not be judged."""
    judged = [count for count in counts.values() if count.judged]
    return {
        "prompts": len(problems),
        "always_right": sum(count.right == count.judged for count in judged),
        "never_right": sum(count.right == 0 for count in judged),
        "ungradable": len(counts) - len(judged),
        "samples": sum(count.judged for count in judged),
    }


def _reasons(left_out: dict[str, Any] | None, too_long: int) -> str:
    """Return in brackets why prompts were left out, empty where none were."""
    reasons = []
    if left_out is not None:
        reasons.append(
            f"{left_out['always_right']} of {left_out['prompts']} always right, {left_out['never_right']} never right "
            f"under the starting model"
        )
        if left_out["ungradable"]:
            reasons.append(f"{left_out['ungradable']} could not be judged")
    if too_long:
        reasons.append(f"{too_long} too long")
    return f" ({'; '.join(reasons)})" if reasons else ""


def _check_enough(config: RlConfig, problems: Sequence[Problem], reasons: str) -> None:
    if len(problems) >= config.prompts_per_step:
        return
    raise InputError(
        f'stage "{config.id}": {len(problems)} prompts to learn from{reasons}, need at least '
        f"prompts_per_step={config.prompts_per_step}: give more prompts of a fitting level, or lower it"
    )
