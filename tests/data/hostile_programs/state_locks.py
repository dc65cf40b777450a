# ruff: noqa
# mypy: ignore-errors
# class: state
import fcntl

descriptor = os.open(os.__file__, os.O_RDONLY)
attempt(lambda: (fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB), print("BREACH locked a shared file")))
attempt(lambda: (fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB), print("BREACH locked a part of it")))
attempt(lambda: (fcntl.fcntl(descriptor, 1024, fcntl.F_RDLCK), print("BREACH leased it")))


def solve(n):
    return n
