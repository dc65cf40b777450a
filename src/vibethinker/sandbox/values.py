"""Values as tagged JSON: written by the confined child, read and compared outside as claims.

Only exact builtins are ever decoded: None, bool, int, float, complex, str, bytes, bytearray, list, tuple, set,
frozenset, dict, range. A subclass is written as its builtin content (an OrderedDict as a dict, a numpy scalar as a
number); an iterator is written as its items under a tag of its own, equal to no list; anything else is opaque and
equal to nothing.
"""

import itertools
import json
import math
from types import GeneratorType
from typing import Any

DEPTH_LIMIT = 100
_SMALL_INTEGER = 2**53
# The encoding of equal values differs by less than this factor in length: True is true, {"f":"0x1.0000000000000p+0"},
# {"i":"1"}.
_LENGTH_RATIO, _LENGTH_SLACK = 64, 4096

Json = Any
_ITERATORS: tuple[type, ...] = (
    type(iter([])),
    type(iter(())),
    map,
    zip,
    filter,
    enumerate,
    reversed,
    GeneratorType,
    itertools.chain,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)


class ValueFormatError(ValueError):
    """Bytes that claim to be a value and are not one."""


class Opaque:
    """Something that cannot leave the child: equal to nothing, not even to itself."""

    def __init__(self, type_name: str) -> None:
        """Keep what it claims to be."""
        self.type_name = type_name


