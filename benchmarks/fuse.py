"""Fusion beside mergekit, both by their command lines, in turn in one run: seconds, memory, exactness.

``python benchmarks/fuse.py --folder DIR`` makes four models of Qwen2.5-0.5B's shape in bfloat16 there (1 GB each; about
9 GB with the results), fuses them by every method and prints ours, theirs and the ratio. mergekit runs in an
environment of its own: ``make mergekit-parity`` builds it, ``MERGEKIT_ENV`` names another. ``--layers 1`` is a trial.

Ours has its files on the disk when it ends (fsync) and hashes all that it reads; mergekit does neither.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from safetensors import safe_open
from safetensors.torch import save_file

ENVIRONMENT = Path(__file__).resolve().parents[1] / os.environ.get("MERGEKIT_ENV", ".venv-mergekit")
# Qwen2.5-0.5B's config.json.
HIDDEN, INTERMEDIATE, HEADS, KV_HEADS, VOCABULARY = 896, 4864, 14, 2, 151_936
SHARES = [0.1, 0.2, 0.3, 0.4]
SHARD_BYTES = 2 * 10**9
"""Ours by default; mergekit's default is 5 billion numbers a shard, 10 GB in bfloat16."""
LARGEST = 2**24
"""Numbers compared at a time."""


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: By the clock, the start of the interpreter included.
        peak_mb: Largest resident memory of the process, mapped files included.
    """

    seconds: float
    peak_mb: float


def shapes(layers: int) -> dict[str, list[int]]:
    """Return the tensors of a Qwen2 model with a tied head."""
    head = HIDDEN // HEADS
    found = {"model.embed_tokens.weight": [VOCABULARY if layers > 2 else 2000, HIDDEN]}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        found |= {
            f"{at}.input_layernorm.weight": [HIDDEN],
            f"{at}.mlp.down_proj.weight": [HIDDEN, INTERMEDIATE],
            f"{at}.mlp.gate_proj.weight": [INTERMEDIATE, HIDDEN],
            f"{at}.mlp.up_proj.weight": [INTERMEDIATE, HIDDEN],
            f"{at}.post_attention_layernorm.weight": [HIDDEN],
            f"{at}.self_attn.k_proj.bias": [KV_HEADS * head],
            f"{at}.self_attn.k_proj.weight": [KV_HEADS * head, HIDDEN],
            f"{at}.self_attn.o_proj.weight": [HIDDEN, HIDDEN],
            f"{at}.self_attn.q_proj.bias": [HIDDEN],
            f"{at}.self_attn.q_proj.weight": [HIDDEN, HIDDEN],
            f"{at}.self_attn.v_proj.bias": [KV_HEADS * head],
            f"{at}.self_attn.v_proj.weight": [KV_HEADS * head, HIDDEN],
        }
    return found | {"model.norm.weight": [HIDDEN]}


def make_model(folder: Path, layers: int, seed: int) -> None:
    """Write a model of random numbers, a quarter of their spread its own: models as they are after long training."""
    if (folder / "model.safetensors").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for place, (name, shape) in enumerate(shapes(layers).items()):
        common = torch.randn(shape, generator=torch.Generator().manual_seed(place))
        own = torch.randn(shape, generator=torch.Generator().manual_seed(10_000 * (seed + 1) + place))
        tensors[name] = (0.02 * (common + own / 4)).bfloat16()
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": len(tensors["model.embed_tokens.weight"]),
        "max_position_embeddings": 32768,
        "rope_theta": 1e6,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


# A process of its own starts the command: a child begins with the memory of its parent, which holds whole tensors here.
LAUNCHER = """
import os, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
seconds = time.perf_counter() - start
if done.returncode:
    sys.exit(done.stdout.decode()[-2000:])
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end; nothing that was written before is still on its way to the disk."""
    os.sync()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
    seconds, peak = map(float, done.stdout.split())
    # Linux counts in kilobytes.
    return Cost(seconds, peak / (2**20 if platform.system() == "Darwin" else 2**10))


def ours(models: Sequence[Path], output: Path, options: Sequence[str]) -> Cost:
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "vibethinker", "fuse", *map(str, models), "--output", str(output), "--json"]
    return run([*command, *options])


def theirs(output: Path, configuration: Mapping[str, Any]) -> Cost:
    shutil.rmtree(output, ignore_errors=True)
    file = output.with_suffix(".json")
    file.write_text(json.dumps(configuration))
    command = [str(ENVIRONMENT / "bin" / "mergekit-yaml"), str(file), str(output), "--quiet", "--no-copy-tokenizer"]
    return run([*command, "--no-write-model-card"])


def jobs(models: Sequence[Path]) -> dict[str, tuple[Sequence[Path], list[str], dict[str, Any]]]:
    """Return by method the models, our options and mergekit's configuration. With a base it is the first model."""
    base, *rest = models
    with_base = ["--base", str(base), "--weights", "0.2,0.3,0.5"]

    def config(name: str, rows: Sequence[tuple[Path, dict[str, float]]], **more: Any) -> dict[str, Any]:  # noqa: ANN401
        found = [{"model": str(model), "parameters": parameters} for model, parameters in rows]
        return {"merge_method": name, "models": found, "dtype": "bfloat16", **more}

    def delta(name: str, **parameters: float) -> dict[str, Any]:
        rows = [(model, {"weight": share, **parameters}) for model, share in zip(rest, (0.2, 0.3, 0.5), strict=True)]
        return config(name, rows, base_model=str(base))

    linear = [(model, {"weight": share}) for model, share in zip(models, SHARES, strict=True)]
    arc = config("slerp", [(model, {}) for model in models[:2]], base_model=str(base), parameters={"t": 0.3})
    return {
        "linear": (models, ["--weights", ",".join(map(str, SHARES))], config("linear", linear)),
        "task_arithmetic": (rest, ["--method", "task_arithmetic", *with_base], delta("task_arithmetic")),
        "ties": (rest, ["--method", "ties", "--density", "0.2", *with_base], delta("ties", density=0.2)),
        "dare": (rest, ["--method", "dare", "--drop", "0.9", *with_base], delta("dare_linear", density=0.1)),
        "slerp": (models[:2], ["--method", "slerp", "--t", "0.3"], arc),
    }


