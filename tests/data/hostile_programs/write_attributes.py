# ruff: noqa
# mypy: ignore-errors
# class: file_write
for action in (
    lambda: os.chmod(CANARY, 0o777),
    lambda: os.chown(CANARY, 0, 0),
    lambda: os.utime(CANARY, (1, 1)),
    lambda: os.setxattr(CANARY, "user.x", b"left"),
    lambda: os.chmod(SCRATCH, 0o777),
):
    attempt(lambda: (action(), print("BREACH attribute")))


def solve(n):
    return n
