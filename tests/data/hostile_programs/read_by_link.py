# ruff: noqa
# mypy: ignore-errors
# class: file_read
for folder in ("/tmp", "/dev/shm", os.path.dirname(os.__file__), "."):
    attempt(lambda: (os.symlink(CANARY, folder + "/vt_link"), print(open(folder + "/vt_link").read())))
    attempt(lambda: (os.link(CANARY, folder + "/vt_hard"), print(open(folder + "/vt_hard").read())))


def solve(n):
    return n
