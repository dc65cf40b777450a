"""The formulas of ``vibethinker.algos.fusion*`` on blocks of tensors.

A block is the same few hundred thousand numbers of every model, as they were read: in the models' own type, or wider
where an adapter was merged. Sums are float64 whatever the type, which costs nothing beside reading: the one rounding
that counts is that of the result. All but SLERP add differences to one of the models, so that equal models give
themselves to the last bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from vibethinker.algos.fusion_slerp import slerp_factors
from vibethinker.algos.fusion_ties import kept_count
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.fusion_methods import (
    DareMethod,
    FuseMethod,
    LinearMethod,
    SlerpMethod,
    TaskArithmeticMethod,
    TiesMethod,
)

Blocks = Sequence[torch.Tensor]
"""The same block of every model, the base's last where there is a base."""


@dataclass(frozen=True)
class Place:
    """Where a block lies.

    Attributes:
        name: The tensor's.
        start: Its first number.
        count: Numbers of the whole tensor.
    """

    name: str
    start: int
    count: int


class Kernel(Protocol):
    """One way to fuse. What it must know of a whole tensor it measures in passes over the blocks before."""

    passes: int
    """How many passes come before the one that fuses."""

    def measure(self, state: Any, blocks: Blocks, place: Place) -> Any:  # noqa: ANN401 - each kernel's own
        """Return what a block adds to the pass; ``state`` is what the pass before came to, None in the first."""
        ...

    def settle(self, state: Any, measured: Any, place: Place) -> Any:  # noqa: ANN401
        """Return what a pass came to, from the sum of what was measured."""
        ...

    def fuse(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401
        """Return the fused block in float64."""
        ...


def make_kernel(method: FuseMethod, weights: Sequence[float], seed: int) -> Kernel:
    """Return what computes a method with one weight per model; ``seed`` decides what DARE drops."""
    match method:
        case LinearMethod():
            return _straight(weights)
        case TaskArithmeticMethod():
            return Combination([method.scale * weight for weight in weights], anchor=-1)
        case TiesMethod():
            return Ties(weights, density=method.density, scale=method.scale)
        case DareMethod():
            own = seed if method.seed is None else method.seed
            return Dare(weights, drop=method.drop, scale=method.scale, seed=own)
        case SlerpMethod():
            return Slerp(weights[1])


def _straight(weights: Sequence[float]) -> "Combination":
    total = math.fsum(weights)
    # The heaviest: with all the weight it is the result, to the last bit.
    anchor = max(range(len(weights)), key=weights.__getitem__)
    return Combination([weight / total for weight in weights], anchor=anchor)


class _OnePass:
    """What kernels share that measure nothing."""

    passes = 0

    def measure(self, state: Any, blocks: Blocks, place: Place) -> Any:  # noqa: ANN401, ARG002
        """Nothing is measured, so that nothing may ask."""
        raise AssertionError("a kernel of one pass was asked to measure")

    def settle(self, state: Any, measured: Any, place: Place) -> Any:  # noqa: ANN401, ARG002
        """Nothing is measured, so that nothing may ask."""
        raise AssertionError("a kernel of one pass was asked to measure")


class Combination(_OnePass):
    """Linear and task arithmetic: one model, the anchor, plus factors times the others' differences to it."""

    def __init__(self, factors: Sequence[float], *, anchor: int) -> None:
        """Note one factor per model; ``anchor`` is a place among the blocks."""
        self.factors = factors
        self.anchor = anchor

    def fuse(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401, ARG002
        """Return the block of ``weighted_average`` or ``task_arithmetic``."""
        anchor = blocks[self.anchor].double()
        total = anchor.clone()
        for number, factor in enumerate(self.factors):
            if number != self.anchor % len(blocks):
                _step(total, anchor, blocks[number], factor)
        return total


def _step(total: torch.Tensor, anchor: torch.Tensor, block: torch.Tensor, factor: float) -> None:
    """Add ``factor * (block - anchor)``, in the order that keeps -0.0 where the two are equal."""
    if factor < 0:
        total.add_(block - anchor, alpha=factor)
    elif factor > 0:
        total.sub_(anchor - block, alpha=factor)


class Dare(_OnePass):
    """DARE: what is dropped depends on the seed, the model's and the number's place and the tensor's name only."""

    MASK_NUMBERS = 2**18
    """Numbers that one generator decides on; ours. Another value is another mask."""

    def __init__(self, weights: Sequence[float], *, drop: float, scale: float, seed: int) -> None:
        """Note the method's parameters."""
        self.factors = [scale * weight / (1 - drop) for weight in weights]
        self.drop = drop
        self.seed = seed

    def fuse(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401, ARG002
        """Return the block of ``dare``."""
        base = blocks[-1].double()
        total = base.clone()
        for number, factor in enumerate(self.factors):
            # Subtracted, as -0.0 less 0.0 stays -0.0.
            total.sub_((base - blocks[number]).mul_(self.kept(number, place, len(base))), alpha=factor)
        return total

    def kept(self, model: int, place: Place, count: int) -> torch.Tensor:
        """Return which of ``count`` numbers from the place on stay, of a model."""
        first, last = place.start // self.MASK_NUMBERS, -(-(place.start + count) // self.MASK_NUMBERS)
        chunks = [self._chunk(model, place.name, number) for number in range(first, last)]
        found = np.concatenate(chunks) if len(chunks) != 1 else chunks[0]
        return torch.from_numpy(found[place.start - first * self.MASK_NUMBERS :][:count])

    def _chunk(self, model: int, name: str, number: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        # numpy's, as it keeps a bit generator's stream for ever and makes the numbers several times faster.
        bits = np.random.SFC64(derive_seed(self.seed, "dare", model, name, number)).random_raw(self.MASK_NUMBERS // 2)
        return bits.view(np.uint32) >= round(self.drop * 2**32)


class Ties:
    """TIES. The smallest difference that is kept is found exactly in two passes, by counting.

    Magnitudes are compared as float32, whose bit patterns are ordered as they are: the first pass counts their upper
    halves, the second the lower halves of those whose upper half is that of the threshold.
    """

    passes = 2
    _LOW_BITS = 16
    _LOW = 2**16 - 1

    def __init__(self, weights: Sequence[float], *, density: float, scale: float) -> None:
        """Note the method's parameters."""
        self.weights = weights
        self.density = density
        self.scale = scale

    def measure(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401, ARG002
        """Return counts, models by values of half a bit pattern."""
        counts = []
        for number, magnitudes in enumerate(self._magnitudes(blocks)):
            bits = magnitudes.view(torch.int32)
            if state is None:
                counts.append(torch.bincount(bits >> self._LOW_BITS, minlength=2**15))
            else:
                high = state[number][0]
                inside = bits[(bits >> self._LOW_BITS) == high]
                counts.append(torch.bincount(inside & self._LOW, minlength=2**16))
        return torch.stack(counts)

    def settle(self, state: Any, measured: torch.Tensor, place: Place) -> list[tuple[int, int]]:  # noqa: ANN401
        """Return by model the upper half of the threshold and how many of those are kept, then all of it and 0."""
        wanted = [kept_count(place.count, density=self.density)] * len(measured)
        if state is not None:
            wanted = [rest for _, rest in state]
        found = [_from_the_top(counts, number) for counts, number in zip(measured, wanted, strict=True)]
        if state is None:
            return found
        return [(high << self._LOW_BITS | low, 0) for (high, _), (low, _) in zip(state, found, strict=True)]

    def fuse(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401, ARG002
        """Return the block of ``ties``."""
        base = blocks[-1].double()
        elected = torch.zeros_like(base)
        differences = []
        for number, magnitudes in enumerate(self._magnitudes(blocks)):
            difference = base - blocks[number]
            difference.mul_(magnitudes.view(torch.int32) >= state[number][0])
            elected.add_(difference, alpha=self.weights[number])
            differences.append(difference)
        total, shares = torch.zeros_like(base), torch.zeros_like(base)
        for difference, weight in zip(differences, self.weights, strict=True):
            agrees = (difference * elected.sign()).gt_(0)
            total.add_(difference.mul_(agrees), alpha=weight)
            shares.add_(agrees, alpha=weight)
        # Where nobody agrees the sum is 0 as well. Subtracted, as -0.0 less 0.0 stays -0.0.
        return base.sub(total.div_(shares.masked_fill_(shares == 0, 1)), alpha=self.scale)

    def _magnitudes(self, blocks: Blocks) -> list[torch.Tensor]:
        base = blocks[-1].double()
        return [(block - base).float().abs_() for block in blocks[:-1]]


def _from_the_top(counts: torch.Tensor, number: int) -> tuple[int, int]:
    """Return the highest value so that ``number`` are at least as high, and how many of its own that takes."""
    above = counts.flip(0).cumsum(0)
    place = int(torch.searchsorted(above, number))
    return len(counts) - 1 - place, number - (int(above[place - 1]) if place else 0)


class Slerp:
    """SLERP: the angle is that between the whole tensors, from sums over their blocks."""

    passes = 1

    def __init__(self, t: float) -> None:
        """Note how far along the arc."""
        self.t = t

    def measure(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401, ARG002
        """Return the inner product and both squared lengths."""
        a, b = blocks[0].double(), blocks[1].double()
        return torch.stack([a @ b, a @ a, b @ b])

    def settle(self, state: Any, measured: torch.Tensor, place: Place) -> Kernel | tuple[float, float]:  # noqa: ANN401, ARG002
        """Return the factors of both models, or the kernel of the straight line where they are its own."""
        dot, square_a, square_b = measured.tolist()
        factors = slerp_factors(dot, square_a, square_b, self.t)
        line = (1 - self.t, self.t)
        return _straight(line) if factors == line else factors

    def fuse(self, state: Any, blocks: Blocks, place: Place) -> torch.Tensor:  # noqa: ANN401
        """Return the block of ``slerp``."""
        if isinstance(state, Combination):
            return state.fuse(None, blocks, place)
        return (state[0] * blocks[0].double()).add_(blocks[1], alpha=state[1])
