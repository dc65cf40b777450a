# ruff: noqa
# mypy: ignore-errors
# class: network
import ctypes

libc = ctypes.CDLL(None)
for number in (41, 198):
    if libc.syscall(number, 2, 1, 0) > 2 and os.uname().machine == {41: "x86_64", 198: "aarch64"}[number]:
        print("BREACH a socket by its number")


def solve(n):
    return n
