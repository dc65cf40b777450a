# ruff: noqa
# mypy: ignore-errors
# class: file_read
import ctypes

libc = ctypes.CDLL(None)
how = (ctypes.c_uint64 * 3)(0, 0, 0)
descriptor = libc.syscall(437, -100, CANARY.encode(), how, 24)
if descriptor >= 0:
    print("BREACH", os.read(descriptor, 4096))


def solve(n):
    return n
