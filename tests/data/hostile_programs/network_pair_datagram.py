# ruff: noqa
# mypy: ignore-errors
# class: network
import socket

for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    attempt(lambda: (socket.socketpair(socket.AF_UNIX, kind), print("BREACH pair", kind)))
ours, theirs = socket.socketpair()
attempt(lambda: (ours.sendto(b"x", "\0vt_abstract"), print("BREACH addressed")))
attempt(lambda: (ours.connect("\0vt_abstract"), print("BREACH connected")))
attempt(lambda: (ours.bind("\0vt_own"), print("BREACH bound")))
attempt(lambda: (socket.send_fds(ours, [b"x"], [1]), print("BREACH sent a descriptor")))


def solve(n):
    return n
