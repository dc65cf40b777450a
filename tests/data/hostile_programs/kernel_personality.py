# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 135, "aarch64": 92}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0x0400000) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
