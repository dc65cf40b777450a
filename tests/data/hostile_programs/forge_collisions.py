# ruff: noqa
# mypy: ignore-errors
# class: forge
def solve(n):
    return {k * (2**61 - 1) for k in range(1, 3000)}
