# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 313, "aarch64": 273}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0, b"", 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
