# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
import re


def solve(n):
    return re.match(r"(a|a)*$", "a" * 60 + "b")
