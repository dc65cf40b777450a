"""What the confined child does: run the program, write claims about it. Nothing it writes is believed, only compared.

A claim is one line: a letter and JSON. V: a value; E: an exception; D: the exit status of a test on standard input;
C: the program does not compile; N: it has no such function; L: it failed while it was loaded. Descriptors: 3 the job,
4 the claims, 5 stderr, then stdin and stdout of each test (of the first alone where tests are calls), then the
channel to the checker.
"""

import atexit
import builtins
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, TextIO

from vibethinker.sandbox import values

_write, _read, _exit, _dup2, _close = os.write, os.read, os._exit, os.dup2, os.close
_dumps, _encode = json.dumps, values.encode
JOB, CLAIMS, STDERR, FIRST_STDIN = 3, 4, 5, 6
_TEXT_LIMIT = 300
_TOO_LARGE = 27  # EFBIG
_kept_alive: list[object] = []
_streams: list[TextIO] = []


def run_job() -> None:
    """Run the job at descriptor 3; does not return."""
    job = json.loads(read_all(JOB))
    _close(JOB)
    status = 1
    try:
        status = RUNNERS[job["mode"]](job)
    except BaseException as error:
        _claim("L", describe(error))
    _finish_streams()
    _exit(status)


def read_all(descriptor: int) -> bytes:
    """Return everything a file holds."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def write_fully(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, in as many calls as it takes."""
    view = memoryview(data)
    while view:
        view = view[_write(descriptor, view) :]


def _claim(letter: str, content: object) -> None:
    write_fully(CLAIMS, letter.encode() + _dumps(content, separators=(",", ":")).encode() + b"\n")


def describe(error: BaseException) -> dict[str, object]:
    """Return kind, type and text of an exception; its own methods may do anything, so they may fail."""
    try:
        text = str(error)[:_TEXT_LIMIT]
    except BaseException:
        text = ""
    kind = "error"
    if isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, RecursionError):
        kind = "recursion"
    elif isinstance(error, RuntimeError) and "can't start new thread" in text:
        kind = "threads"
    elif isinstance(error, OSError) and error.errno == _TOO_LARGE:
        kind = "output"
    elif isinstance(error, SystemExit):
        kind = "exit"
    return {"kind": kind, "type": type(error).__name__[:60], "text": text}


