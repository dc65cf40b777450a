# ruff: noqa
# mypy: ignore-errors
# class: memory
# short: it only burns time
def solve(n):
    return (n + 3) ** (10 ** (n + 3))
