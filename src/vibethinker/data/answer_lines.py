"""Lines of a JSONL file with somebody's answers: read one by one, each told from what is malformed."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is malformed; it bounds the memory that a file can take."""

_SHOWN_CHARACTERS = 200

Choices = str | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True)
class AnswerLine:
    """What a line holds.

    Attributes:
        number: Its place in the file, 1 for the first.
        id: Its ``id``; its number where it has none.
        gold: Its ``gold``, or else its ``answer``; a number as it was written, ``0.50`` with both digits.
        prediction: Its ``prediction``; empty where none was asked for.
        choices: Its ``choices``, where they were asked for: letters, texts, or texts by letter.
    """

    number: int
    id: str | int | float
    gold: str
    prediction: str
    choices: Choices | None


class MalformedLineError(Exception):
    """A line that holds no answer to grade; says why."""


def raw_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """Yield each line's number, text and length in bytes; of one over the limit no more than its first part."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        length = len(raw)
        ended = length <= MAX_LINE_BYTES or raw.endswith(b"\n")
        while not ended and (rest := file.readline(MAX_LINE_BYTES)):
            length += len(rest)
            ended = rest.endswith(b"\n")
        # A byte order mark is no part of the first line.
        yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw, length


def parse_line(raw: bytes, number: int, *, predictions: bool, choices: bool, tests: bool = False) -> AnswerLine:
    """Read a line; ``predictions`` and ``choices`` say whether those are wanted, ``tests`` whether a gold is tests.

    Tests may stand there as text or as the JSON object that the text would hold.

    Raises:
        MalformedLineError: If it is no JSON object, or one of its values is missing or of a wrong type.

    >>> parse_line(b'{"gold": 0.50, "prediction": "1/2"}', 7, predictions=True, choices=False)
    AnswerLine(number=7, id=7, gold='0.50', prediction='1/2', choices=None)
    """
    if len(raw) > MAX_LINE_BYTES:
        raise MalformedLineError(f"longer than {MAX_LINE_BYTES // 2**20} MiB")
    try:
        row = json.loads(raw.decode(), parse_float=_WrittenFloat.read)
    except UnicodeDecodeError:
        raise MalformedLineError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedLineError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, brackets thousands deep.
        raise MalformedLineError(f"not JSON that can be read: {error}") from None
    if not isinstance(row, dict):
        raise MalformedLineError(f"must be a JSON object, got {_type(row)}")
    return AnswerLine(
        number,
        _id(row.get("id"), number),
        _gold(row, tests=tests),
        _prediction(row) if predictions else "",
        _choices(row.get("choices")) if choices else None,
    )


def shortened(text: str) -> str:
    """Cut a text to a length that can be listed."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


class _WrittenFloat(float):
    """A number with a fraction or an exponent that keeps the way it was written."""

    text: str

    @classmethod
    def read(cls, text: str) -> "_WrittenFloat":
        number = cls(text)
        number.text = text
        return number


def _id(value: object, number: int) -> str | int | float:
    if value is None:
        return number
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedLineError(f"id must be text or a number, got {_type(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise MalformedLineError(f"id must be a finite number, got {value}")
    return value


def _gold(row: Mapping[str, Any], *, tests: bool) -> str:
    name = "answer" if row.get("gold") is None and "answer" in row else "gold"
    if name not in row:
        raise MalformedLineError(f'no "gold" and no "answer"; it has {_names(row)}')
    if tests and isinstance(row[name], dict):
        try:
            return json.dumps(row[name])
        except RecursionError:
            raise MalformedLineError(f"{name} is nested too deeply") from None
    hint = ": write several answers as one text, such as 1,2" if isinstance(row[name], list) else ""
    return _text(row[name], name, hint)


def _prediction(row: Mapping[str, Any]) -> str:
    if "prediction" not in row:
        raise MalformedLineError(f'no "prediction"; it has {_names(row)}')
    value = row["prediction"]
    if not isinstance(value, str):
        raise MalformedLineError(f"prediction must be text, got {_type(value)}")
    return value


def _choices(value: object) -> Choices | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_text(choice, "a choice") for choice in value]
    if isinstance(value, dict):
        return {letter: _text(choice, "a choice") for letter, choice in value.items()}
    raise MalformedLineError(f"choices must be letters, a list of texts or an object, got {_type(value)}")


def _text(value: object, name: str, hint: str = "") -> str:
    """Return a text, or a number as its text."""
    if isinstance(value, str):
        return value
    if isinstance(value, _WrittenFloat):
        return value.text
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MalformedLineError(f"{name} must be text or a number, got {_type(value)}{hint}")


def _type(value: object) -> str:
    """Name a JSON value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case dict():
            return "an object"
        case list():
            return "a list"
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return "a number"


def _names(row: Mapping[str, Any]) -> str:
    return shortened(", ".join(map(repr, row))) or "nothing"
