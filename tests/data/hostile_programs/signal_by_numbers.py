# ruff: noqa
# mypy: ignore-errors
# class: signal
import ctypes

libc = ctypes.CDLL(None)
x86 = os.uname().machine == "x86_64"
for target in (VICTIM, CALLER, os.getppid(), 1):
    if target > 0:
        descriptor = libc.syscall(434, target, 0)
        if descriptor >= 0 and libc.syscall(424, descriptor, 10, None, 0) == 0:
            print("BREACH by descriptor")
        for number in (200, 62) if x86 else (130, 129):
            if libc.syscall(number, target, 10) == 0:
                print("BREACH", number)
        if libc.syscall(129 if x86 else 138, target, 10, bytes(128)) == 0:
            print("BREACH queued")


def solve(n):
    return n
