"""The order of the training data, fixed for a whole run before it starts.

Shufflers that keep a generator repeat or skip data when a run goes on after an interruption in a later pass. Here the
order of every pass is a function of the seed and the pass, so that position alone says what comes next.
"""

from collections.abc import Iterator
from random import Random

from torch.utils.data import Sampler

from vibethinker.algos.seeds import derive_seed


def planned_order(size: int, *, batch: int, batches: int, seed: int) -> list[int]:
    """Return ``batches`` batches of row numbers end to end; each pass over the ``size`` rows has its own order.

    A batch never holds a row twice; what is left over at the end of a pass is dropped.

    Raises:
        ValueError: If there are fewer rows than a batch takes.
    """
    if size < batch:
        raise ValueError(f"need at least one batch of rows, got {size} rows and batches of {batch}")
    order: list[int] = []
    number = 0
    while len(order) < batch * batches:
        rows = list(range(size))
        Random(derive_seed(seed, "pass", number)).shuffle(rows)  # noqa: S311 - not for cryptography
        order += rows[: size - size % batch]
        number += 1
    return order[: batch * batches]


class PlannedSampler(Sampler[int]):  # type: ignore[misc]
    """Yields a planned order, and is as long as it: the run is one epoch to the trainer."""

    def __init__(self, order: list[int]) -> None:
        """Take the row numbers in the order of their use."""
        self.order = order

    def __iter__(self) -> Iterator[int]:
        """Yield the row numbers."""
        return iter(self.order)

    def __len__(self) -> int:
        """Number of rows drawn in all."""
        return len(self.order)
