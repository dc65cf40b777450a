# ruff: noqa
# mypy: ignore-errors
# class: bomb
import _thread
import time

count = 0
_thread.stack_size(32768)
try:
    for _ in range(3000):
        _thread.start_new_thread(time.sleep, (3,))
        count += 1
except RuntimeError:
    pass
if count > 64:
    print("BREACH threads", count)


def solve(n):
    return n
