# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
# machine: x86_64
import ctypes

if ctypes.CDLL(None).syscall(0x40000000 | 39) > 0:
    print("BREACH an x32 call")


def solve(n):
    return n
