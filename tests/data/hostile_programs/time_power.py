# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout memory_limit
def solve(n):
    return pow(n, 10 ** (n + 2)) % 2 or 10 ** (10 ** (n + 2))
