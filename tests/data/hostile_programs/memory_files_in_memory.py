# ruff: noqa
# mypy: ignore-errors
# class: memory
# control: gets through without confinement
import ctypes

libc = ctypes.CDLL(None)
for index in range(200):
    descriptor = libc.memfd_create(b"x", 0)
    if descriptor < 0:
        break
    os.truncate(descriptor, 1 << 20)
    print("BREACH a file in memory")


def solve(n):
    return n
