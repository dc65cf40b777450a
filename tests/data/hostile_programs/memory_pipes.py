# ruff: noqa
# mypy: ignore-errors
# class: memory
import fcntl

total = 0
try:
    while total < 1 << 28:
        _, end = os.pipe()
        attempt(lambda: fcntl.fcntl(end, 1031, 1 << 20))
        os.set_blocking(end, False)
        total += os.write(end, b"x" * (1 << 20))
finally:
    if total > 1 << 24:
        print("BREACH", total >> 20, "MB in pipes")


def solve(n):
    return n
