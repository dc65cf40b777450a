# ruff: noqa
# mypy: ignore-errors
# class: bomb
import ctypes

libc = ctypes.CDLL(None)
for number, arguments in ((57, ()), (58, ()), (56, (17, 0, 0, 0, 0)), (220, (17, 0, 0, 0, 0)), (435, (bytes(88), 88))):
    if os.uname().machine == "x86_64" and number != 220 or os.uname().machine == "aarch64" and number in (220, 435):
        if libc.syscall(number, *arguments) >= 0:
            print("BREACH", number)
            os._exit(0)


def solve(n):
    return n
