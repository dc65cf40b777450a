"""How the usual data sets of code problems hold question, tests and solution, and what is made of their rows.

docs/code_problems.md lists the columns of each format. What a row holds is data: nothing of it is run here, and nothing
is unpickled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vibethinker.data.code_golds import (
    NO_TESTS,
    Pair,
    UnusableRowError,
    asserts_gold,
    calls_gold,
    read_json,
    read_pairs,
    stated_limits,
    stdio_gold,
)
from vibethinker.data.program_text import called_function, choose_solution, qualified, signature
from vibethinker.data.tables import ABSENT, look_up
from vibethinker.errors import InputError

_PLAIN_LIVECODEBENCH = "livecodebench/code_generation"


@dataclass(frozen=True)
class CodeProblem:
    """What a row became.

    Attributes:
        question: The text put to the model.
        tests: The reference answer, as JSON.
        solution: A program that should pass, None where the row has none.
    """

    question: str
    tests: str
    solution: str | None


class Row:
    """A row under the names that a format gives to its columns."""

    def __init__(self, values: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> None:
        """Keep both; a name may be one of several that versions of a data set use."""
        self._values, self._names = values, names

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """Return what stands in a column; None where nothing does."""
        for name in self._names.get(key, (key,)):
            value = look_up(self._values, name)
            if value is not ABSENT and value is not None:
                return value
        return None

    def text(self, key: str) -> str:
        """Return a column as text, "" where there is none."""
        value = self.get(key)
        if isinstance(value, list):
            return "\n".join(map(str, value))
        return "" if value is None else str(value)

    def question(self) -> str:
        """Return the question.

        Raises:
            UnusableRowError: If there is none.
        """
        if not (text := self.text("question").strip()):
            raise UnusableRowError("no question")
        return text


def _with_entry(question: str, function: str, starter: str, solution: str | None) -> str:
    """Add to a question which function the tests call."""
    starter = starter.strip()
    if starter and starter in question:
        return question
    if starter:
        return (
            f"{question}\n\nComplete this starter code and give the whole program, with its imports:\n"
            f"```python\n{starter}\n```"
        )
    owner = function.rpartition(".")[0]
    place = f" as a method of the class `{owner}`" if owner else ""
    return (
        f"{question}\n\nWrite the Python function `{signature(solution, function)}`{place} and give the whole program, "
        f"with its imports."
    )


def _solutions(row: Row) -> list[object]:
    """Return the solutions of a row: one, a list, or a list as JSON text."""
    value = row.get("solution")
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = read_json(value, "the solutions")
        except UnusableRowError:
            return [value]
    return value if isinstance(value, list) else [value]


def _limits(row: Row) -> dict[str, float]:
    return stated_limits(row.get("time_limit"), row.get("memory_limit"))


def _apps(row: Row) -> CodeProblem:
    """APPS and TACO: ``input_output`` is JSON with inputs, outputs and, for a function, its ``fn_name``."""
    tests = row.get("tests")
    tests = read_json(tests, "the tests") if isinstance(tests, str) else tests
    pairs = read_pairs(tests)
    name = tests.get("fn_name") if isinstance(tests, Mapping) else None
    if not name:
        return CodeProblem(row.question(), stdio_gold(pairs, _limits(row)), choose_solution(_solutions(row), None))
    solutions, starter = _solutions(row), row.text("starter")
    function = qualified(str(name), [starter, *(text for text in solutions if isinstance(text, str))])
    solution = choose_solution(solutions, function)
    gold = calls_gold(function, _unwrapped([_call(pair) for pair in pairs], starter), _limits(row))
    return CodeProblem(_with_entry(row.question(), function, starter, solution), gold, solution)


def _unwrapped(pairs: list[Pair], starter: str) -> list[Pair]:
    """Take expected values out of the lists that many rows wrap them in.

    The data sets' own graders accept the list and its first item alike. Here the list is a wrapping where every
    expected value is a list of one item and the starter code does not say that a list is returned.
    """
    returns_list = any(
        "def " in line and "->" in line and "ist" in line.split("->")[1] for line in starter.splitlines()
    )
    if returns_list or not all(isinstance(expected, list) and len(expected) == 1 for _, expected in pairs):
        return pairs
    return [(arguments, expected[0]) for arguments, expected in pairs]


def _call(pair: Pair) -> Pair:
    """Return arguments as a list: as it stands, or one JSON value a line."""
    arguments, expected = pair
    if isinstance(arguments, str):
        arguments = [read_json(line, "arguments") for line in arguments.splitlines() if line.strip()]
    return arguments, expected


def _livecodebench(row: Row) -> CodeProblem:
    """Test cases are JSON texts; a functional one has one JSON value a line, the function stands in ``metadata``."""
    tests = [*_test_cases(row, "tests"), *_test_cases(row, "private_tests")]
    if row.get("private_tests") is not None and not _test_cases(row, "private_tests"):
        raise UnusableRowError("no tests beyond the public ones, which stand in the question")
    metadata = row.get("metadata")
    metadata = read_json(metadata, "the metadata") if isinstance(metadata, str) else metadata
    name = metadata.get("func_name") if isinstance(metadata, Mapping) else None
    if not name:
        return CodeProblem(row.question(), stdio_gold(read_pairs(tests)), choose_solution(_solutions(row), None))
    starter = row.text("starter")
    function = qualified(str(name), [starter])
    solution = choose_solution(_solutions(row), function)
    pairs = [(given, read_json(str(expected), "expected values")) for given, expected in read_pairs(tests)]
    gold = calls_gold(function, [_call(pair) for pair in pairs])
    return CodeProblem(_with_entry(row.question(), function, starter, solution), gold, solution)


def _test_cases(row: Row, key: str) -> list[Any]:
    value = row.get(key)
    if isinstance(value, str) and value.strip() and not value.lstrip().startswith("["):
        raise InputError(
            "private_test_cases is a compressed pickle, which can run code when it is loaded and is refused: take the "
            f"release whose tests are plain JSON ({_PLAIN_LIVECODEBENCH}), or convert the column to JSON text first"
        )
    value = read_json(value, "the tests") if isinstance(value, str) else value
    return value if isinstance(value, list) else []


def _codeforces(row: Row) -> CodeProblem:
    """The rows of open-r1/codeforces: a statement in parts, and official tests that were not cut off."""
    if row.text("interaction_format").strip():
        raise UnusableRowError("interactive: a program talks to a judge")
    if row.text("input_mode") not in {"", "stdio"}:
        raise UnusableRowError(f"reads its input from a file (input_mode {row.text('input_mode')!r})")
    if row.text("generated_checker").strip():
        raise UnusableRowError("several outputs are right and only its checker program can tell")
    pairs = read_pairs(row.get("tests"))
    examples = read_pairs(row.get("examples"))
    if pairs and all(pair in examples for pair in pairs):
        raise UnusableRowError("no tests beyond the examples, which stand in the question")
    parts = [row.question()]
    for key, title in (("input_format", "Input"), ("output_format", "Output")):
        if row.text(key).strip():
            parts.append(f"{title}\n{row.text(key).strip()}")
    for number, (given, expected) in enumerate(examples, start=1):
        parts.append(f"Example {number}\nInput:\n{str(given).rstrip()}\nOutput:\n{str(expected).rstrip()}")
    if row.text("note").strip():
        parts.append(f"Note\n{row.text('note').strip()}")
    return CodeProblem("\n\n".join(parts), stdio_gold(pairs, _limits(row)), choose_solution(_solutions(row), None))


def _humaneval(row: Row) -> CodeProblem:
    """The prompt is the function up to its docstring, and the solution its body."""
    function, prompt = row.text("function"), row.text("question")
    question = (
        f"{row.question()}\n\nWrite the Python function `{function}` and give the whole program, with the imports and "
        f"other functions that it needs."
    )
    body = row.get("solution")
    solution = choose_solution([prompt + body], function) if isinstance(body, str) and body.strip() else None
    return CodeProblem(question, asserts_gold(function, row.text("tests"), prompt), solution)


def _leetcode(row: Row) -> CodeProblem:
    """The rows of LeetCodeDataset: ``check(candidate)`` as in HumanEval, a prompt of imports and classes before it."""
    function = row.text("function").replace("Solution().", "Solution.").strip()
    setup, body = row.text("setup"), row.get("solution")
    solution = choose_solution([f"{setup}\n\n{body}"], function) if isinstance(body, str) and body.strip() else None
    question = _with_entry(row.question(), function, row.text("starter"), solution)
    return CodeProblem(question, asserts_gold(function, row.text("tests"), setup), solution)


def _mbpp(row: Row) -> CodeProblem:
    """Asserts in a list; which function they are about is told by the solution."""
    asserts, code = row.get("tests"), row.text("solution").replace("\r\n", "\n")
    asserts = [str(text) for text in asserts] if isinstance(asserts, list) else [row.text("tests")]
    function = row.text("function") or called_function("\n".join(asserts), code or None)
    if not any(text.strip() for text in asserts):
        raise UnusableRowError(NO_TESTS)
    if function is None:
        raise UnusableRowError("its tests call no function that the solution defines")
    solution = choose_solution([code], function)
    question = _with_entry(row.question(), function, "", solution)
    return CodeProblem(question, asserts_gold(function, asserts, row.text("setup")), solution)


def _calls(row: Row) -> CodeProblem:
    """Our own rows for functions: a name, and arguments with what is to be returned."""
    solutions, starter = _solutions(row), row.text("starter")
    function = row.text("function").strip()
    solution = choose_solution(solutions, function)
    gold = calls_gold(function, [_call(pair) for pair in read_pairs(row.get("tests"))], _limits(row))
    return CodeProblem(_with_entry(row.question(), function, starter, solution), gold, solution)


def _stdio(row: Row) -> CodeProblem:
    """Our own rows for whole programs: inputs and outputs."""
    gold = stdio_gold(read_pairs(row.get("tests")), _limits(row))
    return CodeProblem(row.question(), gold, choose_solution(_solutions(row), None))


_EASY_TO_HARD = {"easy": 1, "medium": 2, "hard": 3}


def _word(levels: Mapping[str, int]) -> Callable[[object], int | None]:
    return lambda value: levels.get(str(value).strip().lower(), whole(value))


def whole(value: object) -> int | None:
    """Return a whole number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).lstrip("-").isdecimal():
        return None
    return int(value)


