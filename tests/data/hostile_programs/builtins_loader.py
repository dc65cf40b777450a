# ruff: noqa
# mypy: ignore-errors
# class: builtins
# control: gets through without confinement
from importlib.machinery import SourceFileLoader

attempt(lambda: print(SourceFileLoader("x", CANARY).get_data(CANARY)))


def solve(n):
    return n
