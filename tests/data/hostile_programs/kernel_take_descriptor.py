# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 438, "aarch64": 438}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 3, 0, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
