"""The slow path's parts: settings, what a worker may do, messages."""

import os
import socket
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from vibethinker.verify.slow_path import SlowPath
from vibethinker.verify.slow_path.protocol import MAX_MESSAGE_BYTES, BrokenMessageError, frame, receive, send
from vibethinker.verify.slow_path.zygote import _confine


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "need workers >= 1, got 0"),
        ({"memory_mb": 10}, "need memory_mb >= 256, got 10"),
        ({"deadline_s": 0}, "need 0 < deadline_s < inf, got 0"),
        ({"deadline_s": float("nan")}, "need 0 < deadline_s < inf, got nan"),
    ],
)
def test_impossible_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlowPath(**options)


@pytest.mark.parametrize(
    "harm",
    [
        lambda: eval("1 + 1"),  # noqa: S307
        lambda: exec("x = 1"),  # noqa: S102
        lambda: open("/dev/null", "w"),  # noqa: PTH123, SIM115
        lambda: os.system("true"),  # noqa: S605
        lambda: os.fork(),
        lambda: subprocess.run(["true"]),
        lambda: socket.socket(),
    ],
)
def test_a_worker_runs_no_text_and_reaches_nothing(harm: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _confine(64 * 1024)
            harm()
        except PermissionError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_messages_come_as_they_were_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            for message in ({}, {"text": "\ud800\x00\n\u2028"}, {"number": [1, None, True]}):
                send(ours, message)
                assert receive(theirs) == message
                whole = frame(message)
                ours.sendall(whole[5:])
                assert receive(theirs, whole[:5]) == message
        assert receive(ours) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", MAX_MESSAGE_BYTES + 1),
        struct.pack(">I", 0),
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 2) + b"\xff\xff",
    ],
)
def test_what_is_no_message_is_told(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(data)
        with pytest.raises(BrokenMessageError):
            receive(theirs)


def test_a_message_too_long_is_not_sent() -> None:
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        frame({"text": "x" * MAX_MESSAGE_BYTES})
