# ruff: noqa
# mypy: ignore-errors
# class: file_read
for path in (
    "/dev/mem",
    "/dev/kmem",
    "/dev/kmsg",
    "/dev/vda",
    "/dev/sda",
    "/dev/port",
    "/dev/fuse",
    "/dev/kvm",
    "/dev/tty",
):
    attempt(lambda: print("BREACH", path, os.open(path, os.O_RDONLY)))


def solve(n):
    return n
