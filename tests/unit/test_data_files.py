"""Problem files of other people's making: what is read, and what is refused in one clear line."""

import json
from pathlib import Path

import pytest

from vibethinker.configs.data import FileSource
from vibethinker.data.problem_files import read_problem_file
from vibethinker.data.splits import bucket
from vibethinker.data.tables import read_problems, read_rows, write_records, write_table
from vibethinker.errors import InputError
from vibethinker.records import Problem
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


def test_a_gold_answer_that_cannot_be_read_is_left_out_and_named(jsonl):
    found = read(
        jsonl([{"id": "good", "question": "a", "answer": "1/2"}, {"id": "bad", "question": "b", "answer": "?"}]),
        columns={"id": "id"},
    )
    assert [problem.id for problem in found.problems] == ["good"]
    assert found.gold_errors == ["bad"]


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
        ("[1]", "p.jsonl", "p.jsonl:1: a line must be a JSON object"),
        ('{"question": " ", "answer": "1"}', "p.jsonl", "row 1: column 'question' is empty"),
        ("not parquet", "p.parquet", "not a readable Parquet file"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, content, name, message):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_problems_survive_the_disk(tmp_path):
    problems = [Problem("a", "q", "1/2", "d", "s", 3), Problem("b", "r", "2", "d", "s", None)]
    write_records(tmp_path / "p.parquet", problems)
    assert read_problems(tmp_path / "p.parquet") == problems
    assert read_rows(tmp_path / "p.parquet")[1]["level"] is None
