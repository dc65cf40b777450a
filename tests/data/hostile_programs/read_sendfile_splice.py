# ruff: noqa
# mypy: ignore-errors
# class: file_read
descriptor = os.open(CANARY, os.O_RDONLY)
os.sendfile(1, descriptor, 0, 4096)


def solve(n):
    return n
