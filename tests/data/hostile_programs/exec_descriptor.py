# ruff: noqa
# mypy: ignore-errors
# class: exec
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.memfd_create(b"x", 0)
if descriptor >= 0:
    os.write(descriptor, b"#!/bin/sh\necho BREACH\n")
    attempt(lambda: os.execve(descriptor, ["x"], {}))
attempt(lambda: os.execve(os.open("/bin/sh", os.O_PATH), ["sh", "-c", "echo BREACH"], {}))


def solve(n):
    return n
