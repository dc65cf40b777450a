"""Programs, tests, limits, and what came of them."""

import enum
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

from vibethinker.sandbox import values

MAXIMUM_SOURCE_BYTES = 1 << 20
_WALL_FACTOR = 3.0


class Outcome(enum.StrEnum):
    """What happened to a test, or to a whole program: the outcome of its first test that did not pass."""

    PASSED = "passed"
    WRONG_ANSWER = "wrong_answer"
    COMPILE_ERROR = "compile_error"
    NO_ENTRY_POINT = "no_entry_point"
    RUNTIME_ERROR = "runtime_error"
    MEMORY_LIMIT = "memory_limit"
    RECURSION_LIMIT = "recursion_limit"
    OUTPUT_LIMIT = "output_limit"
    CPU_LIMIT = "cpu_limit"
    TIMEOUT = "timeout"
    THREAD_LIMIT = "thread_limit"
    CRASH = "crash"
    SANDBOX_VIOLATION = "sandbox_violation"
    PROTOCOL_ERROR = "protocol_error"
    NOT_REACHED = "not_reached"
    INFRASTRUCTURE_ERROR = "infrastructure_error"


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    A test that runs alone has all of it; tests that share a process share it, and what then fails is run again alone.

    Attributes:
        cpu_s: Seconds of processor time, > 0; the main limit, the same on a busy machine.
        wall_s: Seconds on the clock; None: three times ``cpu_s``.
        memory_mb: Address space beyond what the interpreter and the preloaded modules map.
        output_mb: Largest size of standard output, of standard error, and of all returned values together.
        threads: Threads at once, the first one included.
    """

    cpu_s: float = 4.0
    wall_s: float | None = None
    memory_mb: float = 512
    output_mb: float = 8
    threads: int = 32

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could run."""
        for name in ("cpu_s", "memory_mb", "output_mb", "threads"):
            if not getattr(self, name) > 0:
                raise ValueError(f"need {name} > 0, got {name}={getattr(self, name)!r}")
        if self.wall_s is not None and not self.wall_s > 0:
            raise ValueError(f"need wall_s > 0 or None, got wall_s={self.wall_s!r}")

    @property
    def wall_limit_s(self) -> float:
        """The limit on the clock, in seconds."""
        return self.cpu_s * _WALL_FACTOR if self.wall_s is None else self.wall_s


@dataclass(frozen=True)
class StdioTest:
    """The whole program reads ``stdin`` and prints what ``expected`` holds.

    Compared token by token (white space only separates). With ``float_tolerance``, tokens that are numbers on both
    sides may differ by that much, absolutely or relatively.
    """

    stdin: str
    expected: str
    float_tolerance: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is not text."""
        for name in ("stdin", "expected"):
            text = getattr(self, name)
            if not isinstance(text, str):
                raise TypeError(f"StdioTest: {name} must be text, got {type(text).__name__}")
            _check_encodable(f"StdioTest: {name}", text)


@dataclass(frozen=True)
class CallTest:
    """``function`` of the program, called with ``arguments``, returns ``expected``.

    Both are builtin data: None, numbers, text, bytes, lists, tuples, sets, dicts. An expected list is met by a tuple
    too.

    Attributes:
        function: "solve"; "Solution.solve" makes a Solution without arguments first.
        arguments: Positional arguments.
        expected: The value; never shown to the process that runs the program.
        float_tolerance: Allowed difference, absolute or relative, where a float is compared; None: exact.
    """

    function: str
    arguments: Sequence[object]
    expected: object
    float_tolerance: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be sent or compared."""
        _check_function(self.function)
        if isinstance(self.arguments, str | bytes) or not isinstance(self.arguments, Sequence):
            raise TypeError(f"CallTest: arguments must be a list or a tuple, got {type(self.arguments).__name__}")
        for name, value in (("arguments", list(self.arguments)), ("expected", self.expected)):
            opaque = values.opaque_in(values.to_json(value))
            if opaque is not None:
                raise TypeError(f"CallTest: {name} must be builtin data, got {opaque}")


