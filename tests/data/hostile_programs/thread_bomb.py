# ruff: noqa
# mypy: ignore-errors
# class: bomb
# outcomes: thread_limit
import threading
import time

threading.stack_size(32768)
count = 0
try:
    while count < 3000:
        threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
        count += 1
finally:
    if count > 64:
        print("BREACH threads", count)


def solve(n):
    return n
