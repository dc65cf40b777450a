"""The safetensors format: which tensors a file holds and where, read without trusting the file, and written.

Source: the format's description in huggingface/safetensors (README.md, "Format"): 8 bytes with the length of a JSON
header, the header, then the tensors' bytes without gaps. Plain reads instead of a memory map: mapped pages count as
memory of the process and are fetched one fault at a time.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from vibethinker.errors import InputError

LARGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""
METADATA = "__metadata__"
ITEM_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
}
"""Size of a number by the format's name of its type; types of less than a byte are not read."""
_LENGTH_BYTES = 8
# The header is padded with spaces so that the data begins at a multiple of this.
_ALIGNMENT = 8


@dataclass(frozen=True)
class Tensor:
    """A tensor as a file holds it.

    Attributes:
        name: Its name.
        dtype: The format's name of its type, such as ``BF16``.
        shape: Its shape, outermost first.
        path: The file.
        offset: Of its first byte in the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    offset: int

    @property
    def count(self) -> int:
        """Numbers it holds."""
        return prod(self.shape)

    @property
    def item_bytes(self) -> int:
        """Bytes of one number."""
        return ITEM_BYTES[self.dtype]

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return self.count * self.item_bytes


def read_layout(path: Path) -> tuple[list[Tensor], dict[str, str]]:
    """Return the tensors of a file in the order of their bytes, and the file's metadata.

    Raises:
        InputError: If it is no whole safetensors file: a header that is no JSON of the format, sizes that do not fit
            the shapes, bytes that overlap, are missing or are left over.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or not 2 <= length <= min(LARGEST_HEADER, size - _LENGTH_BYTES):
                raise InputError(f"{path} is no whole safetensors file: {size} bytes with a header of {length}")
            header = json.loads(file.read(length).decode(), object_pairs_hook=_without_repeats)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is no readable safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path} is no safetensors file: its header is no JSON object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InputError(f"{path} is no safetensors file: its metadata are no texts by name")
    begin = _LENGTH_BYTES + length
    tensors = sorted((_tensor(path, name, entry, begin) for name, entry in header.items()), key=_by_place)
    end = begin
    for tensor in tensors:
        if tensor.offset != end:
            raise InputError(f"{path} is damaged: tensor {tensor.name} begins at byte {tensor.offset}, expected {end}")
        end += tensor.size
    if end != size:
        raise InputError(f"{path} is damaged: its tensors end at byte {end}, the file at {size}: download it again")
    return tensors, metadata


def content(tensor: Tensor) -> bytes:
    """Return the SHA-256 of a tensor's bytes."""
    digest, left = hashlib.sha256(), tensor.size
    with tensor.path.open("rb") as file:
        file.seek(tensor.offset)
        while left:
            block = file.read(min(left, 2**20))
            if not block:
                raise InputError(f"{tensor.path} has become shorter while it was read: leave it alone and try again")
            digest.update(block)
            left -= len(block)
    return digest.digest()


def _by_place(tensor: Tensor) -> tuple[int, int]:
    # An empty tensor begins where the next one does.
    return tensor.offset, tensor.size


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return found


def _tensor(path: Path, name: str, entry: object, begin: int) -> Tensor:
    """Return a header's entry as a tensor; its data offsets count from ``begin``."""
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, end]} if dtype in ITEM_BYTES and all(
            type(number) is int and number >= 0 for number in (*shape, start, end)
        ):
            tensor = Tensor(name, dtype, tuple(shape), path, begin + start)
            if tensor.size == end - start:
                return tensor
            raise InputError(
                f"{path} is damaged: tensor {name} of shape {shape} and type {dtype} takes {tensor.size} bytes, "
                f"its header says {end - start}"
            )
        case {"dtype": str(dtype)} if dtype not in ITEM_BYTES:
            raise InputError(f"{path}: tensor {name} has type {dtype}, which is not read: use {', '.join(ITEM_BYTES)}")
        case _:
            raise InputError(
                f"{path} is no safetensors file: the header's entry for {name} is not as the format has it"
            )


@dataclass(frozen=True)
class Shard:
    """One file of a model that is about to be written.

    Attributes:
        name: Of the file.
        header: Its bytes before the tensors'.
        offsets: Of each tensor's first byte in the file, by name; in the order of the file.
        size: Bytes of the whole file.
    """

    name: str
    header: bytes
    offsets: Mapping[str, int]
    size: int


def plan_shards(tensors: Sequence[Tensor], metadata: Mapping[str, str], *, max_bytes: int) -> list[Shard]:
    """Divide tensors into files of at most ``max_bytes`` of tensors, in their order; a larger tensor has its own.

    One file is ``model.safetensors``, several are numbered as Hugging Face does it.
    """
    groups: list[list[Tensor]] = [[]]
    for tensor in tensors:
        if groups[-1] and sum(each.size for each in groups[-1]) + tensor.size > max_bytes:
            groups.append([])
        groups[-1].append(tensor)
    if len(groups) == 1:
        return [_shard("model.safetensors", groups[0], metadata)]
    return [
        _shard(f"model-{number:05d}-of-{len(groups):05d}.safetensors", group, metadata)
        for number, group in enumerate(groups, start=1)
    ]


def _shard(name: str, tensors: Sequence[Tensor], metadata: Mapping[str, str]) -> Shard:
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    place, places = 0, {}
    for tensor in tensors:
        places[tensor.name] = place
        place += tensor.size
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [places[tensor.name], place],
        }
    # As safetensors itself writes it, so that the same tensors make the same file.
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    begin = _LENGTH_BYTES + len(text)
    return Shard(
        name,
        len(text).to_bytes(_LENGTH_BYTES, "little") + text,
        {tensor: begin + offset for tensor, offset in places.items()},
        begin + place,
    )
