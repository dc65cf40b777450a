# ruff: noqa
# mypy: ignore-errors
# class: network
import socket

client = socket.socket(socket.AF_UNIX)
for name in ("\0vt_abstract", SCRATCH + "/socket", "/run/systemd/notify", "/dev/log", "/var/run/docker.sock"):
    attempt(lambda: (client.connect(name), print("BREACH connected", name)))


def solve(n):
    return n
