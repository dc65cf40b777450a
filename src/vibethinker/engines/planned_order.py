"""The order of the training data, fixed for a whole run before it starts.

Shufflers that keep a generator repeat or skip data when a run goes on after an interruption in a later pass. Here the
order of every pass is a function of the seed and the pass, so that position alone says what comes next.
"""

from collections.abc import Iterator
from itertools import repeat
from random import Random

from torch.utils.data import Sampler

from vibethinker.algos.seeds import derive_seed


class PlannedOrder:
    """Batches of row numbers; each pass over the rows has its own order, a function of the seed and the pass.

    A batch never holds a row twice; what is left over at the end of a pass is dropped.
    """

    def __init__(self, size: int, *, batch: int, seed: int) -> None:
        """Plan batches of ``batch`` among ``size`` rows.

        Raises:
            ValueError: If there are fewer rows than a batch takes.
        """
        if size < batch:
            raise ValueError(f"need at least one batch of rows, got {size} rows and batches of {batch}")
        self.size = size
        self.per_batch = batch
        self.seed = seed
        self._pass = -1
        self._rows: list[int] = []

    def batch(self, number: int) -> list[int]:
        """Return the rows of a batch, counted from 0."""
        which, place = divmod(number, self.size // self.per_batch)
        if which != self._pass:
            self._rows = list(range(self.size))
            Random(derive_seed(self.seed, "pass", which)).shuffle(self._rows)  # noqa: S311 - not for cryptography
            self._pass = which
        return self._rows[place * self.per_batch : (place + 1) * self.per_batch]


def planned_order(size: int, *, batch: int, batches: int, seed: int) -> list[int]:
    """Return ``batches`` batches of row numbers end to end, see ``PlannedOrder``.

    Raises:
        ValueError: If there are fewer rows than a batch takes.
    """
    order = PlannedOrder(size, batch=batch, seed=seed)
    return [row for number in range(batches) for row in order.batch(number)]


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


class NoOrder(Sampler[int]):  # type: ignore[misc]
    """Row 0 again and again: for trainers that choose their rows when they need them and only count these."""

    def __init__(self, length: int) -> None:
        """Yield as many."""
        self.length = length

    def __iter__(self) -> Iterator[int]:
        """Yield row 0."""
        return repeat(0, self.length)

    def __len__(self) -> int:
        """Number of rows yielded."""
        return self.length
