# ruff: noqa
# mypy: ignore-errors
# class: state
import builtins
import json
import math
import random
import sys

builtins.vt_left = math.vt_left = json.vt_left = sys.vt_left = 1
sys.modules["vt_left"] = math
os.environ["VT_LEFT"] = "1"
random.seed(5)
sys.setrecursionlimit(77777)


def solve(n):
    return n
