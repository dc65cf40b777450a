# ruff: noqa
# mypy: ignore-errors
# class: output
def solve(n):
    value = []
    for _ in range(10**5):
        value = [value]
    return value
