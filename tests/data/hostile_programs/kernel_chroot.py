# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 161, "aarch64": 51}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, b".") >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
