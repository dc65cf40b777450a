# ruff: noqa
# mypy: ignore-errors
# class: output
# short: it only burns time
# outcomes: output_limit wrong_answer memory_limit
def solve(n):
    return list(range(10**7))
