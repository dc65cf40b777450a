"""Fine-tuning beside TRL's SFTTrainer: tokens a second on the same traces in the same order, fp32, micro model.

python benchmarks/sft.py [ROUNDS]

Four trainings in turn in one process, on procedural traces and on a set of very different lengths: ours and TRL's, each
unpacked (64 traces a step, 16 a pass) and packed (rows of 512 tokens, 2 a pass). TRL's packing gets our rows; without
flash attention it masks each pass's row whole.
"""

import io
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from datasets import Dataset, concatenate_datasets
from rich.console import Console
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from timed_training import Clock
from vibethinker.configs.sft import SftConfig
from vibethinker.data.families import FAMILIES, LEVELS
from vibethinker.data.procedural import draw_problems, draw_traces
from vibethinker.data.splits import BUCKETS
from vibethinker.engines.models import load_model
from vibethinker.engines.packing import attend_within_traces
from vibethinker.engines.sft_trainer import PlannedRun, make_trainer, plan_run
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.records import Trace

STEPS = 5
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
TRACES, BATCH, MICRO_BATCH = 384, 64, 16
ROW, ROWS_A_PASS = 512, 2


def procedural_traces() -> list[Trace]:
    """Return traces as the quickstart learns them: 30 to 90 tokens with their prompts."""
    drawn = draw_problems(FAMILIES, LEVELS, BUCKETS["train"], count=TRACES, rng=Random(0))  # noqa: S311
    return draw_traces(drawn, {"careful": 0.6, "brief": 0.2, "direct": 0.2}, per_problem=1, rng=Random(1))  # noqa: S311


def uneven_traces() -> list[Trace]:
    """Return traces of which a few are very long: each the text of 1 to 12 procedural ones, of most one or two."""
    traces, rng = procedural_traces(), Random(2)  # noqa: S311
    counts = [min(12, int(rng.paretovariate(0.9))) for _ in traces]
    texts = ["\n".join(rng.choice(traces).text for _ in range(count)) for count in counts]
    return [replace(trace, text=text) for trace, text in zip(traces, texts, strict=True)]


def context(folder: Path) -> StageContext:
    """Return what a stage would get."""
    display = RunDisplay("sft", 1, folder, "", [("sft", "sft")], console=Console(file=io.StringIO()))
    numerics, metrics = Numerics("float32", torch.get_num_threads()), MetricsFile(folder / "metrics.jsonl", "sft")
    return StageContext(folder, {}, 0, "micro", "{question}", numerics, display.stage("sft", lambda: False), metrics)


def settings(traces: list[Trace], *, packing: bool) -> SftConfig:
    """Return a stage whose steps hold about as many tokens packed as unpacked."""
    common_settings = {"id": "sft", "kind": "sft", "data": "problems", "steps": STEPS, "save_every": STEPS}
    tokenizer = load_model("micro")[1]
    mean = statistics.mean(len(tokenizer.encode(trace.question + trace.text)) + 8 for trace in traces)
    passes = max(1, round(BATCH * mean / ROW / ROWS_A_PASS))
    sizes = (
        {"batch_size": passes * ROWS_A_PASS, "micro_batch_size": ROWS_A_PASS}
        if packing
        else {"batch_size": BATCH, "micro_batch_size": MICRO_BATCH}
    )
    return SftConfig.model_validate(
        {**common_settings, **sizes, "packing": packing, "max_length": ROW, "learning_rate": 1e-4}
    )


