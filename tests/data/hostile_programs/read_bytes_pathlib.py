# ruff: noqa
# mypy: ignore-errors
# class: file_read
# control: gets through without confinement
import pathlib

print(pathlib.Path(CANARY).read_bytes())


def solve(n):
    return n
