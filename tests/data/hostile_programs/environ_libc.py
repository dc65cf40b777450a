# ruff: noqa
# mypy: ignore-errors
# class: secrets
import ctypes

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
print(libc.getenv(b"VT_SECRET"))
block = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
for index in range(200):
    if not block or not block[index]:
        break
    print(block[index])


def solve(n):
    return n
