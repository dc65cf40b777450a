"""What a fusion shows when it is done."""

from collections.abc import Mapping
from typing import Any

from vibethinker.observe.formats import counted, decimal


def fusion_lines(manifest: Mapping[str, Any], output: str, seconds: float) -> list[str]:
    """Say what was fused, how, what came out and how fast, from a fusion's manifest."""
    parents, base, shards = manifest["parents"], manifest["base"], manifest["shards"]
    read = manifest["bytes"] * (len(parents) + (base is not None))
    rate = (read + manifest["bytes"]) / 1e6 / max(seconds, 1e-9)
    settings = [f"{name} {value:g}" for name, value in manifest["parameters"].items()]
    if base is not None:
        settings.append(f"base {base['model']}")
    fused = ", ".join(f"{decimal(parent['weight'], 3)} {parent['model']}" for parent in parents)
    types = ", ".join(manifest["dtypes"])
    return [
        f"fused    {fused}",
        f"method   {', '.join([manifest['method'], *settings])}",
        f"model    {counted(manifest['tensors'], 'tensor')}, {manifest['numbers']:,} parameters, {types}, "
        f"{manifest['bytes'] / 1e6:,.1f} MB in {counted(len(shards), 'file')}",
        f"time     {seconds:.1f} s, {rate:,.0f} MB/s read and written",
        f"output   {output}",
    ]
