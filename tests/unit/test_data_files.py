"""Problem files of other people's making: what is read, and what is refused in one clear line."""

import json
from pathlib import Path

import pytest

from vibethinker.cli import run_command
from vibethinker.configs.data import DataConfig, FileSource
from vibethinker.data.preflight import check_sources
from vibethinker.data.problem_files import check_problem_file, read_problem_file
from vibethinker.data.splits import bucket
from vibethinker.data.tables import read_problems, read_rows, write_records, write_table
from vibethinker.errors import InputError
from vibethinker.records import Problem, Verdict
from vibethinker.verify import get_verifier

AIME = Path(__file__).parents[3] / "shared" / "data" / "aime24.parquet"


def read(path, **options):
    return read_problem_file(FileSource(source="file", path=str(path), **options), get_verifier("math"), seed=0)


@pytest.fixture
def jsonl(tmp_path):
    def write(rows, name="p.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
        return path

    return write


def test_columns_are_mapped_from_jsonl_and_parquet_alike(tmp_path, jsonl):
    rows = [{"problem": "1+1?", "gold": 2, "kind": "sums", "steps": "1+1=2\n\\boxed{2}", "hard": 3}]
    columns = {"question": "problem", "answer": "gold", "domain": "kind", "trace": "steps", "level": "hard"}
    parquet = tmp_path / "p.parquet"
    write_table(parquet, rows)
    for path in (jsonl(rows), parquet):
        found = read(path, columns=columns)
        assert [(p.question, p.answer, p.domain, p.level) for p in found.problems] == [("1+1?", "2", "sums", 3)]
        assert found.traces[0].text == "1+1=2\n\\boxed{2}"


def test_a_dotted_name_leads_inside_a_column(jsonl):
    path = jsonl([{"prompt": [{"content": "1+1?"}], "reward_model": {"ground_truth": 2}}])
    columns = {"question": "prompt.0.content", "answer": "reward_model.ground_truth"}
    assert [(p.question, p.answer) for p in read(path, columns=columns).problems] == [("1+1?", "2")]
    with pytest.raises(InputError, match="has no column 'prompt.1.content'"):
        read(path, columns={**columns, "question": "prompt.1.content"})


@pytest.mark.skipif(not AIME.is_file(), reason=f"needs {AIME.name}, which is not part of the project")
def test_every_aime_problem_is_read_and_its_gold_is_a_number():
    columns = {"question": "prompt.0.content", "answer": "reward_model.ground_truth", "id": "extra_info.index"}
    found = read(AIME, columns=columns)
    assert len(found.problems) == 30
    assert found.gold_errors == []
    assert all(0 <= int(problem.answer) <= 999 for problem in found.problems)


def test_a_gold_answer_that_nobody_can_be_graded_by_is_left_out_and_named(jsonl):
    found = read(
        jsonl([{"id": "good", "question": "a", "answer": "1/2"}, {"id": "bad", "question": "b", "answer": "1/0"}]),
        columns={"id": "id"},
    )
    assert [problem.id for problem in found.problems] == ["good"]
    (error,) = found.gold_errors
    assert (error.id, error.gold) == ("bad", "1/0")
    assert error.reason.startswith("does not match itself: ")


def test_a_verifier_that_takes_anything_leaves_no_problem(jsonl):
    source = FileSource(source="file", path=str(jsonl([{"question": "a", "answer": "7"}])))
    found = read_problem_file(source, lambda gold, response: Verdict(True, "match"), seed=0)
    assert found.problems == []
    assert found.gold_errors[0].reason.startswith("matches altered copies of itself too: ")


def test_golds_that_nobody_can_be_graded_by_stand_in_the_stages_metrics_and_folder(jsonl, tmp_path):
    rows = [{"id": i, "question": f"q{i}", "answer": "1/0" if i % 2 else "7"} for i in range(60)]
    rows[1]["answer"] = "1/0" + " " * 500 + "x"
    recipe = tmp_path / "mine.yaml"
    source = f"{{source: file, path: {jsonl(rows)}, columns: {{id: id}}}}"
    recipe.write_text(f"name: mine\nstages:\n  - {{id: problems, kind: data, heldout: {source}}}\n")
    run_dir = tmp_path / "run"
    assert run_command(["run", str(recipe), "--run-dir", str(run_dir)]) == 0
    metrics = json.loads((run_dir / "run.json").read_text())["stages"][0]["metrics"]
    assert metrics["problems"] == {"heldout": 30}
    errors = metrics["gold_errors"]["heldout"]
    assert (errors["count"], len(errors["first"])) == (30, 20)
    assert list(errors["first"][1]) == ["id", "gold", "reason"]
    assert errors["first"][1]["id"] == "3"
    assert all(len(error["gold"]) <= 210 for error in errors["first"])
    everything = read_rows(run_dir / "problems" / "gold_errors.parquet")
    assert [row["id"] for row in everything] == [str(i) for i in range(1, 60, 2)]
    assert everything[0] == {"set": "heldout", "id": "1", "gold": rows[1]["answer"], "reason": everything[0]["reason"]}


def test_a_file_of_golds_that_nobody_can_be_graded_by_is_refused_before_anything_runs(jsonl, tmp_path):
    path = jsonl([{"question": f"q{i}", "answer": "1/0"} for i in range(3)])
    with pytest.raises(
        InputError, match="nobody can be graded by the answers of 3, such as '1/0', which does not match"
    ):
        check_problem_file(FileSource(source="file", path=str(path)), get_verifier("math"))
    config = DataConfig(id="problems", kind="data", heldout=FileSource(path=str(path)))
    with pytest.raises(InputError, match='stage "problems": heldout: no problem of ') as caught:
        check_sources(config)
    assert "\n" not in str(caught.value)


def test_the_check_before_a_run_ends_at_the_first_good_answer(jsonl):
    asked = []

    def verifier(gold, response):
        asked.append(gold)
        return get_verifier("math")(gold, response)

    path = jsonl([{"question": f"q{i}", "answer": answer} for i, answer in enumerate(["1/0", "1/0", "1", "2", "3"])])
    check_problem_file(FileSource(source="file", path=str(path)), verifier)
    assert set(asked) == {"1/0", "1"}


def test_training_problems_need_a_column_of_traces(jsonl):
    path = jsonl([{"question": "q", "answer": "1"}])
    config = DataConfig(id="problems", kind="data", train=FileSource(path=str(path)))
    with pytest.raises(InputError, match="gives no traces to learn from: name the column"):
        check_sources(config)


def test_buckets_split_one_file_without_overlap_or_loss(jsonl):
    path = jsonl([{"question": f"q{i}", "answer": "1"} for i in range(300)])
    parts = [read(path, buckets=part).problems for part in ((0, 59), (60, 99))]
    assert {p.id for p in parts[0]} & {p.id for p in parts[1]} == set()
    assert sum(map(len, parts)) == 300
    assert all(bucket(p.question) < 60 for p in parts[0])


def test_a_limit_takes_so_many_by_the_seed(jsonl):
    path = jsonl([{"question": f"q{i}", "answer": "1"} for i in range(50)])
    assert len(read(path, limit=7).problems) == 7
    assert read(path, limit=7) == read(path, limit=7)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "missing.jsonl", "no problem file .*missing.jsonl"),
        ("{}", "p.csv", "ending '.csv'"),
        ("", "p.jsonl", "holds no rows"),
        ('{"question": "a"}', "p.jsonl", "has no column 'answer' \\(for answer\\); it has 'question'"),
        ('{"question": "a", "answer": "1"}\n{oops', "p.jsonl", "p.jsonl:2: not JSON"),
        ("[" * 100_000, "p.jsonl", "p.jsonl:1: not JSON"),
        (
            b'{"question": "a", "answer": "1"}\n{"question": "\xe9"}',
            "p.jsonl",
            "p.jsonl:2: not UTF-8: .*save the file as",
        ),
        ("{}".encode("utf-16"), "p.jsonl", "p.jsonl:1: not UTF-8"),
        ("[1]", "p.jsonl", "p.jsonl:1: a line must be a JSON object"),
        ('{"question": " ", "answer": "1"}', "p.jsonl", "row 1: column 'question' is empty"),
        ("not parquet", "p.parquet", "not a readable Parquet file"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, content, name, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read(path)


def test_problems_survive_the_disk(tmp_path):
    problems = [Problem("a", "q", "1/2", "d", "s", 3), Problem("b", "r", "2", "d", "s", None)]
    write_records(tmp_path / "p.parquet", problems)
    assert read_problems(tmp_path / "p.parquet") == problems
    assert read_rows(tmp_path / "p.parquet")[1]["level"] is None
