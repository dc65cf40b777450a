# ruff: noqa
# mypy: ignore-errors
# class: bomb
import multiprocessing

for method in ("fork", "spawn", "forkserver"):
    attempt(lambda: (multiprocessing.get_context(method).Process(target=print).start(), print("BREACH", method)))


def solve(n):
    return n
