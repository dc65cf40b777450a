# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 430, "aarch64": 430}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, b"tmpfs", 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
