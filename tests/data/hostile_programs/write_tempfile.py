# ruff: noqa
# mypy: ignore-errors
# class: file_write
import tempfile

for folder in (None, SCRATCH, "/dev/shm"):
    attempt(lambda: print("BREACH", tempfile.mkstemp(dir=folder)))


def solve(n):
    return n
