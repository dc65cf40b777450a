# ruff: noqa
# mypy: ignore-errors
# class: kernel
import ctypes

libc = ctypes.CDLL(None)
for name, arguments in (("shmget", (7, 4096, 0o1666)), ("msgget", (7, 0o1666)), ("semget", (7, 1, 0o1666))):
    if getattr(libc, name)(*arguments) >= 0:
        print("BREACH", name)
from multiprocessing import shared_memory

attempt(lambda: print("BREACH", shared_memory.SharedMemory("vt_shared", create=True, size=64)))


def solve(n):
    return n
