# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, b"user", b"x", b"left", 4, -3) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
