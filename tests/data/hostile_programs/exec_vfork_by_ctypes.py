# ruff: noqa
# mypy: ignore-errors
# class: exec
import ctypes

libc = ctypes.CDLL(None)
if libc.system(f"touch {SCRATCH}/left".encode()) == 0:
    print("BREACH system")


def solve(n):
    return n
