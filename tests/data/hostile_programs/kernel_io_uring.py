# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 425, "aarch64": 425}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 8, bytes(120)) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
