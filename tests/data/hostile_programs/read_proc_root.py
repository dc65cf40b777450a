# ruff: noqa
# mypy: ignore-errors
# class: file_read
for base in (
    "/proc/self/root",
    "/proc/1/root",
    f"/proc/{VICTIM}/root",
    f"/proc/{CALLER}/root",
    "/proc/self/cwd",
    "/proc/thread-self/root",
):
    attempt(lambda: print(open(base + CANARY).read()))


def solve(n):
    return n
