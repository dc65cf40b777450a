# ruff: noqa
# mypy: ignore-errors
# class: file_write
# control: gets through without confinement
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", "."):
    attempt(lambda: (open(folder + "/vt_left", "w").write("left"), print("BREACH wrote in", folder)))
    attempt(lambda: (os.mkdir(folder + "/vt_left_folder"), print("BREACH made a folder in", folder)))


def solve(n):
    return n
