# ruff: noqa
# mypy: ignore-errors
# class: memory
# outcomes: memory_limit
size = int("100000000000")
text = "x" * size


def solve(n):
    return n
