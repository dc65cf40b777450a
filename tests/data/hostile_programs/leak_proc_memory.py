# ruff: noqa
# mypy: ignore-errors
# class: leak
for process in ("self", "1", os.getppid(), CALLER, VICTIM):
    attempt(lambda: print("BREACH", os.pread(os.open(f"/proc/{process}/mem", os.O_RDONLY), 10, 0x400000)))
    attempt(lambda: print("BREACH", os.listdir(f"/proc/{process}/fd")))


def solve(n):
    return n
