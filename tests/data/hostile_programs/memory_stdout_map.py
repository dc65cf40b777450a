# ruff: noqa
# mypy: ignore-errors
# class: memory
for descriptor in range(200):
    attempt(lambda: (os.ftruncate(descriptor, 1 << 30), print("BREACH grew", descriptor)))
    attempt(lambda: (os.posix_fallocate(descriptor, 0, 1 << 30), print("BREACH allocated", descriptor)))


def solve(n):
    return n
