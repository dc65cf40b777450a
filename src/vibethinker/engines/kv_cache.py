"""A key-value cache with room for the whole generation from the start.

transformers' dynamic cache copies everything it holds for every token it adds; on a CPU that costs more than a micro
model's forward pass. This one reserves the room once, writes in place, and hands out views.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer


class _RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer in buffers with spare room at the end."""

    def __init__(self, room: int) -> None:
        """Reserve ``room`` positions beyond those first written."""
        super().__init__()
        self.room = room
        self.length = 0
        self.key_buffer: torch.Tensor
        self.value_buffer: torch.Tensor

    def _reserve(self, new: torch.Tensor) -> torch.Tensor:
        rows, heads, length, size = new.shape
        return new.new_empty((rows, heads, length + self.room, size))

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ANN401, ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states of shape (rows, heads, positions, size) and return all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.key_buffer, self.value_buffer = self._reserve(key_states), self._reserve(value_states)
        end = self.length + key_states.shape[-2]
        self.key_buffer[:, :, self.length : end] = key_states
        self.value_buffer[:, :, self.length : end] = value_states
        self.length = end
        self.keys, self.values = self.key_buffer[:, :, :end], self.value_buffer[:, :, :end]
        return self.keys, self.values

    def select(self, rows: torch.Tensor) -> None:
        """Keep (or repeat) the given rows."""
        self.key_buffer, self.value_buffer = self.key_buffer[rows], self.value_buffer[rows]
        self.keys, self.values = self.key_buffer[:, :, : self.length], self.value_buffer[:, :, : self.length]


class RoomyCache(DynamicCache):  # type: ignore[misc]
    """A cache for a model of ``layers`` layers that grows by at most ``room`` positions after the prompt."""

    def __init__(self, *, layers: int, room: int) -> None:
        """Reserve nothing yet: the prompt's states say how large a position is."""
        super().__init__()
        self.layers = [_RoomyLayer(room) for _ in range(layers)]

    def select(self, rows: torch.Tensor) -> None:
        """Keep (or repeat) the given rows in every layer."""
        for layer in self.layers:
            layer.select(rows)
