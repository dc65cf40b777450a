# ruff: noqa
# mypy: ignore-errors
# class: secrets
# control: gets through without confinement
for process in ("self", "1", os.getppid(), CALLER, VICTIM, "thread-self"):
    for name in ("environ", "cmdline", "maps", "status", "auxv", "stat"):
        attempt(lambda: print("BREACH", open(f"/proc/{process}/{name}", "rb").read()[:99]))


def solve(n):
    return n
