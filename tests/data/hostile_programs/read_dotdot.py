# ruff: noqa
# mypy: ignore-errors
# class: file_read
base = os.path.dirname(os.__file__)
attempt(lambda: print(open(base + "/.." * 12 + CANARY).read()))
descriptor = os.open(base + "/json", os.O_RDONLY)
attempt(lambda: print(os.read(os.open("../" * 14 + CANARY[1:], os.O_RDONLY, dir_fd=descriptor), 4096)))
attempt(lambda: (os.fchdir(descriptor), os.chdir("../" * 14), print(open(CANARY[1:]).read())))


def solve(n):
    return n
