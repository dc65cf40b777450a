# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 1, 0, None) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
