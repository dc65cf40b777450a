# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, bytes(128), 0, -1, -1, 0) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
