# ruff: noqa
# mypy: ignore-errors
# class: exec
# control: gets through without confinement
attempt(lambda: os.system(f"echo left > {SCRATCH}/left; cat {CANARY}"))


def solve(n):
    return n
