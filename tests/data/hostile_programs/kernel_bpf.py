# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0, bytes(64), 64) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
