# ruff: noqa
# mypy: ignore-errors
# class: state
import builtins
import json
import math
import sys

for place in (builtins, math, json, sys):
    if hasattr(place, "vt_left"):
        print("BREACH", place)
if "vt_left" in sys.modules or "VT_LEFT" in os.environ or sys.getrecursionlimit() == 77777:
    print("BREACH process state")


def solve(n):
    return n
