"""The Signal phase: MGPO on the prompts that the starting model sometimes solves."""

import shutil
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from vibethinker.algos.scores import problem_scores
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.common import SamplingConfig
from vibethinker.configs.rl import PrefilterConfig, RlConfig
from vibethinker.data.tables import read_problems, read_rows, write_table
from vibethinker.engines.rl import reinforce
from vibethinker.engines.run_models import MODEL_FOLDER, resolve
from vibethinker.engines.scoring import score_model
from vibethinker.errors import InputError
from vibethinker.interfaces import StageContext
from vibethinker.records import Problem
from vibethinker.verify import judge_responses

_PREFILTER_SCHEMA = pa.schema(
    [("prompt_id", pa.string()), ("correct", pa.int32()), ("samples", pa.int32()), ("kept", pa.bool_())]
)


def run(config: RlConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``, ``rollouts.parquet`` and ``prefilter.parquet``."""
    problems = read_problems(context.inputs[config.data] / "rl.parquet")
    reference = resolve(config.model, context)
    seed = derive_seed(context.seed, config.id)
    prefilter = None
    if config.prefilter is not None:
        problems, prefilter = _filter(config, config.prefilter, context, reference, problems)
    if len(problems) < config.prompts_per_step:
        filtered = (
            f" ({prefilter['always_right']} of {prefilter['prompts']} always right, "
            f"{prefilter['never_right']} never right under the starting model)"
            if prefilter
            else ""
        )
        raise InputError(
            f'stage "{config.id}": {len(problems)} prompts to learn from{filtered}, need at least '
            f"prompts_per_step={config.prompts_per_step}: give more prompts of a fitting level, or lower it"
        )
    found = reinforce(config, context, reference, problems, judge_responses, context.folder / MODEL_FOLDER, seed=seed)
    # In this order: without checkpoints a run begins anew, and then forgets whatever rollouts are left.
    for name in ("training", "rollouts"):
        shutil.rmtree(context.folder / name, ignore_errors=True)
    return {"prefilter": prefilter, **found}


def _filter(
    config: RlConfig,
    prefilter: PrefilterConfig,
    context: StageContext,
    reference: str,
    problems: Sequence[Problem],
) -> tuple[list[Problem], dict[str, int]]:
    """Leave out what the starting model always or never solves, and what could not be judged."""
    path = context.folder / "prefilter.parquet"
    if not path.is_file():
        context.progress.start(len(problems) * prefilter.samples, unit="responses")
        rows = score_model(
            config.id,
            reference,
            problems,
            sampling=SamplingConfig(
                temperature=config.temperature,
                max_new_tokens=config.max_new_tokens,
                batch_size=prefilter.batch_size,
            ),
            samples=prefilter.samples,
            seed=derive_seed(context.seed, config.id, "prefilter"),
            judge=judge_responses,
            context=context,
            kept_in=context.folder / "prefilter_samples.parquet",
        )
        scores = problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in rows)
        counted = [
            {"prompt_id": score.problem_id, "correct": score.c, "samples": score.n, "kept": 0 < score.c < score.n}
            for score in scores
        ]
        write_table(path, counted, _PREFILTER_SCHEMA)
    counts = {row["prompt_id"]: row for row in read_rows(path)}
    kept = [problem for problem in problems if counts[problem.id]["kept"]][: prefilter.max_prompts]
    judged = [row for row in counts.values() if row["samples"]]
    return kept, {
        "prompts": len(problems),
        "always_right": sum(row["correct"] == row["samples"] for row in judged),
        "never_right": sum(row["correct"] == 0 for row in judged),
        "ungradable": len(counts) - len(judged),
        "kept": len(kept),
    }
