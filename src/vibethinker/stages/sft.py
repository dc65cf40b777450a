"""The Spectrum phase's fine-tuning: one run on every domain, or one run per domain."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.sft import SftConfig
from vibethinker.data.probing_sets import probing_problems
from vibethinker.data.tables import TRAIN_PROBLEMS, read_problems, read_traces
from vibethinker.engines.adapter_folders import name_base
from vibethinker.engines.checkpoints import last_checkpoint
from vibethinker.engines.hard_traces import keep_hard
from vibethinker.engines.kept_checkpoints import CheckpointKeeper
from vibethinker.engines.model_parts import load_tokenizer
from vibethinker.engines.run_models import CHECKPOINTS_FILE, resolve, run_directory
from vibethinker.engines.sft_trainer import PlannedRun, fine_tune, plan_run
from vibethinker.errors import InputError
from vibethinker.files import write_json
from vibethinker.interfaces import StageContext
from vibethinker.records import Trace
from vibethinker.verify import judge_responses

# The name of the one run where runs are not per domain.
ALL_DOMAINS = "all"


def run(config: SftConfig, context: StageContext) -> dict[str, Any]:
    """Write ``checkpoints/<run>/checkpoint-<step>/`` as model folders, or adapters' folders, and ``checkpoints.json``.

    Where only hard problems are learned from, their counts are in ``hard.parquet``.
    """
    reference = resolve(config.model, context)
    plans, hard = _plan(config, context, reference)
    total = sum(plan.training.steps for plan in plans.values())
    done = removed = 0
    listed: list[dict[str, Any]] = []
    for name, plan in plans.items():
        folder = context.folder / "checkpoints" / name
        reached = last_checkpoint(folder)
        context.progress.start(total, unit="steps", done=done + (reached[0] if reached else 0))
        keeper = _keeper(config, context, folder, plan.seed)
        for checkpoint in fine_tune(config, context, reference, plan, folder, keeper=keeper):
            listed.append(
                {
                    "name": f"{name}/{checkpoint.step}",
                    "run": name,
                    "step": checkpoint.step,
                    "path": str(checkpoint.folder.relative_to(context.folder)),
                    "loss": checkpoint.loss,
                }
            )
        done += plan.training.steps
        removed += keeper.removed if keeper is not None else 0
    if config.adapter is not None:
        paths = [str(row["path"]) for row in listed]
        name_base(config, context, reference, paths, run_dir=run_directory(context, config.data))
    write_json(context.folder / CHECKPOINTS_FILE, {"checkpoints": listed})
    return {
        "runs": len(plans),
        "checkpoints": len(listed),
        "loss": {row["run"]: row["loss"] for row in listed},
        "steps": {name: plan.training.steps for name, plan in plans.items()},
        "traces": sum(plan.traces for plan in plans.values()),
        "dropped": sum(plan.dropped for plan in plans.values()),
        "tokens": sum(plan.tokens for plan in plans.values()),
        "packed_rows": sum(len(plan.dataset) for plan in plans.values()) if config.packing else None,
        "hard": hard,
        "removed": removed if config.keep is not None else None,
    }


def _keeper(config: SftConfig, context: StageContext, folder: Path, seed: int) -> CheckpointKeeper | None:
    if config.keep is None:
        return None
    return CheckpointKeeper(
        config.keep,
        context,
        probing_problems(context.inputs[config.keep.data], per_domain=config.keep.problems_per_domain),
        folder=folder,
        seed=derive_seed(seed, "keep"),
        judge=judge_responses,
    )


def _plan(
    config: SftConfig, context: StageContext, reference: str
) -> tuple[dict[str, PlannedRun], dict[str, Any] | None]:
    """Return every run by name, and what became of the traces where only those of hard problems are wanted."""
    traces: Sequence[Trace] = read_traces(context.inputs[config.data] / "train.parquet")
    tokenizer = load_tokenizer(reference)
    found = None
    if config.hard is not None:
        table = context.inputs[config.data] / TRAIN_PROBLEMS
        if not table.is_file():
            raise InputError(
                f'stage "{config.id}": hard: {table} is missing, so there are no gold answers to judge rollouts by: '
                f'run data stage "{config.data}" again'
            )
        hard = keep_hard(
            config.id,
            config.hard,
            context,
            resolve(config.hard.reference, context),
            tokenizer,
            traces,
            read_problems(table),
            judge_responses,
        )
        traces, found = hard.traces, hard.metrics
    names = sorted({trace.domain for trace in traces}) if config.per_domain else [ALL_DOMAINS]
    plans = {
        name: plan_run(
            config,
            context,
            tokenizer,
            [trace for trace in traces if not config.per_domain or trace.domain == name],
            run=name if config.per_domain else "",
            seed=derive_seed(context.seed, config.id, name),
        )
        for name in names
    }
    return plans, found
