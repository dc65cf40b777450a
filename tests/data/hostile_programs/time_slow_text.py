# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
class Slow(Exception):
    def __str__(self):
        while True:
            pass


def solve(n):
    raise Slow
