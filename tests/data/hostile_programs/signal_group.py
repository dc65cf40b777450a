# ruff: noqa
# mypy: ignore-errors
# class: signal
import signal

attempt(lambda: (os.killpg(0, signal.SIGKILL), print("BREACH signalled")))


def solve(n):
    return n
