# ruff: noqa
# mypy: ignore-errors
# class: file_read
# control: gets through without confinement
for path in (
    "/etc/shadow",
    "/etc/passwd",
    "/etc/hostname",
    "/root/.bash_history",
    "/etc/ssl/openssl.cnf",
    "/proc/cmdline",
):
    attempt(lambda: print("BREACH", path, len(open(path, "rb").read())))


def solve(n):
    return n
