"""The safetensors format is read as it is described, and a file that is not as described is refused in one line."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from vibethinker.engines.fusion.tensor_files import Tensor, plan_shards, read_layout
from vibethinker.errors import InputError

TYPES = [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int64, torch.int8, torch.bool, torch.uint8]


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.fixture
def saved(tmp_path):
    tensors = {
        f"{i}": torch.randint(0, 2, (i, 3), generator=torch.Generator().manual_seed(i)).to(kind)
        for i, kind in enumerate(TYPES)
    }
    save_file({**tensors, "ünïcode": torch.zeros(())}, tmp_path / "a.safetensors", metadata={"format": "pt"})
    return tmp_path / "a.safetensors"


def test_tensors_are_where_the_library_put_them(saved):
    tensors, metadata = read_layout(saved)
    data, loaded = saved.read_bytes(), load_file(saved)
    assert metadata == {"format": "pt"}
    assert {tensor.name for tensor in tensors} == loaded.keys()
    for tensor in tensors:
        found = loaded[tensor.name]
        assert tensor.shape == tuple(found.shape)
        raw = data[tensor.offset : tensor.offset + tensor.size]
        assert raw == found.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def test_a_planned_file_has_the_library_s_bytes(saved):
    tensors, metadata = read_layout(saved)
    (shard,) = plan_shards(tensors, metadata, max_bytes=10**9)
    assert saved.read_bytes().startswith(shard.header)
    assert shard.size == saved.stat().st_size
    assert shard.offsets == {tensor.name: tensor.offset for tensor in tensors}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 100))
def test_shards_keep_order_and_size_and_split_no_tensor(sizes, limit):
    from pathlib import Path

    tensors = [Tensor(str(number), "U8", (size,), Path("a"), 0) for number, size in enumerate(sizes)]
    shards = plan_shards(tensors, {}, max_bytes=limit)
    assert [name for shard in shards for name in shard.offsets] == [tensor.name for tensor in tensors]
    for shard in shards:
        assert shard.offsets
        held = shard.size - len(shard.header)
        assert held <= limit or len([name for name in shard.offsets if sizes[int(name)]]) == 1
    assert (shards[0].name == "model.safetensors") == (len(shards) == 1)


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"{ ", b"", "no readable safetensors file"),
        (b"\xff\xff", b"", "no readable safetensors file"),
        (b"[" * 100_000, b"", "no readable safetensors file"),
        (b"[]", b"", "its header is no JSON object"),
        (b'{"a":1,"a":2}', b"", "a name stands twice"),
        ({"__metadata__": {"a": 1}}, b"", "its metadata are no texts"),
        ({"__metadata__": []}, b"", "its metadata are no texts"),
        ({"a": 1}, b"", "entry for a is not as the format has it"),
        ({"a": {"dtype": "F32", "shape": [1]}}, b"1234", "entry for a is not as the format has it"),
        ({"a": entry([1], 0, 4, dtype="Q4")}, b"1234", "tensor a has type Q4"),
        ({"a": entry([-1], 0, 4)}, b"1234", "entry for a is not as"),
        ({"a": entry([1.0], 0, 4)}, b"1234", "entry for a is not as"),
        ({"a": entry([True], 0, 4)}, b"1234", "entry for a is not as"),
        ({"a": entry([1], -4, 0)}, b"1234", "entry for a is not as"),
        ({"a": entry([2], 0, 4)}, b"1234", "takes 8 bytes, its header says 4"),
        ({"a": entry([2**62, 2**62], 0, 4)}, b"1234", "takes .* bytes, its header says 4"),
        ({"a": entry([1], 4, 8)}, b"12345678", "tensor a begins at byte"),
        ({"a": entry([1], 0, 4), "b": entry([1], 2, 6)}, b"123456", "tensor b begins at byte"),
        ({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, b"1234", "tensor b begins at byte"),
        ({"a": entry([1], 0, 4)}, b"12345", "its tensors end at byte"),
        ({"a": entry([1], 0, 4)}, b"123", "its tensors end at byte"),
    ],
)
def test_a_header_that_is_not_the_format_s_is_refused(tmp_path, header, data, message):
    with pytest.raises(InputError, match=message) as found:
        read_layout(write(tmp_path / "a.safetensors", header, data))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("length", [0, 1, 2**40, 2**64 - 1, 100])
def test_a_header_s_length_beyond_the_file_is_refused_and_nothing_of_that_size_is_read(tmp_path, length):
    with pytest.raises(InputError, match="no whole safetensors file"):
        read_layout(write(tmp_path / "a.safetensors", {}, length=length))


@pytest.mark.parametrize("content", [b"", b"1234567"])
def test_a_file_shorter_than_its_length_is_refused(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="no whole safetensors file"):
        read_layout(tmp_path / "a.safetensors")