@dataclass(frozen=True)
class AssertTest:
    """Trusted test code with asserts, run outside the program's process; there a stand-in for ``function`` calls it.

    Arguments and values are builtin data, and copies: what the function does to an argument is not
    seen. The stand-in is bound to the name of the function and to ``candidate``. Code that only defines ``check``
    (HumanEval) gets it called with the stand-in.

    Attributes:
        function: The function of the program that is tested.
        code: The asserts; they must call the function at least once to pass.
        setup: Trusted code run before, for names the asserts use: the HumanEval prompt.
    """

    function: str
    code: str
    setup: str = ""

    def __post_init__(self) -> None:
        """Refuse test code that does not compile."""
        _check_function(self.function)
        for name in ("code", "setup"):
            text = getattr(self, name)
            if not isinstance(text, str):
                raise TypeError(f"AssertTest: {name} must be text, got {type(text).__name__}")
            _check_encodable(f"AssertTest: {name}", text)
            _check_compiles(f"AssertTest: {name}", text)
        if not self.code.strip():
            raise ValueError("AssertTest: code is empty and would pass vacuously; give at least one assert")


Test = StdioTest | CallTest | AssertTest


@dataclass(frozen=True)
class Job:
    """A program and its tests; all must pass.

    A program that is text but cannot be Python (null bytes, lone surrogates, over 1 MiB) is a ``compile_error``:
    models write such things. One that is not text is the caller's mistake.

    Attributes:
        program: The program.
        tests: What it must pass.
        limits: What it may use; the sandbox's when None.
        stop_at_failure: Whether tests after one that failed are left out, as ``not_reached``; for who only asks
            whether all pass, that saves most of what wrong programs cost.

    Raises:
        ValueError: If the program is not text or there is no test.
        TypeError: If a test is none of StdioTest, CallTest, AssertTest.
    """

    program: str
    tests: Sequence[Test]
    limits: Limits | None = None
    stop_at_failure: bool = False

    def __post_init__(self) -> None:
        """Check the parts."""
        if not isinstance(self.program, str):
            raise ValueError(f"a program must be text, got {type(self.program).__name__}")
        tests: object = self.tests
        if isinstance(tests, str | bytes) or not isinstance(tests, Sequence):
            raise TypeError(f"tests must be a list, got {type(tests).__name__}")
        if not self.tests:
            raise ValueError("a job without tests would pass vacuously; give at least one test")
        for test in self.tests:
            if not isinstance(test, StdioTest | CallTest | AssertTest):
                raise TypeError(f"a test must be a StdioTest, CallTest or AssertTest, got {type(test).__name__}")
        if self.limits is not None and not isinstance(self.limits, Limits):
            raise TypeError(f"limits must be Limits or None, got {type(self.limits).__name__}")


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        passed: True: every test passed. False: one did not. None: it could not be judged (infrastructure_error);
        never count it.
        outcome: The outcome of the first test that did not pass, or passed.
        tests: One outcome for each test, in order.
        reasons: A line about each test, "" where it passed; may quote what the program wrote.
        stdout: What the program printed in the first test that did not pass (in the last test, where all did).
        stderr: What it wrote to standard error there, tracebacks included.
        cpu_s: Processor seconds of all its processes.
        wall_s: Seconds on the clock from the first process to the end of the last.
        peak_mb: Largest resident memory of a process, the interpreter included.
    """

    passed: bool | None
    outcome: Outcome
    tests: tuple[Outcome, ...]
    reasons: tuple[str, ...] = field(default=())
    stdout: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0


def source_problem(program: str) -> str | None:
    """Return why a text cannot be a Python program, without running anything; None where it may be one."""
    if "\0" in program:
        return "the program holds null bytes"
    try:
        size = len(program.encode())
    except UnicodeEncodeError:
        return "the program holds lone surrogates"
    if size > MAXIMUM_SOURCE_BYTES:
        return f"the program has {size} bytes, {MAXIMUM_SOURCE_BYTES} are allowed"
    return None


def _check_function(name: object) -> None:
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"need a function name such as solve or Solution.solve, got {name!r}")


def _check_compiles(what: str, text: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<test>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"{what} does not compile: {error}") from None


def _check_encodable(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds lone surrogates and cannot be written as UTF-8") from None
