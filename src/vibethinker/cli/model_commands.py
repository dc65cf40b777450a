"""Commands on models outside a run: probe and fuse."""

import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from vibethinker.cli.application import DebugOption, JsonOption, app, print_table, say, terminated_like_interrupted
from vibethinker.errors import InputError, Interrupted


@app.command()
def probe(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="micro, a model's or adapter's folder, a hub id, or a folder of checkpoint-* folders: all of them.",
        ),
    ],
    problems: Annotated[
        Path,
        typer.Option(metavar="FILE", help="JSONL or Parquet: question, answer; domain, kind, level, id if there are."),
    ],
    k: Annotated[int, typer.Option("--k", metavar="K", help="Responses of which one must be right.")] = 8,
    samples: Annotated[int, typer.Option(metavar="N", help="Responses to each problem, at least K.")] = 16,
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="Draw where it decides: spare solved problems and beaten checkpoints.")
    ] = False,
    kind: Annotated[str, typer.Option(metavar="KIND", help="math, choice, integer, text or code.")] = "math",
    domain_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the domains; domain, where the file has it.")
    ] = None,
    prompt: Annotated[
        str, typer.Option(metavar="TEMPLATE", help="What is asked, before the chat template.")
    ] = "{question}",
    temperature: Annotated[float, typer.Option(metavar="T", help="Sampling temperature; top_p is 1.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(metavar="N", help="Longest response, in tokens.")] = 1024,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Responses drawn at once.")] = 64,
    limit_per_domain: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use the first N problems of each domain.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides what is drawn.")] = 0,
    dtype: Annotated[
        str, typer.Option(metavar="TYPE", help="float32, bfloat16 or auto: what is faster here.")
    ] = "auto",
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; by default a folder in runs for what is asked.")
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Find each domain's best checkpoint by pass@k; the same command goes on where it was stopped.

    A folder that is a model itself stands for that model, whatever checkpoints lie in it.
    """
    from vibethinker.observe.probe_table import choice_lines, probe_table
    from vibethinker.pipeline.probe_command import HEAT_MAP_FILE, ProbeRequest, probing_config, run_probe

    config = probing_config(
        k=k,
        samples=samples,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        budget={"name": "adaptive" if adaptive else "full"},
    )
    request = ProbeRequest(models, problems, kind, domain_column, limit_per_domain, prompt, seed, dtype, config)
    result = run_probe(request, output)
    if result.problems.gold_errors or result.problems.repeated:
        say(
            f"left out of {problems}: {result.problems.gold_errors} problems that nobody can be graded by, "
            f"{result.problems.repeated} repeated questions"
        )
    if as_json:
        typer.echo(json.dumps({"output": str(result.folder), **result.found}, ensure_ascii=False))
        return
    print_table(probe_table(result.found))
    for line in [
        "",
        *choice_lines(result.found),
        "",
        f"output   {result.folder}",
        f"map      {result.folder / HEAT_MAP_FILE}",
    ]:
        typer.echo(line)


@app.command()
def fuse(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Models' or LoRA adapters' folders, micro, or hub ids.")
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="The fused model's folder; not there yet, or empty.")],
    method: Annotated[
        str, typer.Option(metavar="NAME", help="linear, task_arithmetic, ties, dare or slerp.")
    ] = "linear",
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="One per model, such as 0.25,0.75; equal by default.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="What the models were trained from: task_arithmetic, ties, dare."),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(metavar="X", help="Of what is added to the base; 1 by default.")
    ] = None,
    density: Annotated[
        float | None, typer.Option(metavar="X", help="ties: share of the differences that is kept; 0.2 by default.")
    ] = None,
    drop: Annotated[
        float | None, typer.Option(metavar="X", help="dare: share of the differences that is dropped; 0.9 by default.")
    ] = None,
    t: Annotated[float | None, typer.Option("--t", metavar="X", help="slerp: from 0 to 1; 0.5 by default.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="dare: decides what is dropped; 0.")] = None,
    max_shard: Annotated[str, typer.Option(metavar="SIZE", help="Largest file of weights, such as 500MB.")] = "2GB",
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Make one model out of several: read, summed and written block by block, never a whole model in memory."""
    from vibethinker.configs.fusion_methods import method_from_options

    options = {"base": base, "scale": scale, "density": density, "drop": drop, "seed": seed}
    chosen = method_from_options(method, options)
    shares = _weights(weights, t, method, len(models))
    shard_bytes = _bytes(max_shard)
    try:
        with terminated_like_interrupted():
            from vibethinker.engines.fusion import fuse_models
            from vibethinker.observe.progress import ReadingProgress

            start = time.monotonic()
            with ReadingProgress(output.name) as progress:
                manifest = fuse_models(
                    models,
                    chosen,
                    output,
                    weights=shares,
                    seed=0,
                    base=base,
                    progress=progress,
                    max_shard_bytes=shard_bytes,
                )
    except KeyboardInterrupt:
        interrupted = Interrupted()
        interrupted.args = ("interrupted; nothing was written",)
        raise interrupted from None
    seconds = time.monotonic() - start
    if as_json:
        typer.echo(json.dumps({"output": str(output), "seconds": round(seconds, 3), **manifest}, ensure_ascii=False))
        return
    from vibethinker.observe.fusion_summary import fusion_lines

    for line in fusion_lines(manifest, str(output), seconds):
        typer.echo(line)


def _weights(given: str | None, t: float | None, method: str, models: int) -> list[float]:
    """Return one weight per model, as ``--weights`` or ``--t`` say them."""
    if t is not None:
        if method != "slerp" or given is not None:
            raise InputError(f"--t {t:g} says where between two models slerp goes: leave --weights or --t out")
        if not 0 <= t <= 1:
            raise InputError(f"--t {t:g}: must be from 0, the first model, to 1, the second")
        return [1 - t, t]
    if given is None:
        return [1 / models] * models
    try:
        return [float(weight) for weight in given.split(",")]
    except ValueError:
        raise InputError(f"--weights {given}: need numbers with commas between them, such as 0.25,0.75") from None


def _bytes(size: str) -> int:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([kMGT]?)B?", size)
    found = int(float(match[1]) * 1000 ** " kMGT".index(match[2] or " ")) if match else 0
    if found < 1:
        raise InputError(f"--max-shard {size}: need a size such as 2GB or 500MB")
    return found
