# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, b".", b".") >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
