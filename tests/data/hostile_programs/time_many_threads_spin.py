# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
import threading


def spin():
    while True:
        sum(range(1000))


def solve(n):
    for _ in range(8):
        threading.Thread(target=spin).start()
    spin()