def _rating(value: object) -> int | None:
    """Return a level, 1 to 5, for every 500 points of a rating from 800 on; ours."""
    return min(max((int(value) - 800) // 500 + 1, 1), 5) if isinstance(value, int | float) and 0 < value < 1e6 else None


@dataclass(frozen=True)
class Format:
    """One way of holding code problems.

    Attributes:
        names: Names of its columns, by what they hold; the first that a row has counts.
        convert: Makes the problem.
        level: Turns its difficulty into a level, None for an unknown one.
    """

    names: Mapping[str, tuple[str, ...]]
    convert: Callable[[Row], CodeProblem]
    level: Callable[[object], int | None] = whole


def _names(**names: str) -> dict[str, tuple[str, ...]]:
    return {key: tuple(text.split()) for key, text in names.items()}


_APPS_NAMES = {
    "question": "question",
    "tests": "input_output",
    "solution": "solutions",
    "starter": "starter_code",
    "level": "difficulty",
}

FORMATS: Mapping[str, Format] = {
    "apps": Format(
        _names(**_APPS_NAMES, id="problem_id"),
        _apps,
        _word({"introductory": 1, "interview": 2, "competition": 3}),
    ),
    "taco": Format(
        _names(**_APPS_NAMES),
        _apps,
        _word({"easy": 1, "medium": 2, "medium_hard": 3, "hard": 4, "very_hard": 5}),
    ),
    "livecodebench": Format(
        _names(
            question="question_content",
            tests="public_test_cases",
            private_tests="private_test_cases",
            id="question_id",
            starter="starter_code",
            level="difficulty",
            solution="solution",
        ),
        _livecodebench,
        _word(_EASY_TO_HARD),
    ),
    "codeforces": Format(
        _names(question="description", tests="official_tests", id="id", level="rating", solution="solution"),
        _codeforces,
        _rating,
    ),
    "humaneval": Format(
        _names(question="prompt", tests="test", function="entry_point", id="task_id", solution="canonical_solution"),
        _humaneval,
    ),
    "leetcode": Format(
        _names(
            question="problem_description query",
            tests="test",
            function="entry_point",
            setup="prompt",
            starter="starter_code",
            solution="completion",
            id="task_id",
            level="difficulty meta.difficulty",
        ),
        _leetcode,
        _word(_EASY_TO_HARD),
    ),
    "mbpp": Format(
        _names(
            question="text prompt",
            tests="test_list",
            setup="test_setup_code test_imports",
            solution="code",
            id="task_id",
        ),
        _mbpp,
    ),
    "calls": Format(
        _names(question="question", function="function", tests="tests", starter="starter_code", solution="solution"),
        _calls,
    ),
    "stdio": Format(_names(question="question", tests="tests", solution="solution"), _stdio),
}

# Columns that tell a format apart, the surest first.
_TELLING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("livecodebench", ("public_test_cases",)),
    ("codeforces", ("official_tests",)),
    ("mbpp", ("test_list",)),
    ("humaneval", ("entry_point", "canonical_solution")),
    ("leetcode", ("entry_point", "completion")),
    ("humaneval", ("entry_point", "prompt", "test")),
    ("taco", ("input_output", "skill_types")),
    ("apps", ("input_output",)),
    ("calls", ("function", "tests")),
    ("stdio", ("tests",)),
)


def recognise(row: Mapping[str, Any]) -> str:
    """Return which format a row is of, by the names of its columns.

    Raises:
        InputError: If it is none that is known.
    """
    for name, columns in _TELLING:
        if all(column in row for column in columns):
            return name
    raise InputError(
        f"the columns {', '.join(map(repr, row))} are those of no known format: name it with format, one of "
        f"{', '.join(FORMATS)}, and the columns with columns"
    )
