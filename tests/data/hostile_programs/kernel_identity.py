# ruff: noqa
# mypy: ignore-errors
# class: kernel
for action in (
    lambda: os.setuid(0),
    lambda: os.setgid(0),
    lambda: os.setgroups([0]),
    lambda: os.setresuid(0, 0, 0),
    os.setsid,
    lambda: os.nice(-5),
):
    attempt(lambda: (action(), print("BREACH", action)))
if os.getuid() == 0 or 0 in os.getgroups():
    print("BREACH is root")


def solve(n):
    return n
