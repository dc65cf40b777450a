"""Trusted asserts, run in a confined process of their own against a stand-in that calls the program's process.

What comes back is decoded to exact builtins; a set whose members collide can stall this process, which has limits of
its own.
"""

import builtins
import json
from typing import Any

from vibethinker.sandbox import child, values

_CHANNEL = child.FIRST_STDIN + 2
_EXCEPTIONS = {
    name: item
    for name, item in vars(builtins).items()
    if isinstance(item, type)
    and issubclass(item, Exception)
    and not issubclass(item, Warning | UnicodeError | AssertionError | StopIteration | StopAsyncIteration)
}


class ProgramGone(BaseException):
    """The program's process ended, or sent bytes that are no value."""


class Refused:
    """A returned object that is no builtin data. Whatever the asserts do with it ends the test."""

    def __init__(self, candidate: "Candidate", type_name: str) -> None:
        """Keep whose it is."""
        self._candidate, self._type_name = candidate, type_name

    def _end(self, *_arguments: object) -> Any:  # noqa: ANN401
        self._candidate.fail("wrong", f"it returned a {self._type_name}, which is no builtin data")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = __iter__ = __contains__ = __hash__ = _end
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __abs__ = __int__ = __float__ = __index__ = _end
    __getitem__ = __call__ = __str__ = __repr__ = __round__ = __truediv__ = __rtruediv__ = __mod__ = __rmod__ = _end


class Candidate:
    """The stand-in: a call goes to the program's process, its value or exception comes back."""

    def __init__(self, function: str, frame_limit: int) -> None:
        """Stand for ``function``."""
        self._function, self._frame_limit = function, frame_limit
        self.calls = 0
        self.failure: dict[str, object] | None = None

    def fail(self, kind: str, text: str) -> None:
        """End the test for good, whatever the asserts catch."""
        self.failure = self.failure or {"kind": kind, "type": "", "text": text}
        raise ProgramGone(text)

    def __call__(self, *arguments: object, **keywords: object) -> object:
        """Call the program."""
        if self.failure is not None:
            raise ProgramGone
        self.calls += 1
        request = {
            "function": self._function,
            "arguments": values.to_json(list(arguments)),
            "keywords": values.to_json(keywords),
        }
        opaque = values.opaque_in([request["arguments"], request["keywords"]], iterators=False)
        if opaque is not None:
            self.fail("wrong", f"the test passes {opaque}, which cannot be sent to the program's process")
        try:
            child.write_frame(_CHANNEL, json.dumps(request).encode())
            reply = child.read_frame(_CHANNEL, self._frame_limit)
        except OSError:
            reply = None
        if not reply:
            self.fail("gone", "the program's process ended")
        return self._read(reply or b"")

    def _read(self, reply: bytes) -> object:
        try:
            data = values.parse(reply[1:])
            if reply[:1] == b"V":
                return self._guard(values.decode(data))
            kind, type_name, text = (str(data[name])[:300] for name in ("kind", "type", "text"))
        except (values.ValueFormatError, KeyError, TypeError, RecursionError):
            self.fail("protocol", "what the program's process sent is no value")
            raise
        if kind in ("memory", "recursion", "threads", "output"):
            self.fail(kind, f"{type_name}: {text}")
        raise _EXCEPTIONS.get(type_name, RuntimeError)(f"{type_name}: {text}" if type_name not in _EXCEPTIONS else text)

    def _guard(self, value: object, depth: int = 0) -> object:
        """Replace opaque parts, in the outer layers of containers too, by objects that end the test when touched."""
        if isinstance(value, values.Opaque):
            return Refused(self, value.type_name)
        if isinstance(value, list) and depth < values.DEPTH_LIMIT:
            value[:] = [self._guard(item, depth + 1) for item in value]
        elif isinstance(value, tuple) and depth < values.DEPTH_LIMIT:
            return tuple(self._guard(item, depth + 1) for item in value)
        elif isinstance(value, dict) and depth < values.DEPTH_LIMIT:
            for key in value:
                value[key] = self._guard(value[key], depth + 1)
        return value


def run_checks(job: dict[str, Any]) -> int:
    """Run each test's code; claim P where it passed, F and why where not; stop when the program's process is gone."""
    for test in job["tests"]:
        candidate = Candidate(test["function"], job["frame_limit"])
        failure = _run_check(test, candidate)
        if candidate.failure is not None:
            failure = candidate.failure
        line = b"P{}" if failure is None else b"F" + json.dumps(failure).encode()
        child.write_fully(child.CLAIMS, line + b"\n")
        if failure is not None and failure["kind"] in ("gone", "protocol"):
            break
    return 0


def _run_check(test: dict[str, Any], candidate: Candidate) -> dict[str, object] | None:
    namespace: dict[str, Any] = {"__name__": "checker", "__builtins__": builtins}
    try:
        exec(compile(test["setup"], "<setup>", "exec"), namespace)  # noqa: S102
        namespace[test["function"].split(".")[-1]] = namespace["candidate"] = candidate
        exec(compile(test["code"], "<test>", "exec"), namespace)  # noqa: S102
        if candidate.calls == 0 and callable(namespace.get("check")):
            namespace["check"](candidate)
    except AssertionError as error:
        return {"kind": "wrong", "type": "AssertionError", "text": str(error)[:300]}
    except (KeyboardInterrupt, GeneratorExit, ProgramGone) as error:
        return {"kind": "wrong", "type": type(error).__name__, "text": str(error)[:300]}
    except BaseException as error:
        described = child.describe(error)
        return described if described["kind"] != "exit" else {**described, "kind": "wrong"}
    if candidate.calls == 0:
        return {"kind": "wrong", "type": "", "text": f"the test code never called {test['function']}"}
    return None
