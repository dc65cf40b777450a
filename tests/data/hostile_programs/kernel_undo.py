# ruff: noqa
# mypy: ignore-errors
# class: kernel
import ctypes

libc = ctypes.CDLL(None)
for option, value in ((1, 0), (4, 1), (8, 1), (38, 0), (22, 0), (24, 0), (36, 1), (0x59616D61, -1)):
    if libc.prctl(option, value, 0, 0, 0) == 0:
        print("BREACH prctl", option)


def solve(n):
    return n
