"""One program and its tests from the command line, and files of programs: every outcome is shown."""

import json
from collections import Counter
from pathlib import Path

import pytest

from vibethinker.cli import run_command
from vibethinker.data.regrade import Grading
from vibethinker.sandbox import probe

pytestmark = pytest.mark.skipif(
    (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2 of the sandbox"
)
TESTS = {"function": "f", "calls": [{"arguments": [n], "expected": 2 * n} for n in (1, 2, 0)]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder that holds tests."""
    monkeypatch.chdir(tmp_path)
    Path("tests.json").write_text(json.dumps(TESTS))
    return tmp_path


def ran(program, *arguments, tests="tests.json"):
    Path("program.py").write_text(program)
    return run_command(["sandbox", "program.py", "--tests", tests, *arguments])


def test_a_program_that_passes_ends_with_status_0(capsys):
    assert ran("def f(x):\n    return 2 * x\n") == 0
    captured = capsys.readouterr()
    *outcomes, verdict, used = captured.out.splitlines()
    assert [line.split() for line in outcomes] == [["1", "passed"], ["2", "passed"], ["3", "passed"]]
    assert verdict == "passed 3 of 3 tests"
    assert used.startswith("cpu ")
    assert " · wall " in used
    assert " MB · level " in used
    assert captured.err == ""


def test_a_program_that_fails_ends_with_status_1_and_shows_what_failed(capsys):
    assert ran("def f(x):\n    return 2 / x if x < 2 else 5\n") == 1
    out = capsys.readouterr().out.splitlines()
    assert out[:3] == [
        "   1  passed",
        "   2  wrong_answer   returned 5",
        "   3  runtime_error  ZeroDivisionError: division by zero",
    ]
    assert out[-3] == "      | ZeroDivisionError: division by zero"
    assert out[-2] == "wrong_answer: 1 of 3 tests passed"


def test_what_a_program_writes_is_made_printable(capsys):
    assert ran("import sys\nsys.stderr.write('\\x1b[2J\\u202e')\ndef f(x):\n    raise ValueError('\\x1b[2J')") == 1
    assert "\x1b" not in capsys.readouterr().out


def test_json_is_one_object_with_every_test(capsys):
    assert ran("def f(x):\n    print(x)\n    return 2\n", "--json") == 1
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    found = json.loads(captured.out)
    used = ["cpu_s", "wall_s", "peak_mb"]
    assert list(found) == ["passed", "outcome", "tests", *used, "stdout", "stderr", "level", "confinement", "weak"]
    assert (found["passed"], found["outcome"]) == (False, "wrong_answer")
    assert [test["outcome"] for test in found["tests"]] == ["passed", "wrong_answer", "wrong_answer"]
    assert found["tests"][1]["reason"] == "returned 2"
    assert found["wall_s"] >= found["cpu_s"] >= 0
    assert found["peak_mb"] > 0
    assert found["level"] >= 2
    assert found["weak"] is False
    assert ran("def f(x):\n    return x + x\n", "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "error: no file none.json"),
        (".", None, "error: . is no file"),
        ("t.json", "{}", "error: --tests t.json: no tests: it would pass vacuously"),
        ("t.json", "[", "error: --tests t.json: not JSON: "),
        ("t.json", '{"calls": [1], "x": 1}', "error: --tests t.json: unknown key 'x' beside calls"),
        ("t.json", b"\xff", "error: t.json is not UTF-8: byte 1"),
    ],
)
def test_wrong_tests_end_with_status_2_and_one_line(capsys, name, content, message):
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert ran("x = 1", tests=name) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1


def test_a_wrong_program_file_or_option_ends_with_status_2(capsys, monkeypatch):
    assert run_command(["sandbox", "none.py", "--tests", "tests.json"]) == 2
    assert run_command(["sandbox", "tests.json"]) == 2
    assert ran("#" * (2**20 + 1)) == 2
    monkeypatch.setenv("VIBETHINKER_SANDBOX_LEVEL", "high")
    assert ran("x = 1") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: no file none.py"
    assert "--tests" in lines[1]
    assert lines[2] == "error: program.py is larger than the 1,048,576 bytes that are allowed"
    assert lines[3].startswith("error: VIBETHINKER_SANDBOX_LEVEL must be 0, 1, 2 or 3, got 'high'")


ROWS = [
    {"id": "object", "gold": TESTS, "prediction": "```python\ndef f(x):\n    return 2 * x\n```"},
    {"id": "text", "answer": json.dumps(TESTS), "prediction": "```\ndef f(x):\n    return x\n```"},
    {"id": "none", "gold": TESTS, "prediction": "no program"},
    {"id": "bad", "gold": {"function": "f"}, "prediction": "```\ndef f(x):\n    return x\n```"},
]


def test_a_file_of_programs_is_graded(capsys):
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert run_command(["verify", "in.jsonl", "--kind", "code", "--json", "--output", "out.jsonl"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["total"], found["judged"], found["correct"]) == (4, 3, 1)
    verdicts = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(row["id"], row["correct"], row["status"]) for row in verdicts] == [
        ("object", True, "match"),
        ("text", False, "mismatch"),
        ("none", False, "no_answer"),
        ("bad", None, "gold_error"),
    ]
    assert verdicts[0]["extracted"] == "def f(x):\n    return 2 * x"


def test_golds_that_are_no_tests_are_found_without_running_anything(capsys):
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert run_command(["verify", "in.jsonl", "--kind", "code", "--golds", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["total"], found["gold_error_count"]) == (4, 1)
    assert found["gold_errors"][0]["reason"] == "cannot be used: no tests: it would pass vacuously"


def test_a_program_that_could_not_be_run_counts_neither_as_right_nor_as_wrong():
    statuses = Counter({"match": 1, "mismatch": 1, "gold_error": 1, "infrastructure_error": 4})
    grading = Grading(total=7, statuses=statuses)
    assert (grading.judged, grading.accuracy) == (2, 0.5)


def test_an_object_as_gold_is_malformed_for_other_kinds(capsys):
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert run_command(["verify", "in.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["malformed_count"] == 3
