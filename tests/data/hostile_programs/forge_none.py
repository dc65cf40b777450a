# ruff: noqa
# mypy: ignore-errors
# class: forge
# mode: assert
def solve(n):
    return None
