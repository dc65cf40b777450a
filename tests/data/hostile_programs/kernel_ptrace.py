# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 101, "aarch64": 117}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 16, VICTIM, 0, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
