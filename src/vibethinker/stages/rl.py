"""The Signal phase: MGPO on the prompts that the starting model sometimes solves."""

import shutil
from collections.abc import Sequence
from typing import Any

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.rl import RlConfig
from vibethinker.data.mix import mix_domains
from vibethinker.data.tables import read_problems
from vibethinker.engines.prefilter import Counts, count_right, drop_long_prompts
from vibethinker.engines.rl import reinforce
from vibethinker.engines.run_models import MODEL_FOLDER, resolve
from vibethinker.errors import InputError
from vibethinker.interfaces import StageContext
from vibethinker.records import Problem
from vibethinker.verify import judge_responses


def run(config: RlConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``, ``rollouts.parquet`` and ``prefilter.parquet``."""
    problems = [problem for name in config.data for problem in read_problems(context.inputs[name] / "rl.parquet")]
    reference = resolve(config.model, context)
    seed = derive_seed(context.seed, config.id)
    problems, too_long = drop_long_prompts(config, context, reference, problems)
    counts, filtered = None, None
    if config.prefilter is not None:
        counts = count_right(config, config.prefilter, context, reference, problems, judge_responses)
        filtered = _what_is_left(counts, problems)
        if config.prefilter.keep == "mixed":
            problems = [problem for problem in problems if counts[problem.id].mixed]
        filtered["kept"] = len(problems)
    if config.mix is not None:
        problems = mix_domains(problems, config.mix.shares)
    if config.prefilter is not None:
        problems = problems[: config.prefilter.max_prompts]
    _check_enough(config, problems, filtered, too_long)
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


def _what_is_left(counts: Counts, problems: Sequence[Problem]) -> dict[str, int]:
    """Return how many prompts are always and never solved and how many could not be judged."""
    judged = [count for count in counts.values() if count.judged]
    return {
        "prompts": len(problems),
        "always_right": sum(count.right == count.judged for count in judged),
        "never_right": sum(count.right == 0 for count in judged),
        "ungradable": len(counts) - len(judged),
        "samples": sum(count.judged for count in judged),
    }


def _check_enough(
    config: RlConfig, problems: Sequence[Problem], filtered: dict[str, int] | None, too_long: int
) -> None:
    if len(problems) >= config.prompts_per_step:
        return
    reasons = []
    if filtered:
        reasons.append(
            f"{filtered['always_right']} of {filtered['prompts']} always right, {filtered['never_right']} never right "
            f"under the starting model"
        )
    if too_long:
        reasons.append(f"{too_long} too long")
    told = f" ({'; '.join(reasons)})" if reasons else ""
    raise InputError(
        f'stage "{config.id}": {len(problems)} prompts to learn from{told}, need at least '
        f"prompts_per_step={config.prompts_per_step}: give more prompts of a fitting level, or lower it"
    )
