# ruff: noqa
# mypy: ignore-errors
# class: network
import socket

attempt(lambda: print("BREACH", socket.getaddrinfo("example.org", 80)))
import urllib.request

attempt(lambda: print("BREACH", urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1)))


def solve(n):
    return n
