# ruff: noqa
# mypy: ignore-errors
# class: output
# short: it only burns time
import itertools


def solve(n):
    return (x for x in itertools.count())
