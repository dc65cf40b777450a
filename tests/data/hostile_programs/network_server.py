# ruff: noqa
# mypy: ignore-errors
# class: network
# control: gets through without confinement
import socket

server = socket.create_server(("127.0.0.1", 0))
print("BREACH listens", server.getsockname())


def solve(n):
    return n
