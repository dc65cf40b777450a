# ruff: noqa
# mypy: ignore-errors
# class: bomb
import pty

pid, _ = pty.fork()
print("BREACH", pid)
if pid == 0:
    os._exit(0)


def solve(n):
    return n
