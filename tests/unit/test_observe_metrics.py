"""The metrics file: what is appended is read back, through torn lines, cuts and numbers that are none."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.errors import InputError
from vibethinker.observe.metrics import MetricsFile, read_metrics

STAGES = ("specialists", "signal")
RUNS = ("", "algebra", "geometry")

logged = st.lists(st.tuples(st.sampled_from(STAGES), st.sampled_from(RUNS), st.integers(0, 9)), max_size=12)


def write(path: Path, entries: list[tuple[str, str, int]]) -> None:
    for number, (stage, run, step) in enumerate(entries):
        MetricsFile(path, stage).log(step, {"loss": number / 4}, run=run)


def test_a_line_holds_the_stage_the_run_the_step_and_the_values(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsFile(path, "signal").log(3, {"reward": 0.5, "accuracy_histogram": [1, 0, 2]})
    line = {"stage": "signal", "run": "", "step": 3, "reward": 0.5, "accuracy_histogram": [1, 0, 2]}
    assert path.read_text() == json.dumps(line) + "\n"
    assert read_metrics(path) == [line]


def test_numbers_that_are_not_finite_become_null_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    values = {"loss": float("nan"), "kl": float("inf"), "list": [1.0, -float("inf")], "map": {"x": float("nan")}}
    MetricsFile(path, "signal").log(1, values)
    (line,) = read_metrics(path)
    assert (line["loss"], line["kl"], line["list"], line["map"]) == (None, None, [1.0, None], {"x": None})


def test_values_cannot_take_the_place_of_the_keys_beside_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got step"):
        MetricsFile(tmp_path / "metrics.jsonl", "signal").log(1, {"step": 2})


@given(logged, st.data())
def test_a_file_torn_anywhere_is_read_and_continued_from_its_whole_lines(
    entries: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        write(path, entries)
        content = path.read_bytes() if entries else b""
        torn = content[: data.draw(st.integers(0, len(content)))]
        path.write_bytes(torn)
        whole = [json.loads(line) for line in torn.split(b"\n")[:-1]]
        assert read_metrics(path) == whole
        MetricsFile(path, "signal").log(7, {"reward": 1.0})
        assert read_metrics(path) == [*whole, {"stage": "signal", "run": "", "step": 7, "reward": 1.0}]


@given(logged, st.sampled_from(STAGES), st.sampled_from(RUNS), st.integers(0, 9))
def test_cutting_back_forgets_later_steps_of_this_stage_and_run_and_nothing_else(
    entries: list[tuple[str, str, int]], stage: str, run: str, step: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        write(path, entries)
        before = read_metrics(path)
        MetricsFile(path, stage).cut_back(step, run=run)
        kept = [line for line in before if (line["stage"], line["run"]) != (stage, run) or line["step"] <= step]
        assert read_metrics(path) == kept


@given(logged, st.sampled_from(STAGES))
def test_dropping_a_stage_forgets_all_its_lines_and_nothing_else(
    entries: list[tuple[str, str, int]], stage: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        write(path, entries)
        before = read_metrics(path)
        MetricsFile(path, stage).drop()
        assert read_metrics(path) == [line for line in before if line["stage"] != stage]


def test_cutting_back_survives_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, [("signal", "", 1), ("signal", "", 2)])
    path.write_bytes(path.read_bytes() + b'{"stage": "signal", "st')
    MetricsFile(path, "signal").cut_back(1)
    assert [line["step"] for line in read_metrics(path)] == [1]


def test_a_whole_line_that_is_no_record_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, [("signal", "", 1)])
    for damage in (b"\0\0\0\n", b"\xff\n", b"[1]\n", b'{"stage": "signal"}\n'):
        path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n" + damage)
        with pytest.raises(InputError, match=r"metrics\.jsonl:2: expected a JSON object"):
            read_metrics(path)


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsFile(path, "signal").cut_back(0)
    MetricsFile(path, "signal").drop()
    assert read_metrics(path) == []
    assert not path.exists()
