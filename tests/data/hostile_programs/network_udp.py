# ruff: noqa
# mypy: ignore-errors
# class: network
# control: gets through without confinement
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(b"hello", ("127.0.0.1", PORT))
print("BREACH sent")


def solve(n):
    return n
