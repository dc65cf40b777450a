# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: timeout
import threading


def solve(n):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
