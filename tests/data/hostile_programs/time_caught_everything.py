# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
def solve(n):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
