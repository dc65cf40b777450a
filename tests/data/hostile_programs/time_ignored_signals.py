# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
import signal

for number in signal.valid_signals():
    attempt(lambda: signal.signal(number, signal.SIG_IGN))
attempt(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))


def solve(n):
    while True:
        pass
