# ruff: noqa
# mypy: ignore-errors
# class: network
import socket

client = socket.create_connection(("127.0.0.1", PORT), 1)
client.sendall(b"hello")
print("BREACH connected")


def solve(n):
    return n
