# ruff: noqa
# mypy: ignore-errors
# class: output
# outcomes: protocol_error
import os

for _ in range(7):
    os.write(4, b"\n" * (1 << 20))


def solve(n):
    return n
