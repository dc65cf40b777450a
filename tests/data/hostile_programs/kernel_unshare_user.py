# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0x10000000) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
