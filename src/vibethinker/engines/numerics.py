"""Numeric type and threads, chosen by a short measurement and kept for the whole run.

CPUs differ too much for a default: bfloat16 halves the time of a step on a processor that multiplies it natively and
multiplies it by ten on one that does not.
"""

import logging
import os
import time

import torch

from vibethinker.interfaces import Numerics

# A layer's worth of work on a micro-batch of the micro model: tokens, hidden and intermediate size. Ours.
_ROWS, _HIDDEN, _INTERMEDIATE = 4096, 256, 512
_REPEATS = 8
# bfloat16 must be this much faster to be worth its rounding; ours.
_WORTHWHILE_GAIN = 1.3

log = logging.getLogger(__name__)


def choose(dtype: str = "auto", threads: int | None = None) -> Numerics:
    """Choose device, threads and numeric type; what the recipe fixes is not measured.

    On a CUDA device bfloat16 is taken where the device computes in it natively.
    """
    count = threads if threads is not None else len(os.sched_getaffinity(0))
    if torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        chosen = dtype if dtype != "auto" else ("bfloat16" if native else "float32")
        return Numerics(chosen, count, "cuda", torch.cuda.get_device_name())
    if dtype != "auto":
        return Numerics(dtype, count, "cpu", "as the recipe says")
    torch.set_num_threads(count)
    single, half = _seconds(torch.float32), _seconds(torch.bfloat16)
    if half * _WORTHWHILE_GAIN < single:
        return Numerics("bfloat16", count, "cpu", f"{single / half:.1f} times faster than fp32 here")
    return Numerics("float32", count, "cpu", f"bf16 takes {half / single:.1f} times as long here")


def apply(numerics: Numerics) -> None:
    """Set the tensor library up accordingly, deterministic on the CPU."""
    torch.set_num_threads(numerics.threads)
    log.info("%s, %d threads, %s (%s)", numerics.device, numerics.threads, numerics.dtype, numerics.reason)


def _seconds(dtype: torch.dtype) -> float:
    """Time a feed-forward layer, forward and backward under autocast as in training; the best of several rounds."""
    layer = torch.nn.Sequential(
        torch.nn.RMSNorm(_HIDDEN),
        torch.nn.Linear(_HIDDEN, _INTERMEDIATE),
        torch.nn.SiLU(),
        torch.nn.Linear(_INTERMEDIATE, _HIDDEN),
    )
    tokens = torch.ones(_ROWS, _HIDDEN)
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            loss = layer(tokens).float().mean()
        loss.backward()
        best = min(best, time.perf_counter() - start)
    return best
