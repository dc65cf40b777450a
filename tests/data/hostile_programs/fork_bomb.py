# ruff: noqa
# mypy: ignore-errors
# class: bomb
# control: gets through without confinement
import time

for _ in range(100):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    print("BREACH forked")


def solve(n):
    return n