def open_streams() -> None:
    """Give the program its sys.stdin, stdout and stderr, on descriptors 0, 1 and 2; what still works is used again."""
    _kept_alive.append((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    if any(stream.closed for stream in _streams):
        _streams.clear()
    if not _streams:
        _streams.append(open(1, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        _streams.append(open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115
    stdout, stderr = _streams
    sys.stdout = sys.__stdout__ = stdout  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = stderr  # type: ignore[misc,assignment]


def _finish_streams() -> None:
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        # The program's own objects may stand here.
        with contextlib.suppress(BaseException):
            if stream is not None:
                stream.flush()


def _compile(program: str) -> CodeType | None:
    try:
        return compile(program, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        _claim("C", describe(error))
        return None


def _fresh_module(name: str) -> dict[str, Any]:
    module = ModuleType(name)
    sys.modules[name] = module
    module.__dict__["__builtins__"] = builtins
    return module.__dict__


def _report_error(error: BaseException) -> None:
    """Write the traceback as Python does, from the program's own first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != "<program>":
        trace = trace.tb_next
    with contextlib.suppress(BaseException):
        sys.stderr.write("".join(traceback.format_exception(type(error), error, trace, limit=-8))[-4000:])


def _run_stdio(job: dict[str, Any]) -> int:
    code = _compile(job["program"])
    if code is None:
        return 1
    tests, status = int(job["tests"]), 1
    usual_builtins, usual_limit = dict(builtins.__dict__), sys.getrecursionlimit()
    for index in range(tests):
        stdin, stdout = FIRST_STDIN + 2 * index, FIRST_STDIN + 2 * index + 1
        if index:
            builtins.__dict__.update(usual_builtins)
            sys.setrecursionlimit(usual_limit)
        _dup2(stdin, 0)
        _dup2(stdout, 1)
        _close(stdin)
        _close(stdout)
        if index:
            open_streams()
        status = _run_main(code)
        _claim("D", status)
        if index + 1 < tests and _other_threads():
            break
    return status


def _other_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _run_main(code: CodeType) -> int:
    """Run as ``python program.py`` does, to the end of threads and exit functions; return the exit status."""
    status = 0
    try:
        try:
            exec(code, _fresh_module("__main__"))  # noqa: S102
        finally:
            _join_threads()
            atexit._run_exitfuncs()
            sys.stdout.flush()
    except SystemExit as error:
        status = error.code if type(error.code) is int else 0 if error.code is None else 1
        if status & 0xFF and type(error.code) is not int:
            _report_error(error)
    except BaseException as error:
        status = 1
        _report_error(error)
        _claim("E", describe(error))
    _finish_streams()
    return status & 0xFF


def _join_threads() -> None:
    threading = sys.modules.get("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join()


def _load(program: str) -> dict[str, Any] | None:
    """Compile and execute a program for calls; None after a claim of what went wrong."""
    code = _compile(program)
    if code is None:
        return None
    namespace = _fresh_module("solution")
    try:
        exec(code, namespace)  # noqa: S102
    except BaseException as error:
        _report_error(error)
        _claim("L", describe(error))
        return None
    return namespace


def find_function(namespace: dict[str, Any], name: str) -> Any:  # noqa: ANN401
    """Return the function ``name``: "solve", "Solution.solve"; a method of Solution is found without naming the class.

    Raises:
        LookupError: If there is none that can be called.
    """
    first, *rest = name.split(".")
    if first not in namespace and isinstance(namespace.get("Solution"), type):
        first, rest = "Solution", [first, *rest]
    if first not in namespace:
        raise LookupError(f"the program defines no {name}")
    target = namespace[first]
    for step in rest:
        target = getattr(target() if isinstance(target, type) else target, step, None)
    if not callable(target):
        raise LookupError(f"{name} cannot be called")
    return target


def _run_calls(job: dict[str, Any]) -> int:
    namespace = _load(job["program"])
    if namespace is None:
        return 1
    for call in job["calls"]:
        try:
            function = find_function(namespace, call["function"])
        except Exception as error:
            _claim("N", describe(error))
            continue
        arguments: Any = values.decode(call["arguments"])
        try:
            line = _encode(function(*arguments))
        except BaseException as error:
            _report_error(error)
            _claim("E", describe(error))
        else:
            write_fully(CLAIMS, b"V" + line + b"\n")
    return 0


def read_frame(channel: int, limit: int) -> bytes | None:
    """Return the next message of the channel; None at its end or when it claims to be longer than ``limit`` bytes."""
    header = _read_exactly(channel, 4)
    length = int.from_bytes(header, "big") if header else limit + 1
    return _read_exactly(channel, length) if length <= limit else None


def _read_exactly(channel: int, length: int) -> bytes | None:
    parts = []
    while length:
        part = _read(channel, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write_frame(channel: int, message: bytes) -> None:
    """Send one message."""
    write_fully(channel, len(message).to_bytes(4, "big") + message)


def _serve(job: dict[str, Any]) -> int:
    """Answer the checker's calls until it hangs up."""
    channel = FIRST_STDIN + 2
    namespace = _load(job["program"])
    if namespace is None:
        return 1
    while (request := read_frame(channel, job["frame_limit"])) is not None:
        call = json.loads(request)
        try:
            function = find_function(namespace, call["function"])
        except Exception as error:
            _claim("N", describe(error))
            return 1
        try:
            arguments: Any = values.decode(call["arguments"])
            keywords: Any = values.decode(call["keywords"])
            reply = b"V" + _encode(function(*arguments, **keywords))
        except SystemExit as error:
            _claim("E", describe(error))
            return 1
        except BaseException as error:
            reply = b"E" + _dumps(describe(error)).encode()
        write_frame(channel, reply)
    return 0


RUNNERS: dict[str, Callable[[dict[str, Any]], int]] = {"stdio": _run_stdio, "calls": _run_calls, "serve": _serve}
