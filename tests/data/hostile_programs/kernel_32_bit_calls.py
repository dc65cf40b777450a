# ruff: noqa
# mypy: ignore-errors
# class: kernel
# outcomes: sandbox_violation
# machine: x86_64
import ctypes
import mmap

# mov eax, 20 (getpid of i386); int 0x80; ret
area = mmap.mmap(-1, 4096, prot=7)
area.write(b"\xb8\x14\0\0\0\xcd\x80\xc3")
pid = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(area)))()
if pid == os.getpid():
    print("BREACH a 32-bit call")


def solve(n):
    return n
