# ruff: noqa
# mypy: ignore-errors
# class: output
# outcomes: output_limit runtime_error
import os

block = b"A" * (1 << 20)
for _ in range(1024):
    os.write(1, block)


def solve(n):
    return n
