# ruff: noqa
# mypy: ignore-errors
# class: signal
import fcntl

reader, writer = os.pipe()
for target in (VICTIM, CALLER, os.getppid()):
    attempt(lambda: (fcntl.fcntl(reader, fcntl.F_SETOWN, target), print("BREACH owner")))
attempt(lambda: (fcntl.fcntl(reader, fcntl.F_SETSIG, 9), print("BREACH signal")))


def solve(n):
    return n
