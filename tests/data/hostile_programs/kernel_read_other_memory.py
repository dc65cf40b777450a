# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 310, "aarch64": 270}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, VICTIM, None, 0, None, 0, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
