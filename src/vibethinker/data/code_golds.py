"""Tests of a code problem as one JSON text: the reference answer that the ``code`` verifier judges programs by."""

import ast
import json
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Limits = Mapping[str, float]
Pair = tuple[Any, Any]

_INPUT_KEYS = ("input", "stdin", "arguments", "inputs")
_OUTPUT_KEYS = ("output", "expected_output", "stdout", "expected", "outputs")
_DECIMAL = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_FUNCTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)?")

FLOAT_TOLERANCE = 1e-6
"""Absolute or relative, where an expected answer holds a decimal fraction; ours, and usual among judges."""

# The sandbox's own limits, which stated ones only ever raise.
_CPU_S, _MOST_CPU_S, _MEMORY_MB, _MOST_MEMORY_MB = 4.0, 30.0, 512.0, 2048.0
_PYTHON_FACTOR = 2.0
"""Stated time limits are those of compiled languages; ours."""


NO_TESTS = "no tests: anything would pass"


class UnusableRowError(ValueError):
    """A row of a file that makes no problem; the message says why in one line."""


def stdio_gold(pairs: Iterable[Pair], limits: Limits | None = None) -> str:
    """Return the tests of a whole program: inputs to read, outputs to print.

    Raises:
        UnusableRowError: If there is none, or one that is no text.
    """
    tests = [
        {"input": _text(given, number, "input"), "output": _text(expected, number, "output")}
        for number, (given, expected) in enumerate(pairs, start=1)
    ]
    gold: dict[str, Any] = {"stdio": _some(tests)}
    if any(_DECIMAL.fullmatch(token) for test in tests for token in test["output"].split()):
        gold["float_tolerance"] = FLOAT_TOLERANCE
    return _encode(gold, limits)


def calls_gold(function: str, pairs: Iterable[Pair], limits: Limits | None = None) -> str:
    """Return the tests of a function: lists of arguments, and what is to be returned.

    Raises:
        UnusableRowError: If there is none, or arguments are no list, or the function has no usable name.
    """
    calls = []
    for number, (arguments, expected) in enumerate(pairs, start=1):
        if not isinstance(arguments, list):
            raise UnusableRowError(f"test {number}: arguments must be a list, got {type(arguments).__name__}")
        calls.append({"arguments": arguments, "expected": expected})
    gold: dict[str, Any] = {"function": checked_name(function), "calls": _some(calls)}
    if any(_holds_float(call["expected"]) for call in calls):
        gold["float_tolerance"] = FLOAT_TOLERANCE
    return _encode(gold, limits)


def asserts_gold(function: str, asserts: str | list[str], setup: str = "") -> str:
    """Return test code with asserts, one text or several tests, and what is run before: names that the asserts use.

    Raises:
        UnusableRowError: If there is no test code, or some is not Python, or the function has no usable name.
    """
    texts = [asserts] if isinstance(asserts, str) else asserts
    if not any(text.strip() for text in texts):
        raise UnusableRowError(NO_TESTS)
    if any(parsed(text) is None for text in [*texts, setup]):
        raise UnusableRowError("its test code is not Python 3")
    gold: dict[str, Any] = {"function": checked_name(function), "asserts": asserts}
    return _encode(gold | ({"setup": setup} if setup.strip() else {}), None)


def checked_name(function: str) -> str:
    """Return a function's name, ``f`` or ``Solution.f``.

    Raises:
        UnusableRowError: If it is none.
    """
    if not _FUNCTION.fullmatch(function):
        raise UnusableRowError(f"{function[:60]!r} is no function name such as f or Solution.f")
    return function


def read_pairs(tests: object) -> list[Pair]:
    """Return inputs and outputs from a list of objects that hold one each, or one object with a list of each.

    Either may stand as JSON text. Keys are those of the usual data sets, such as ``input`` and ``output``.

    Raises:
        UnusableRowError: If it is neither, or there are more of one than of the other.
    """
    tests = read_json(tests, "the tests") if isinstance(tests, str) else tests
    if not tests:
        return []
    if isinstance(tests, Mapping):
        given, expected = _value(tests, _INPUT_KEYS), _value(tests, _OUTPUT_KEYS)
        if not isinstance(given, list) or not isinstance(expected, list):
            raise UnusableRowError(f"the tests hold no lists of inputs and outputs, but {_keys(tests)}")
        if len(given) != len(expected):
            raise UnusableRowError(f"the tests have {len(given)} inputs and {len(expected)} outputs")
        return list(zip(given, expected, strict=True))
    if not isinstance(tests, list) or not all(isinstance(test, Mapping) for test in tests):
        raise UnusableRowError("the tests are neither a list of objects nor an object of lists")
    pairs = []
    for number, test in enumerate(tests, start=1):
        if not any(key in test for key in _INPUT_KEYS) or not any(key in test for key in _OUTPUT_KEYS):
            raise UnusableRowError(f"test {number} has no input and output, but {_keys(test)}")
        pairs.append((_value(test, _INPUT_KEYS), _value(test, _OUTPUT_KEYS)))
    return pairs


def read_json(text: str, what: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Read JSON text; nothing where there is none.

    Raises:
        UnusableRowError: If it is not JSON.
    """
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableRowError(f"{what} are not JSON: {str(error)[:80]}") from None


def stated_limits(time: object, memory: object) -> dict[str, float]:
    """Return limits from a statement's seconds and megabytes (numbers, or texts such as "2.0 seconds").

    Processor time is twice what is stated and 4 to 30 s, memory 512 to 2048 MB; what cannot be read is left out.

    >>> stated_limits("5.0 seconds", 256.0)
    {'cpu_s': 10.0}
    """
    limits = {}
    if (seconds := _number(time)) and (cpu_s := min(seconds * _PYTHON_FACTOR, _MOST_CPU_S)) > _CPU_S:
        limits["cpu_s"] = cpu_s
    if (megabytes := _number(memory)) and (memory_mb := min(megabytes, _MOST_MEMORY_MB)) > _MEMORY_MB:
        limits["memory_mb"] = memory_mb
    return limits


def parsed(program: str) -> ast.Module | None:
    """Return the tree of a program, nothing of which is run; None if it is not Python 3."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(program)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _number(value: object) -> float | None:
    match = re.match(r"\s*(\d+(?:\.\d+)?)", value) if isinstance(value, str) else None
    number = float(match.group(1)) if match else value
    good = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number) and number > 0
    return float(number) if good and isinstance(number, int | float) else None


def _text(value: object, number: int, what: str) -> str:
    """Return an input or an output as text; lists stand for lines in APPS and TACO."""
    if value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(line, list | Mapping) for line in value):
        return "\n".join(map(str, value))
    if isinstance(value, str | int | float):
        return str(value)
    raise UnusableRowError(f"test {number}: {what} must be text, got {type(value).__name__}")


def _holds_float(value: object) -> bool:
    if isinstance(value, list | dict):
        return any(map(_holds_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def _some(tests: list[Any]) -> list[Any]:
    if not tests:
        raise UnusableRowError(NO_TESTS)
    return tests


def _encode(gold: dict[str, Any], limits: Limits | None) -> str:
    whole = gold | ({"limits": dict(limits)} if limits else {})
    try:
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:  # dates, bytes and the like out of Parquet
        raise UnusableRowError(f"the tests cannot be written as JSON: {str(error)[:80]}") from None


def _value(test: Mapping[str, Any], keys: Sequence[str]) -> Any:  # noqa: ANN401
    return next((test[key] for key in keys if key in test), None)


def _keys(test: Mapping[str, Any]) -> str:
    return ", ".join(repr(key)[:40] for key in list(test)[:8]) or "nothing"
