# ruff: noqa
# mypy: ignore-errors
# class: signal
import signal

attempt(lambda: (os.kill(CALLER, signal.SIGUSR1), print("BREACH signalled")))


def solve(n):
    return n
