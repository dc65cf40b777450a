# ruff: noqa
# mypy: ignore-errors
# class: file_read
# outcomes: sandbox_violation
import ctypes

libc = ctypes.CDLL(None)
handle = ctypes.create_string_buffer(b"\x80\0\0\0\0\0\0\0" + bytes(128), 136)
mount = ctypes.c_int()
if libc.name_to_handle_at(-100, CANARY.encode(), handle, ctypes.byref(mount), 0) == 0:
    print("BREACH a handle")


def solve(n):
    return n
