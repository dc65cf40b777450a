"""The gold of a code problem, read into tests for the sandbox; ``vibethinker.verify.code`` documents its forms."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vibethinker.sandbox import AssertTest, CallTest, Limits, StdioTest
from vibethinker.verify.flattened_tests import FlattenedTests, FlattenedTestsError

Test = AssertTest | CallTest | StdioTest

LIMITS: Mapping[str, float] = {"cpu_s": 600, "wall_s": 1800, "memory_mb": 16384, "output_mb": 256}
"""What a gold may set under ``limits``, with the largest value of each."""

VACUOUS = "no tests: it would pass vacuously"

_KEYS = {
    "calls": {"function", "calls", "float_tolerance", "limits"},
    "stdio": {"stdio", "float_tolerance", "limits"},
    "asserts": {"function", "asserts", "setup", "limits"},
}
_flattened = FlattenedTests()


class CodeGoldError(ValueError):
    """A gold that no program can be graded by; says why in one line."""


@dataclass(frozen=True)
class CodeTests:
    """What a gold holds.

    Attributes:
        tests: At least one.
        limits: What a program may use; None: what the sandbox grants.
        size: Characters of the text that the tests were read from.
    """

    tests: tuple[Test, ...]
    limits: Limits | None
    size: int


def read_tests(gold: str) -> CodeTests:
    """Read the gold of a code problem.

    Raises:
        CodeGoldError: If it is not of a known form, holds no test, or its tests could not fail.

    >>> read_tests('{"function": "f", "calls": [{"arguments": [1], "expected": 2}]}').tests
    (CallTest(function='f', arguments=[1], expected=2, float_tolerance=None),)
    """
    form = _form(gold)
    text = gold
    if "tests_in" in form:
        text = _pointed_at(form)
        form = _form(text)
        if "tests_in" in form:
            raise CodeGoldError("the row that tests_in points at is a pointer itself")
    kinds = [kind for kind in _KEYS if kind in form]
    if len(kinds) != 1:
        if not set(form) - {"function", "limits", "float_tolerance", "setup"}:
            raise CodeGoldError(VACUOUS)
        found = " and ".join(kinds) or ", ".join(map(repr, form))[:200]
        raise CodeGoldError(f"need one of calls, stdio, asserts or tests_in, got {found}")
    (kind,) = kinds
    _allow(form, _KEYS[kind], kind)
    try:
        return CodeTests(_READERS[kind](form), _limits(form.get("limits")), len(text))
    except CodeGoldError:
        raise
    except (ValueError, TypeError, RecursionError) as error:  # what the sandbox's own types refuse
        raise CodeGoldError(" ".join(str(error).split())[:300]) from None


def _form(text: str) -> dict[str, Any]:
    if not text.strip():
        raise CodeGoldError(VACUOUS)
    try:
        form = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodeGoldError(f"not JSON: {str(error)[:200]}") from None
    if not form:
        raise CodeGoldError(VACUOUS)
    if not isinstance(form, dict):
        raise CodeGoldError(f"must be a JSON object, got {type(form).__name__}")
    return form


def _pointed_at(form: Mapping[str, Any]) -> str:
    _allow(form, {"tests_in", "id"}, "tests_in")
    path, row_id = form["tests_in"], form.get("id")
    if not isinstance(path, str) or not path.endswith(".parquet"):
        raise CodeGoldError(f"tests_in must be the path of a .parquet file, got {path!r:.100}")
    if not isinstance(row_id, str) or not row_id:
        raise CodeGoldError(f"tests_in needs the id of a row, a text, got {row_id!r:.100}")
    try:
        return _flattened.read(path, row_id)
    except FlattenedTestsError as error:
        raise CodeGoldError(str(error)) from None


def _allow(form: Mapping[str, Any], keys: set[str], kind: str) -> None:
    unknown = sorted(set(form) - keys)
    if unknown:
        raise CodeGoldError(f"unknown key {unknown[0]!r:.60} beside {kind}; there are {', '.join(sorted(keys))}")


def _calls(form: Mapping[str, Any]) -> tuple[Test, ...]:
    function, tolerance = _text(form, "function"), _tolerance(form)
    tests = []
    for number, call in enumerate(_items(form, "calls"), start=1):
        _exactly(call, {"arguments", "expected"}, f"call {number}")
        tests.append(CallTest(function, call["arguments"], call["expected"], tolerance))
    if all(test.expected is None for test in tests):
        raise CodeGoldError("every call expects null: a function that does nothing would pass")
    return tuple(tests)


def _stdio(form: Mapping[str, Any]) -> tuple[Test, ...]:
    tolerance = _tolerance(form)
    tests = []
    for number, run in enumerate(_items(form, "stdio"), start=1):
        _exactly(run, {"input", "output"}, f"stdio {number}")
        tests.append(StdioTest(run["input"], run["output"], tolerance))
    if not any(test.expected.strip() for test in tests):
        raise CodeGoldError("every output is empty: a program that does nothing would pass")
    return tuple(tests)


def _asserts(form: Mapping[str, Any]) -> tuple[Test, ...]:
    function, setup = _text(form, "function"), _text(form, "setup") if "setup" in form else ""
    codes = [form["asserts"]] if isinstance(form["asserts"], str) else _items(form, "asserts")
    for number, code in enumerate(codes, start=1):
        if not isinstance(code, str):
            raise CodeGoldError(f"asserts must be text or a list of texts, got {_type(code)}")
        if not code.strip():
            raise CodeGoldError(VACUOUS)
        if "assert" not in code and "raise" not in code:
            raise CodeGoldError(f"asserts {number} of {len(codes)} holds no assert: it would pass vacuously")
    return tuple(AssertTest(function, code, setup) for code in codes)


_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[Test, ...]]] = {
    "calls": _calls,
    "stdio": _stdio,
    "asserts": _asserts,
}


def _items(form: Mapping[str, Any], key: str) -> list[Any]:
    items = form[key]
    if not isinstance(items, list):
        raise CodeGoldError(f"{key} must be a list, got {_type(items)}")
    if not items:
        raise CodeGoldError(VACUOUS)
    return items


def _exactly(item: object, keys: set[str], name: str) -> None:
    if not isinstance(item, dict):
        raise CodeGoldError(f"{name} must be an object with {' and '.join(sorted(keys))}, got {_type(item)}")
    for key in sorted(keys - set(item)):
        raise CodeGoldError(f"{name} has no {key!r}")
    for key in sorted(set(item) - keys):
        raise CodeGoldError(f"{name} has the unknown key {key!r:.60}; there are {' and '.join(sorted(keys))}")


def _text(form: Mapping[str, Any], key: str) -> str:
    if key not in form:
        raise CodeGoldError(f"{key!r} is missing")
    value = form[key]
    if not isinstance(value, str):
        raise CodeGoldError(f"{key} must be text, got {_type(value)}")
    return value


def _tolerance(form: Mapping[str, Any]) -> float | None:
    value = form.get("float_tolerance")
    if value is None:
        return None
    number = _number(value)
    if number is None or not 0 < number < 1:
        raise CodeGoldError(f"float_tolerance must be a number between 0 and 1, got {value!r:.60}")
    return number


def _limits(limits: object) -> Limits | None:
    if limits is None:
        return None
    if not isinstance(limits, dict):
        raise CodeGoldError(f"limits must be an object, got {_type(limits)}")
    _allow(limits, set(LIMITS), "limits")
    for name, value in limits.items():
        number = _number(value)
        if number is None or not 0 < number <= LIMITS[name]:
            raise CodeGoldError(f"limits: need 0 < {name} <= {LIMITS[name]:g}, got {value!r:.60}")
    return Limits(**limits)


def _number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or math.isnan(value):
        return None
    return float(value)


def _type(value: object) -> str:
    return "null" if value is None else type(value).__name__
