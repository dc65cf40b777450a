# ruff: noqa
# mypy: ignore-errors
# class: signal
import signal

attempt(lambda: (os.kill(os.getppid(), signal.SIGKILL), print("BREACH signalled")))


def solve(n):
    return n
