"""What the slow path's processes say to one another: a bounded JSON object after its length, over a socket pair.

Notation of a message: 4 bytes, big-endian: the length N of the text; then N bytes of JSON, one object. Nothing is ever
pickled, so the worst that a worker taken over by an answer can send is a wrong verdict.
"""

import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

SlowStatus = Literal["judged", "gold_unparseable", "answer_unparseable", "timeout"]
SLOW_STATUSES: tuple[SlowStatus, ...] = get_args(SlowStatus)

MAX_CHARACTERS = 2_000
"""Characters of a gold or an answer; longer ones are refused unread."""

MAX_MESSAGE_BYTES = 64 * 1024
"""Two texts of MAX_CHARACTERS fit even when JSON spells every character with twelve bytes."""

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class SlowJudgement:
    """What the slow path says of one answer.

    Attributes:
        correct: True or False where ``judged``; None for ``gold_unparseable``, of which nothing is known; False for
            ``answer_unparseable`` and ``timeout``, as in ``records.Verdict``.
        status: ``judged``, or what kept it from being so. ``timeout`` includes answers that used up the memory and
            answers on which two workers died.
        reason: One line for a person; empty where judged.
        ms: Milliseconds that a worker had it; no part of a judgement's equality.
    """

    correct: bool | None
    status: SlowStatus
    reason: str = ""
    ms: float = field(default=0.0, compare=False)


class BrokenMessageError(Exception):
    """The other side sent something that is no message: it is broken, and not to be talked to any more."""


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message.

    Raises:
        ValueError: If the message is over ``MAX_MESSAGE_BYTES``; nothing is sent then.
        OSError: If the other side is gone, or did not read within the socket's timeout.
    """
    connection.sendall(frame(message))


def frame(message: dict[str, Any]) -> bytes:
    """Return the bytes of a message.

    Raises:
        ValueError: If they are over ``MAX_MESSAGE_BYTES``.
    """
    # Plain ASCII, so that half of a surrogate pair travels too.
    text = json.dumps(message, ensure_ascii=True).encode()
    if len(text) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES} bytes, got {len(text)}: shorten its texts")
    return _LENGTH.pack(len(text)) + text


def receive(connection: socket.socket, begun: bytes = b"") -> dict[str, Any] | None:
    """Return the next message; None where the other side has closed. ``begun``: bytes of it that were read already.

    Raises:
        BrokenMessageError: If it is too long, cut short, or no JSON object.
        OSError: If nothing came within the socket's timeout.
    """
    head = _read(connection, _LENGTH.size, begun)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_MESSAGE_BYTES:
        raise BrokenMessageError(f"a message has at most {MAX_MESSAGE_BYTES} bytes, announced were {length}")
    text = _read(connection, length, begun[_LENGTH.size :])
    try:
        message = json.loads(text or b"")
    except ValueError as error:
        raise BrokenMessageError("not JSON") from error
    if not isinstance(message, dict):
        raise BrokenMessageError(f"not an object but {type(message).__name__}")
    return message


def _read(connection: socket.socket, size: int, begun: bytes) -> bytes | None:
    """Return ``size`` bytes, of which the first may be in ``begun``; None where there is not one of them."""
    data = begun[:size]
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            if data:
                raise BrokenMessageError("cut short")
            return None
        data += more
    return data
