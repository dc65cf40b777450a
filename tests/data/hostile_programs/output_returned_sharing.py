# ruff: noqa
# mypy: ignore-errors
# class: output
# short: it only burns time
def solve(n):
    value = [1]
    for _ in range(90):
        value = [value, value]
    return value
