# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 1, b"x") >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