def to_json(value: Any, depth: int = 0) -> Json:  # noqa: ANN401
    """Return ``value`` as plain JSON data with tags; what cannot be told becomes opaque."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_SMALL_INTEGER < value < _SMALL_INTEGER else {"i": hex(value)}
    if kind is float:
        return {"f": value.hex()}
    if depth >= DEPTH_LIMIT:
        return {"o": "nested too deeply"}
    return _container_to_json(value, kind, depth + 1)


def _container_to_json(value: Any, kind: type, depth: int) -> Json:  # noqa: ANN401
    if issubclass(kind, list):
        return [to_json(item, depth) for item in list.__iter__(value)]
    if issubclass(kind, dict):
        return {"d": [[to_json(key, depth), to_json(item, depth)] for key, item in dict.items(value)]}
    bases: tuple[tuple[Any, str], ...] = ((tuple, "t"), (set, "s"), (frozenset, "z"))
    for base, tag in bases:
        if issubclass(kind, base):
            return {tag: [to_json(item, depth) for item in base.__iter__(value)]}
    if issubclass(kind, bytes | bytearray):
        return {"B" if issubclass(kind, bytearray) else "b": bytes(value).hex()}
    if issubclass(kind, int):
        return to_json(int.__index__(value), depth)
    if issubclass(kind, float):
        return {"f": float.hex(value)}
    if issubclass(kind, str):
        return str.__str__(value) if type(str.__str__(value)) is str else "".join(str.__iter__(value))
    if issubclass(kind, complex):
        return {"c": [float(value.real).hex(), float(value.imag).hex()]}
    if kind is range:
        return {"r": [to_json(value.start), to_json(value.stop), to_json(value.step)]}
    if kind in _ITERATORS:
        return {"g": [to_json(item, depth) for item in value]}
    if kind.__module__ == "numpy" and hasattr(value, "tolist"):
        return to_json(value.tolist(), depth)
    return {"o": str(kind.__qualname__)[:100]}


def opaque_in(data: Json, *, iterators: bool = True) -> str | None:
    """Return what in plain JSON data stands for no builtin value (nor, if asked, an iterator); None if nothing does."""
    if isinstance(data, list):
        return next((found for found in (opaque_in(item, iterators=iterators) for item in data) if found), None)
    if isinstance(data, dict):
        tag, content = next(iter(data.items()))
        if tag == "o" or (tag == "g" and iterators):
            return str(content) if tag == "o" else "an iterator"
        return opaque_in(content, iterators=iterators)
    return None


def encode(value: object) -> bytes:
    """Return ``value`` as one line of ASCII without its end.

    >>> encode([1, (2.5, "é")])
    b'[1,{"t":[{"f":"0x1.4000000000000p+1"},"\\\\u00e9"]}]'
    """
    return json.dumps(to_json(value), separators=(",", ":")).encode("ascii")


def parse(line: bytes) -> Json:
    """Return the plain JSON data of ``line``.

    Raises:
        ValueFormatError: If it is not JSON, or nested beyond what an encoder writes.
    """
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueFormatError(f"not a value: {str(error)[:80]}") from None


def decode(data: Json) -> object:
    """Return the value that the plain JSON ``data`` stands for.

    Sets and dicts are hashed here: only for trusted data, or in a process that can be killed.

    Raises:
        ValueFormatError: If it is not what ``to_json`` writes.
    """
    if data is None or isinstance(data, bool | int | str):
        return data
    if isinstance(data, list):
        return [decode(item) for item in data]
    tag, content = _tag_of(data)
    try:
        return _decode_tagged(tag, content)
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
        raise ValueFormatError(f"not a value of tag {tag!r}") from None


def _tag_of(data: Json) -> tuple[str, Json]:
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueFormatError("not a tagged value")
    return next(iter(data.items()))


def _decode_tagged(tag: str, content: Json) -> object:
    if tag == "i":
        return int(content, 16)
    if tag == "f":
        return float.fromhex(content)
    if tag == "c":
        return complex(float.fromhex(content[0]), float.fromhex(content[1]))
    if tag in ("b", "B"):
        return bytes.fromhex(content) if tag == "b" else bytearray.fromhex(content)
    if tag == "r":
        return range(*(_whole(item) for item in content))
    if tag == "d":
        return {decode(key): decode(item) for key, item in content}
    if tag == "o":
        return Opaque(str(content))
    items = [decode(item) for item in content]
    return {"t": tuple, "s": set, "z": frozenset, "g": iter}[tag](items)  # type: ignore[operator]


def _whole(data: Json) -> int:
    value = decode(data)
    if type(value) is not int:
        raise ValueFormatError("not a whole number")
    return value


def may_equal(line_length: int, expected_length: int) -> bool:
    """Return whether a claim of ``line_length`` bytes can equal a value whose encoding has ``expected_length``.

    Parsing a claim that cannot would cost what its author pleases.
    """
    return line_length <= _LENGTH_RATIO * expected_length + _LENGTH_SLACK


def equal(claimed: Json, expected: Json, *, float_tolerance: float | None = None) -> bool:
    """Return whether two values in plain JSON form are equal as Python values, without hashing a claimed one.

    Numbers compare across bool, int and float as in Python; a NaN equals a NaN; an expected list is met by a tuple
    too, because tests kept as JSON cannot say tuple. Sets and dict keys compare exactly.

    Args:
        claimed: What the child wrote.
        expected: What the test wants, encoded outside.
        float_tolerance: Absolute or relative difference allowed between numbers of which one is a float; None: exact.
    """
    if isinstance(claimed, str) or isinstance(expected, str) or claimed is None or expected is None:
        return type(claimed) is type(expected) and claimed == expected
    if isinstance(expected, list):
        items = claimed if isinstance(claimed, list) else _content(claimed, "t")
        return _all_equal(items, expected, float_tolerance)
    wanted = _number(expected)
    if wanted is not None:
        got = _number(claimed)
        return got is not None and _numbers_equal(got, wanted, float_tolerance)
    tag, content = _tag_of(expected)
    if tag == "t":
        return _all_equal(_content(claimed, "t"), content, float_tolerance)
    if tag in ("s", "z"):
        items = _content(claimed, "s") or _content(claimed, "z") or []
        return _is_set(claimed) and sorted(map(canonical, items)) == sorted(map(canonical, content))
    if tag == "d":
        return _dicts_equal(_content(claimed, "d"), content, float_tolerance)
    if tag in ("b", "B"):
        return content in (_content(claimed, "b"), _content(claimed, "B"))
    return tag != "o" and tag != "g" and canonical(claimed) == canonical(expected)


def _is_set(data: Json) -> bool:
    return _content(data, "s") is not None or _content(data, "z") is not None


def _content(data: Json, tag: str) -> Any:  # noqa: ANN401
    if isinstance(data, dict) and len(data) == 1 and tag in data:
        content = data[tag]
        if tag in ("b", "B") or isinstance(content, list):
            return content
    return None


def _all_equal(claimed: list[Json] | None, expected: list[Json], tolerance: float | None) -> bool:
    if claimed is None or len(claimed) != len(expected):
        return False
    return all(equal(a, b, float_tolerance=tolerance) for a, b in zip(claimed, expected, strict=True))


def _dicts_equal(claimed: list[Json] | None, expected: list[Json], tolerance: float | None) -> bool:
    if claimed is None or len(claimed) != len(expected):
        return False
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in claimed):
        return False
    ours, theirs = (sorted(((canonical(k), v) for k, v in pairs), key=lambda p: p[0]) for pairs in (claimed, expected))
    return all(a[0] == b[0] and equal(a[1], b[1], float_tolerance=tolerance) for a, b in zip(ours, theirs, strict=True))


def _number(data: Json) -> int | float | None:
    if isinstance(data, int):  # bool too
        return data
    if isinstance(data, dict) and len(data) == 1 and ("i" in data or "f" in data):
        value = decode(data)
        return value if isinstance(value, int | float) else None
    return None


def _numbers_equal(got: float, wanted: float, tolerance: float | None) -> bool:
    if got == wanted:
        return True
    if isinstance(got, float) and isinstance(wanted, float) and math.isnan(got) and math.isnan(wanted):
        return True
    if tolerance is None or (type(got) is int and type(wanted) is int):
        return False
    try:
        return math.isclose(got, wanted, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:
        return False


def canonical(data: Json) -> str:
    """Return a text that equal hashable values share: 1, 1.0 and True; sets in any order."""
    if isinstance(data, list):
        return f"[{','.join(map(canonical, data))}]"
    number = _number(data)
    if number is not None:
        whole = number == number and abs(number) != math.inf and number == int(number)
        return f"n{hex(int(number)) if whole else repr(number)}"
    if isinstance(data, str) or data is None:
        return json.dumps(data)
    tag, content = _tag_of(data)
    if tag in ("s", "z") and isinstance(content, list):
        return f"{{{','.join(sorted(map(canonical, content)))}}}"
    if tag == "r":
        return (
            f"r{list(range(*(_whole(item) for item in content))[:2])}{len(range(*(_whole(item) for item in content)))}"
        )
    return f"{tag}:{_join(content)}"


def _join(content: Json) -> str:
    return ",".join(map(canonical, content)) if isinstance(content, list) else str(content)
