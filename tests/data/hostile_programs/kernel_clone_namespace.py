# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0x10000011, 0, 0, 0, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
