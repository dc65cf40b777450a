"""Grading a file of answers from the command line: verdicts in order, bad lines named, nothing half-written."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vibethinker.cli import run_command
from vibethinker.data import answer_lines
from vibethinker.records import VERDICT_STATUSES

Row = dict[str, Any]

GOOD: list[Row] = [
    {"id": "half", "gold": "1/2", "prediction": r"so \boxed{0.5}"},
    {"id": 7, "gold": "3", "prediction": r"so \boxed{4}"},
    {"gold": "3", "prediction": "so 3"},
    {"id": "half", "answer": "1/0", "prediction": r"\boxed{2}"},
]
BAD = {
    "{oops": "not JSON: Expecting property name enclosed in double quotes at character 2",
    "[1]": "must be a JSON object, got a list",
    '"x"': "must be a JSON object, got text",
    '{"id": "a"}': 'no "gold" and no "answer"; it has \'id\'',
    "{}": 'no "gold" and no "answer"; it has nothing',
    '{"gold": "1"}': "no \"prediction\"; it has 'gold'",
    '{"gold": "1", "prediction": 1}': "prediction must be text, got a number",
    '{"gold": "1", "prediction": null}': "prediction must be text, got null",
    '{"gold": ["1", "2"], "prediction": ""}': "gold must be text or a number, got a list: write several answers as one "
    "text, such as 1,2",
    '{"gold": true, "prediction": ""}': "gold must be text or a number, got true",
    '{"gold": null, "prediction": ""}': "gold must be text or a number, got null",
    '{"gold": NaN, "prediction": ""}': "gold must be text or a number, got nan",
    '{"answer": {}, "prediction": ""}': "answer must be text or a number, got an object",
    '{"id": [], "gold": "1", "prediction": ""}': "id must be text or a number, got a list",
    '{"id": Infinity, "gold": "1", "prediction": ""}': "id must be a finite number, got inf",
    "\udcff": "not UTF-8",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(rows: list[Row], name: str = "in.jsonl") -> Path:
    path = Path(name)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(name: str = "out.jsonl") -> list[Row]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def graded(capsys: pytest.CaptureFixture[str], *arguments: str) -> Row:
    """Grade in.jsonl with --json and return what was printed."""
    assert run_command(["verify", "in.jsonl", "--json", *arguments]) == 0
    found: Row = json.loads(capsys.readouterr().out)
    return found


def test_every_line_gets_a_verdict_in_the_files_order(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD)
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    rows = read()
    assert [list(row) for row in rows] == [["id", "correct", "status", "reason", "extracted", "ms"]] * 4
    assert [(row["id"], row["correct"], row["status"], row["extracted"]) for row in rows[:3]] == [
        ("half", True, "match", "0.5"),
        (7, False, "mismatch", "4"),
        (3, False, "no_answer", None),
    ]
    assert (rows[3]["id"], rows[3]["correct"], rows[3]["status"]) == ("half", None, "gold_error")
    assert all(row["ms"] >= 0 for row in rows)
    assert all(row["reason"] for row in rows)


def test_the_terminal_shows_the_rates_and_the_golds_that_are_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD)
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 0
    header, *rows, accuracy, gold, seconds, output = capsys.readouterr().out.splitlines()
    assert header.split() == ["count", "share", "mean", "ms"]
    assert [row.split()[:3] for row in rows] == [
        ["match", "1", ".250"],
        ["mismatch", "1", ".250"],
        ["no_answer", "1", ".250"],
        ["gold_error", "1", ".250"],
    ]
    assert accuracy == "accuracy .333 (1 of 3 judged)"
    assert gold == "gold error: line 4, id half: '1/0'"
    assert seconds.startswith("seconds  ")
    assert output == "output   out.jsonl"


def test_json_is_one_object_with_every_count(capsys: pytest.CaptureFixture[str]) -> None:
    write([*GOOD, {"gold": "1"}])
    assert run_command(["verify", "in.jsonl", "--json", "--output", "out.jsonl"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert captured.err.splitlines()[-1] == "1 of 5 lines of in.jsonl could not be read and is not counted"
    assert {key: found[key] for key in ("total", "judged", "correct", "accuracy", "output")} == {
        "total": 4,
        "judged": 3,
        "correct": 1,
        "accuracy": 1 / 3,
        "output": "out.jsonl",
    }
    assert list(found["statuses"]) == list(VERDICT_STATUSES)
    assert sum(found["statuses"].values()) == found["total"]
    assert found["malformed"] == [{"line": 5, "reason": "no \"prediction\"; it has 'gold'"}]
    assert found["malformed_count"] == found["gold_error_count"] == 1
    assert found["gold_errors"] == [{"id": "half", "line": 4, "gold": "1/0"}]
    assert found["seconds"] >= 0
    assert found["mean_ms"]["match"] >= 0
    assert found["mean_ms"]["timeout"] is None


def test_a_malformed_line_is_named_and_does_not_stop_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps(GOOD[0]), *BAD, "", json.dumps(GOOD[1])]
    Path("in.jsonl").write_text("\n".join(lines), errors="surrogateescape")
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 0
    *named, last = capsys.readouterr().err.splitlines()
    assert named == [f"in.jsonl:{number}: {reason}" for number, reason in enumerate(BAD.values(), start=2)]
    assert last == f"{len(BAD)} of {len(BAD) + 2} lines of in.jsonl could not be read and are not counted"
    assert [row["id"] for row in read()] == ["half", 7]


def test_twenty_malformed_lines_are_listed_and_all_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_text(json.dumps(GOOD[0]) + "\n" + "x\n" * 700)
    found = graded(capsys)
    assert found["malformed_count"] == 700
    assert [entry["line"] for entry in found["malformed"]] == list(range(2, 22))


def test_lines_that_only_a_parser_would_choke_on_are_malformed_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_text("\n".join(["[" * 100_000, '{"gold": ' + "9" * 5000 + "}", json.dumps(GOOD[0])]))
    found = graded(capsys)
    assert [entry["line"] for entry in found["malformed"]] == [1, 2]
    assert all(entry["reason"].startswith("not JSON that can be read: ") for entry in found["malformed"])
    assert found["correct"] == 1


def test_an_endless_line_is_passed_over(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_lines, "MAX_LINE_BYTES", 1000)
    long = json.dumps({**GOOD[0], "prediction": "x" * 5000})
    Path("in.jsonl").write_text("\n".join([long, json.dumps(GOOD[0]), long]))
    found = graded(capsys)
    assert [entry["line"] for entry in found["malformed"]] == [1, 3]
    assert (found["total"], found["correct"]) == (1, 1)


def test_a_number_as_gold_counts_as_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ['{"gold": 7, "prediction": "\\\\boxed{7}"}', '{"gold": 0.3330, "prediction": "\\\\boxed{0.333}"}']
    Path("in.jsonl").write_text("\n".join([*lines, '{"gold": 1/0, "prediction": ""}', '{"gold": 1e999, "id": 1.50}']))
    found = graded(capsys, "--golds")
    assert found["total"] == 3
    assert [entry["gold"] for entry in found["gold_errors"]] in ([], ["1e999"])
    Path("in.jsonl").write_text('{"gold": 1.50, "prediction": "\\\\boxed{3/2}", "id": 1.50}')
    assert graded(capsys, "--output", "out.jsonl")["correct"] == 1
    assert read()[0]["id"] == 1.5


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(row).encode() for row in GOOD))
    found = graded(capsys)
    assert (found["total"], found["malformed_count"]) == (4, 0)


def test_text_that_no_terminal_can_show_goes_through(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\ud800\x1b[2J\x00\u202e"
    write([{"id": hostile, "gold": hostile, "prediction": f"\\boxed{{{hostile}}}"}, GOOD[0]])
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert read()[0]["id"] == hostile
    assert graded(capsys)["total"] == 2


def test_choice_lines_may_bring_their_choices(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        [
            {"gold": "B", "prediction": r"\boxed{B}"},
            {"gold": "B", "prediction": "The answer is (B).", "choices": "ABCD"},
            {"gold": "C", "prediction": r"\boxed{B}", "choices": ["red", "green", "blue"]},
            {"gold": "F", "prediction": r"\boxed{F}", "choices": {"E": "one", "F": "two"}},
            {"gold": "A", "prediction": r"\boxed{A}", "choices": 4},
            {"gold": "A", "prediction": r"\boxed{A}", "choices": [None]},
        ]
    )
    found = graded(capsys, "--kind", "choice", "--output", "out.jsonl")
    assert [row["correct"] for row in read()] == [True, True, False, True]
    assert [entry["reason"] for entry in found["malformed"]] == [
        "choices must be letters, a list of texts or an object, got a number",
        "a choice must be text or a number, got null",
    ]


def test_choices_of_another_kind_of_line_are_no_business_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    write([{**GOOD[0], "choices": 4}])
    assert graded(capsys)["correct"] == 1


@pytest.mark.parametrize(("kind", "gold"), [("integer", "12"), ("text", "Paris"), ("math", "12"), ("choice", "A")])
def test_every_kind_grades(capsys: pytest.CaptureFixture[str], kind: str, gold: str) -> None:
    write([{"gold": gold, "prediction": f"\\boxed{{{gold}}}"}, {"gold": gold, "prediction": ""}])
    found = graded(capsys, "--kind", kind)
    assert (found["correct"], found["judged"]) == (1, 2)


def test_answers_without_a_box_count_where_any_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    write([{"gold": "3", "prediction": "The answer is 3."}])
    assert graded(capsys)["correct"] == 0
    assert graded(capsys, "--mode", "any")["correct"] == 1


def test_an_audit_lists_the_golds_that_nobody_can_be_graded_by(capsys: pytest.CaptureFixture[str]) -> None:
    write([{"id": "a", "gold": "1/2"}, {"id": "b", "gold": "1/0"}, {"id": "c", "answer": 3}, {"id": "d"}])
    assert run_command(["verify", "in.jsonl", "--golds", "--output", "out.jsonl"]) == 0
    captured = capsys.readouterr()
    head, offender, _, output = captured.out.splitlines()
    assert head == "1 of 3 gold answers cannot be graded by"
    assert offender.startswith("gold error: line 2, id b: '1/0' does not match itself: ")
    assert output == "output   out.jsonl"
    assert "in.jsonl:4: no " in captured.err
    found = graded(capsys, "--golds")
    assert read() == found["gold_errors"]
    assert [list(row) for row in read()] == [["id", "line", "gold", "reason"]]
    assert (found["total"], found["gold_error_count"], found["malformed_count"]) == (3, 1, 1)


def test_an_audit_of_good_golds_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    write([{"gold": "1/2"}] * 3)
    assert run_command(["verify", "in.jsonl", "--golds"]) == 0
    assert capsys.readouterr().out.startswith("3 gold answers, all fine\n")


def test_more_lines_than_a_batch_keep_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    write([{"id": number, "gold": number % 7, "prediction": f"\\boxed{{{number % 5}}}"} for number in range(1000)])
    found = graded(capsys, "--output", "out.jsonl")
    assert [row["id"] for row in read()] == list(range(1000))
    assert [row["correct"] for row in read()] == [number % 7 == number % 5 for number in range(1000)]
    assert found["total"] == 1000


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["none.jsonl"], "error: no file none.jsonl: give the path of a JSONL file"),
        (["."], "error: . is no file: give the path of a JSONL file"),
        (["empty.jsonl"], "error: empty.jsonl holds no lines"),
        (["blank.jsonl"], "error: blank.jsonl holds no lines"),
        (["text.jsonl"], "error: text.jsonl: none of its 2 lines can be read; line 1: not JSON: "),
        (["text.jsonl", "--golds"], "error: text.jsonl: none of its 2 lines can be read; line 1: not JSON: "),
        (["one.jsonl"], "error: one.jsonl: its only line cannot be read; line 1: must be a JSON object"),
        (["in.jsonl", "--output", "in.jsonl"], "error: --output in.jsonl is the file to read: name another"),
        (["in.jsonl", "--output", "./in.jsonl"], "error: --output in.jsonl is the file to read"),
        (["in.jsonl", "--output", "link.jsonl"], "error: --output link.jsonl is the file to read"),
        (
            ["in.jsonl", "--output", "none/o.jsonl"],
            "error: --output none/o.jsonl: there is no folder none: make it first",
        ),
        (["in.jsonl", "--output", "."], "error: --output . is no file: name a file to write"),
        (["in.jsonl", "--output", "/dev/null"], "error: --output /dev/null is no file: name a file to write"),
        (["in.jsonl", "--kind", "maths"], "error: --kind: no verifier of kind 'maths'"),
        (["in.jsonl", "--mode", "all"], "error: --mode all: there is no such mode; use one of boxed, any"),
        ([], "error: Missing argument"),
        (["in.jsonl", "--gold"], "error: No such option: --gold"),
    ],
)
def test_wrong_input_is_one_line_and_status_2_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], beginning: str
) -> None:
    write(GOOD)
    for name, text in {"empty": "", "blank": "\n \n", "text": "a\nb\n", "one": "[]"}.items():
        Path(f"{name}.jsonl").write_text(text)
    Path("link.jsonl").symlink_to("in.jsonl")
    before = sorted(folder.iterdir())
    assert run_command(["verify", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(beginning)
    assert sorted(folder.iterdir()) == before


def test_a_file_without_one_good_line_leaves_the_earlier_output(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.jsonl").write_text("earlier")
    Path("in.jsonl").write_text("x\n")
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 2
    assert Path("out.jsonl").read_text() == "earlier"


def test_of_a_linked_output_the_file_behind_the_link_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD)
    Path("there").mkdir()
    Path("out.jsonl").symlink_to("there/real.jsonl")
    assert run_command(["verify", "in.jsonl", "--output", "out.jsonl"]) == 0
    assert Path("out.jsonl").is_symlink()
    assert len(read("there/real.jsonl")) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("output", [True, False])
def test_an_interrupted_grading_leaves_nothing_and_is_status_130(folder: Path, number: int, output: bool) -> None:
    line = json.dumps({"gold": "1", "prediction": "so " * 300 + r"\boxed{1}"}) + "\n"
    Path("in.jsonl").write_text(line * 200_000)
    options = ["--output", "out.jsonl"] if output else ["--json"]
    command = [sys.executable, "-m", "vibethinker", "verify", "in.jsonl", *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _wait_until_reading(process)
        # To the whole group, as a terminal sends it.
        os.killpg(process.pid, number)
        shown, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, shown) == (130, "")
    assert errors == "interrupted; nothing was written\n"
    assert [path.name for path in folder.iterdir()] == ["in.jsonl"]


def _wait_until_reading(process: "subprocess.Popen[str]") -> None:
    """Wait until the file to read is open in the process."""
    while True:
        assert process.poll() is None
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            # A descriptor may be closed between the listing and the look at it.
            with contextlib.suppress(FileNotFoundError):
                if link.readlink().name == "in.jsonl":
                    time.sleep(0.2)
                    return
        time.sleep(0.01)


def test_a_full_disk_is_status_1_one_line_and_no_part_of_a_file(folder: Path) -> None:
    """The system refuses to let a file grow beyond 8 KiB."""
    write(GOOD * 200)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**13, 2**13))

    command = [sys.executable, "-m", "vibethinker", "verify", "in.jsonl", "--output", "out.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith("; nothing was written\n")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["in.jsonl"]


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    line = json.dumps({"gold": "1", "prediction": "so " * 3000 + r"\boxed{1}"}) + "\n"
    script = (
        "import resource, sys\n"
        "from vibethinker.cli import run_command\n"
        "run_command(['verify', sys.argv[1], '--output', 'out.jsonl', '--json'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    peaks = []
    for name, lines in (("small.jsonl", 1000), ("large.jsonl", 16_000)):
        Path(name).write_text(line * lines)
        done = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, check=True)
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert Path("large.jsonl").stat().st_size > 140e6
    assert peaks[1] - peaks[0] < 30_000, "kilobytes"


def test_nothing_heavy_is_loaded() -> None:
    write(GOOD)
    script = (
        "import sys\n"
        "from vibethinker.cli import run_command\n"
        "run_command(['verify', 'in.jsonl', '--json'])\n"
        "heavy = ('torch', 'transformers', 'pyarrow', 'numpy', 'sympy', 'math_verify')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
