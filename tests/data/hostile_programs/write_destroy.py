# ruff: noqa
# mypy: ignore-errors
# class: file_write
for action in (
    os.remove,
    os.unlink,
    os.rmdir,
    lambda p: os.rename(p, p + "2"),
    lambda p: os.truncate(p, 0),
    lambda p: os.replace(p, "/tmp/x"),
):
    attempt(lambda: (action(CANARY), print("BREACH", action)))


def solve(n):
    return n
