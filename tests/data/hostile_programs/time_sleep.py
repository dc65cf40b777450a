# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: timeout
import time


def solve(n):
    while True:
        time.sleep(100)
