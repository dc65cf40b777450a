# ruff: noqa
# mypy: ignore-errors
# class: memory
import mmap

kept = []
while True:
    area = mmap.mmap(-1, 1 << 26)
    area[::4096] = b"x" * len(area[::4096])
    kept.append(area)
    if len(kept) > 12:
        print("BREACH", len(kept) * 64, "MB")
        break


def solve(n):
    return n
