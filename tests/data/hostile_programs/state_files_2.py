# ruff: noqa
# mypy: ignore-errors
# class: state
for folder in ("/tmp", "/dev/shm", ".", "/var/tmp", SCRATCH):
    attempt(lambda: print("BREACH", open(folder + "/vt_state").read()))


def solve(n):
    return n
