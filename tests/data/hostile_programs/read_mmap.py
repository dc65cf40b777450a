# ruff: noqa
# mypy: ignore-errors
# class: file_read
import mmap

descriptor = os.open(CANARY, os.O_RDONLY)
print(bytes(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)))


def solve(n):
    return n