def tensors_of(folder: Path) -> dict[str, Any]:
    """Return the tensors of a folder by name, each read when it is asked for."""
    found = {}
    for path in folder.glob("*.safetensors"):
        file: Any = safe_open(path, framework="pt")
        found.update(dict.fromkeys(file.keys(), file))
    return found


def changed_share(model: Path, fused: Path) -> float:
    """Return the share of numbers whose bits differ."""
    before, after = tensors_of(model), tensors_of(fused)
    different = total = 0
    for name, file in before.items():
        one, two = file.get_tensor(name), after[name].get_tensor(name)
        different += int((one.view(torch.int16) != two.view(torch.int16)).sum())
        total += one.numel()
    return different / total


def largest_error(models: Sequence[Path], fused: Path) -> float:
    """Return the largest distance of a linear fusion to the float64 sum, in units of bfloat16's last place.

    Where the models cancel to less than 2**-16 of the largest, the unit is that at 2**-16 of it: a float64 sum of
    weights that are not exact knows no more.
    """
    files, result = [tensors_of(model) for model in models], tensors_of(fused)
    worst = 0.0
    for name in files[0]:
        values = [file[name].get_tensor(name).flatten() for file in files]
        found = result[name].get_tensor(name).flatten()
        for start in range(0, len(found), LARGEST):
            block = torch.stack([value[start : start + LARGEST] for value in values]).double()
            exact = (block * torch.tensor(SHARES, dtype=torch.float64)[:, None]).sum(0) / sum(SHARES)
            size = exact.abs().maximum(block.abs().amax(0) * 2.0**-16).clamp(min=2.0**-126)
            # bfloat16 has 8 significant bits.
            unit = torch.exp2(size.log2().floor() - 7)
            worst = max(worst, float(((found[start : start + LARGEST].double() - exact).abs() / unit).max()))
    return worst


def show(title: str, pair: Sequence[float], unit: str, places: int = 1) -> None:
    """Print ours, theirs and the ratio."""
    mine, other = pair
    ratio = f"{other / mine:8.2f}" if mine else "       -"
    print(f"{title:46} {mine:10.{places}f} {other:10.{places}f} {ratio}  {unit}", flush=True)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="Where models go and stay; a temporary one by default.")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default="linear,task_arithmetic,ties,dare,slerp")
    options = parser.parse_args()
    if not (ENVIRONMENT / "bin" / "mergekit-yaml").is_file():
        raise SystemExit(f"no mergekit in {ENVIRONMENT}: make mergekit-parity builds it")
    with tempfile.TemporaryDirectory() as temporary:
        compare(options.folder or Path(temporary), options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Print the table."""
    models = [folder / f"{options.layers}-layers-{number}" for number in range(4)]
    for number, model in enumerate(models):
        make_model(model, options.layers, number)
    mine, other = folder / "ours", folder / "theirs"
    size = (models[0] / "model.safetensors").stat().st_size
    load = os.getloadavg()[0]
    print(f"models of {size / 1e9:.2f} GB, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start")
    print(f"{'median of ' + str(options.rounds) + ' rounds':46} {'ours':>10} {'theirs':>10} {'theirs/ours':>8}")
    start = run([sys.executable, "-c", "import vibethinker.engines.fusion"])
    worst = 0.0
    for name in options.methods.split(","):
        sources, arguments, configuration = jobs(models)[name]
        costs = [(ours(sources, mine, arguments), theirs(other, configuration)) for _ in range(options.rounds)]
        seconds = [[cost.seconds for cost in column] for column in zip(*costs, strict=True)]
        peaks = [max(cost.peak_mb for cost in column) for column in zip(*costs, strict=True)]
        worst = max(worst, peaks[0])
        show(f"{name}, seconds", [*map(statistics.median, seconds)], "s")
        show(f"{name}, seconds, least", [*map(min, seconds)], "s")
        show(f"{name}, peak memory", peaks, "MB")
        if name == "linear":
            errors = [largest_error(models, at) for at in (mine, other)]
            show("linear, largest error to a float64 sum", errors, "ulp", 3)
    # mergekit takes a model only once, by its path.
    copies = [folder / f"copy-{number}" for number in range(4)]
    for copy in copies:
        copy.unlink(missing_ok=True)
        copy.symlink_to(models[0].resolve())
    ours(copies, mine, jobs(copies)["linear"][1])
    theirs(other, jobs(copies)["linear"][2])
    shares = [100 * changed_share(models[0], at) for at in (mine, other)]
    show("a model fused with itself, parameters changed", shares, "%", 3)
    is_same = (mine / "model.safetensors").read_bytes() == (models[0] / "model.safetensors").read_bytes()
    print(f"a model fused with itself, ours: {'the same file' if is_same else 'ANOTHER FILE'}")
    print(
        f"our peak beyond the imported interpreter ({start.peak_mb:.0f} MB): {worst - start.peak_mb:.0f} MB; "
        f"two shards of the size written are {2 * min(size, SHARD_BYTES) / 1e6:.0f} MB"
    )
    shutil.rmtree(mine)
    shutil.rmtree(other)


if __name__ == "__main__":
    main()
