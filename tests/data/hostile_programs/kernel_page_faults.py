# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
