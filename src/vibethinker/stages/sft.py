"""The Spectrum phase's fine-tuning: one run on every domain, or one run per domain."""

from typing import Any

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.sft import SftConfig
from vibethinker.data.tables import read_traces
from vibethinker.engines.checkpoints import remove_resume_state
from vibethinker.engines.run_models import CHECKPOINTS_FILE, resolve
from vibethinker.engines.sft_trainer import fine_tune
from vibethinker.files import write_json
from vibethinker.interfaces import StageContext

# The name of the one run where runs are not per domain.
ALL_DOMAINS = "all"


def run(config: SftConfig, context: StageContext) -> dict[str, Any]:
    """Write ``checkpoints/<run>/checkpoint-<step>/`` as model folders, and ``checkpoints.json``."""
    traces = read_traces(context.inputs[config.data] / "train.parquet")
    runs = sorted({trace.domain for trace in traces}) if config.per_domain else [ALL_DOMAINS]
    reference = resolve(config.model, context)
    listed: list[dict[str, Any]] = []
    dropped = 0
    for number, name in enumerate(runs):
        chosen = [trace for trace in traces if not config.per_domain or trace.domain == name]
        context.progress.start(len(runs) * config.steps, unit="steps", done=number * config.steps)
        tuned = fine_tune(
            config,
            context,
            reference,
            chosen,
            context.folder / "checkpoints" / name,
            run=name if config.per_domain else "",
            seed=derive_seed(context.seed, config.id, name),
        )
        dropped += tuned.dropped
        for checkpoint in tuned.checkpoints:
            listed.append(
                {
                    "name": f"{name}/{checkpoint.step}",
                    "run": name,
                    "step": checkpoint.step,
                    "path": str(checkpoint.folder.relative_to(context.folder)),
                    "loss": checkpoint.loss,
                }
            )
    # Only when every run has ended: until then each may still have to go on from its last checkpoint.
    for row in listed:
        remove_resume_state(context.folder / row["path"])
    write_json(context.folder / CHECKPOINTS_FILE, {"checkpoints": listed})
    last = {row["run"]: row["loss"] for row in listed}
    return {"runs": len(runs), "checkpoints": len(listed), "loss": last, "dropped": dropped}