def train(config: SftConfig, traces: list[Trace], *, ours: bool) -> tuple[float, float, float, list[float]]:
    """Train; return tokens and learned tokens a second, the share of passes that is padding, and the losses."""
    model, tokenizer = load_model("micro")
    clock = Clock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = plan_run(config, context(folder), tokenizer, traces, run="", seed=0)
        rows = plan.dataset.select(plan.order) if ours or config.packing else shuffled(plan, config)
        if ours:
            if config.packing:
                attend_within_traces(model, [[5, 6, 7], [8, 9]])
            trainer: Any = make_trainer(config, context(folder), model, tokenizer, plan, folder, callbacks=[clock])
        else:
            trainer = trl_trainer(config, model, tokenizer, rows, folder)
            trainer.add_callback(clock)
        trainer.args.save_strategy = "no"
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    # The first step warms up.
    seconds = clock.ends[-1] - clock.ends[0]
    rows = rows.select(range(config.batch_size, len(rows)))
    lengths = [len(ids) for ids in rows["input_ids"]]
    learned = sum(label != -100 for labels in rows["labels"] for label in labels)
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return sum(lengths) / seconds, learned / seconds, padding(lengths, config), losses


def padding(lengths: list[int], config: SftConfig) -> float:
    """Return the share of what passes through the model that is padding."""
    if config.packing:
        return 0.0
    passes = [lengths[start : start + MICRO_BATCH] for start in range(0, len(lengths), MICRO_BATCH)]
    return 1 - sum(lengths) / sum(max(each) * len(each) for each in passes)


def shuffled(plan: PlannedRun, config: SftConfig) -> Dataset:
    """Return the rows of every step in an order that lengths have no part in, as TRL takes them."""
    rng = Random(3)  # noqa: S311
    starts = range(0, len(plan.order), config.batch_size)
    steps = [plan.order[start : start + config.batch_size] for start in starts]
    return concatenate_datasets([plan.dataset.select(rng.sample(step, len(step))) for step in steps])


def trl_trainer(config: SftConfig, model: Any, tokenizer: Any, rows: Dataset, folder: Path) -> SFTTrainer:  # noqa: ANN401
    """Return TRL's trainer, which takes the rows in their order."""
    micro = config.micro_batch_size or config.batch_size
    arguments = SFTConfig(
        output_dir=str(folder),
        max_steps=STEPS,
        learning_rate=config.learning_rate,
        warmup_steps=10,
        adam_beta2=config.adam_beta2,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": config.min_learning_rate_ratio},
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config.batch_size // micro,
        max_length=None,
        padding_free=config.packing,
        gradient_checkpointing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
    )
    return SFTTrainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)


def main() -> None:
    """Print tokens a second of all four on both sets, and how much the losses of ours and TRL's differ."""
    for title, traces in (("procedural traces", procedural_traces()), ("very different lengths", uneven_traces())):
        found: dict[tuple[str, bool], list[tuple[float, float, float]]] = {}
        losses: dict[tuple[str, bool], list[float]] = {}
        for _ in range(ROUNDS):
            for packing in (False, True):
                for name, ours in (("TRL", False), ("ours", True)):
                    config = settings(traces, packing=packing)
                    tokens, learned, padding, losses[name, packing] = train(config, traces, ours=ours)
                    found.setdefault((name, packing), []).append((tokens, learned, padding))
        print(f"{title}, fp32, {torch.get_num_threads()} threads, median of {ROUNDS} (least to most)")
        base = statistics.median(row[0] for row in found["TRL", False])
        for (name, packing), rows in found.items():
            speeds = [row[0] for row in rows]
            middle, learned = statistics.median(speeds), statistics.median(row[1] for row in rows)
            print(
                f"  {name:5} {'packed' if packing else 'unpacked':9} {middle:8,.0f} tokens/s ({min(speeds):,.0f} to "
                f"{max(speeds):,.0f})  {learned:7,.0f} learned/s  padding {rows[0][2]:4.0%}  / TRL unpacked "
                f"{middle / base:.2f}"
            )
        for packing in (False, True):
            pairs = zip(losses["ours", packing], losses["TRL", packing], strict=True)
            apart = max(abs(one - other) for one, other in pairs)
            print(f"  losses {'packed' if packing else 'unpacked'}: at most {apart:.1e} apart")


if __name__ == "__main__":
    main()
