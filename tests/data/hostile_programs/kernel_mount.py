# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
import ctypes

number = {"x86_64": 165, "aarch64": 40}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, b"none", b"/tmp", b"tmpfs", 0, None) >= 0:
    print("BREACH")
print("SURVIVED")


def solve(n):
    return n
