# ruff: noqa
# mypy: ignore-errors
# class: network
# control: gets through without confinement
import socket

for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 40, 38, 16):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        attempt(lambda: (socket.socket(family, kind), print("BREACH socket", family, kind)))


def solve(n):
    return n
