# ruff: noqa
# mypy: ignore-errors
# class: memory
# outcomes: memory_limit
kept = []
while True:
    kept.append([0] * 10**6)


def solve(n):
    return n
