# ruff: noqa
# mypy: ignore-errors
# class: file_write
# control: gets through without confinement
open(SCRATCH + "/left", "w").write("left")


def solve(n):
    return n
