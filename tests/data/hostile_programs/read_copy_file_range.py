# ruff: noqa
# mypy: ignore-errors
# class: file_read
import shutil

shutil.copyfile(CANARY, "/dev/stdout")


def solve(n):
    return n
