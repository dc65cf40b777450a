# ruff: noqa
# mypy: ignore-errors
# class: exec
attempt(lambda: os.execve("/bin/sh", ["sh", "-c", f"cat {CANARY}; echo left > {SCRATCH}/left"], {}))


def solve(n):
    return n
