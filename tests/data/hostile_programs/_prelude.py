# ruff: noqa
# mypy: ignore-errors
# Put before every program: where it runs, and how it tries things.
import os

SCRATCH, CANARY = "@SCRATCH@", "@SCRATCH@/canary.txt"
PORT, VICTIM, CALLER = int("@PORT@"), int("@VICTIM@"), int("@CALLER@")


def attempt(action):
    try:
        return action()
    except BaseException as error:
        return print("denied:", type(error).__name__, error)


def hunt(objects):
    """Numbers that look like the expected value, wherever they hide."""
    seen, found, stack = set(), [], list(objects)
    while stack and len(seen) < 50_000:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if type(item) is int and str(item).startswith("777") and len(str(item)) == 12:
            found.append(item)
        elif type(item) in (list, tuple, set, frozenset):
            stack.extend(item)
        elif type(item) is dict:
            stack.extend(list(item.values()))
    return found
