# ruff: noqa
# mypy: ignore-errors
# class: file_write
import stat

for folder in (SCRATCH, "/tmp", "/dev/shm"):
    attempt(lambda: (os.mkfifo(folder + "/vt_fifo"), print("BREACH fifo")))
    attempt(lambda: (os.mknod(folder + "/vt_node", 0o600 | stat.S_IFCHR, os.makedev(1, 1)), print("BREACH node")))


def solve(n):
    return n
