# ruff: noqa
# mypy: ignore-errors
# class: builtins
# control: gets through without confinement
import ctypes

libc = ctypes.CDLL(None)
descriptor = libc.open(CANARY.encode(), 0)
buffer = ctypes.create_string_buffer(4096)
libc.read(descriptor, buffer, 4095)
print(buffer.value)


def solve(n):
    return n
