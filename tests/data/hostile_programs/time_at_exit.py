# ruff: noqa
# mypy: ignore-errors
# class: time
# mode: stdio
# outcomes: cpu_limit timeout
import atexit


@atexit.register
def forever():
    while True:
        pass
