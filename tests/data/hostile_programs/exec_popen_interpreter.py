# ruff: noqa
# mypy: ignore-errors
# class: exec
import subprocess
import sys

attempt(lambda: print(subprocess.check_output([sys.executable, "-c", f"print(open({CANARY!r}).read())"])))


def solve(n):
    return n
