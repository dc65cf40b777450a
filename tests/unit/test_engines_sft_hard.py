"""The second stage's traces are long, and of problems that the reference mostly gets wrong, counted once for all."""

import io
import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from vibethinker.algos.hard_problems import decision_points, standing
from vibethinker.configs.sft import HardConfig
from vibethinker.data import tables
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems, draw_traces
from vibethinker.data.tables import read_rows
from vibethinker.engines.hard_traces import FILE, keep_hard
from vibethinker.engines.models import load_model, save_model
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.records import Trace, Verdict
from vibethinker.verify import judge_responses

DRAWN = draw_problems(FAMILIES, (1, 2, 4), range(50), count=24, rng=Random(5))
PROBLEMS = [drawn.problem for drawn in DRAWN]
TRACES = draw_traces(DRAWN, {"careful": 1.0, "direct": 1.0}, per_problem=2, rng=Random(6))
HARD = HardConfig(reference="base", min_trace_tokens=20, min_error_rate=0.5, samples=4, max_new_tokens=32)
POINTS = decision_points(HARD.samples, min_error_rate=HARD.min_error_rate)
TOKENIZER = load_model("micro")[1]


def tokens(trace):
    return len(TOKENIZER.encode(trace.text, add_special_tokens=False))


LONG = [trace for trace in TRACES if tokens(trace) >= HARD.min_trace_tokens]


class Work:
    """A stage's folder, a cache, and what the stage shows."""

    def __init__(self, folder, cache, monkeypatch, *, interrupted=lambda: False, prompt="{question}"):
        monkeypatch.setenv("VIBETHINKER_CACHE", str(cache))
        folder.mkdir(exist_ok=True)
        self.folder, self.cache, self.output = folder, cache, io.StringIO()
        display = RunDisplay("test", 1, folder, "", [("hard", "sft")], console=Console(file=self.output, width=300))
        self.context = StageContext(
            folder=folder,
            inputs={},
            seed=3,
            model="micro",
            prompt=prompt,
            numerics=Numerics("float32", 2),
            progress=display.stage("hard", interrupted),
            metrics=MetricsFile(folder / "metrics.jsonl", "hard"),
        )

    def keep(self, traces=TRACES, problems=PROBLEMS, *, hard=HARD, model="micro", judge=judge_responses):
        return keep_hard("hard", hard, self.context, model, TOKENIZER, traces, problems, judge)

    def sampled(self):
        """Return the verdicts of every round, by problem."""
        found: dict[str, list[bool | None]] = {}
        for path in sorted(self.folder.glob("hard_samples_*.parquet")):
            for row in read_rows(path):
                found.setdefault(row["problem_id"], []).append(row["correct"])
        return found


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        work = Work(folder / "stage", folder / "cache", patch)
        return work, work.keep()


def test_what_is_kept_is_long_and_of_problems_hard_by_all_that_was_drawn(counted):
    work, found = counted
    verdicts = work.sampled()
    assert set(verdicts) == {trace.problem_id for trace in LONG}
    hard = set()
    for name, drawn in verdicts.items():
        assert len(drawn) in POINTS
        stands = standing(
            sum(drawn), len(drawn), HARD.samples - len(drawn), samples=HARD.samples, min_error_rate=HARD.min_error_rate
        )
        assert stands in ("hard", "solved")
        hard |= {name} if stands == "hard" else set()
    assert found.traces == [trace for trace in LONG if trace.problem_id in hard]
    assert 0 < len(found.traces) < len(LONG) < len(TRACES)


def test_a_decided_problem_gets_no_more_rollouts(counted):
    verdicts = counted[0].sampled()
    assert len({len(drawn) for drawn in verdicts.values()}) > 1
    for drawn in verdicts.values():
        for point in POINTS[: POINTS.index(len(drawn))]:
            right = sum(drawn[:point])
            assert standing(right, point, HARD.samples - point, samples=4, min_error_rate=0.5) == "open"


def test_the_numbers_add_up(counted):
    work, found = counted
    numbers = found.metrics
    assert (
        numbers["traces"]
        == len(TRACES)
        == sum(numbers[key] for key in ("kept", "too_short", "solved_too_often", "not_judged"))
    )
    assert numbers["kept"] == len(found.traces)
    assert numbers["too_short"] == len(TRACES) - len(LONG)
    rows = read_rows(work.folder / FILE)
    assert Counter(row["standing"] for row in rows)["hard"] == numbers["hard_problems"]
    assert sum(row["drawn"] for row in rows) == numbers["rollouts"] == sum(map(len, work.sampled().values()))


def test_another_run_takes_the_counts_from_the_cache_and_draws_nothing(counted, tmp_path, monkeypatch):
    work, found = counted
    again = Work(tmp_path / "later", work.cache, monkeypatch, interrupted=lambda: True)
    # Drawing anything would raise Interrupted.
    assert again.keep() == found
    assert again.sampled() == {}


def test_a_bound_that_the_kept_counts_decide_draws_nothing_either(counted, tmp_path, monkeypatch):
    work, _ = counted
    stricter = Work(tmp_path / "stricter", work.cache, monkeypatch)
    kept = stricter.keep(hard=HARD.model_copy(update={"min_error_rate": 1.0}))
    drawn = stricter.sampled()
    for row in read_rows(work.folder / FILE):
        decided = standing(row["right"], row["judged"], 4 - row["drawn"], samples=4, min_error_rate=1.0) != "open"
        assert (row["problem_id"] in drawn) != decided
    assert {trace.problem_id for trace in kept.traces} <= {trace.problem_id for trace in LONG}


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    model, tokenizer = load_model("micro")
    model.model.embed_tokens.weight.data[0] += 1
    save_model(model, tokenizer, folder)
    return str(folder)


@pytest.mark.parametrize("change", ["model", "template", "temperature", "max_new_tokens", "samples", "answer", "kind"])
def test_counts_of_anything_else_are_not_taken(counted, other_model, tmp_path, monkeypatch, change):
    chosen = LONG[:2]
    problems = [problem for problem in PROBLEMS if problem.id in {trace.problem_id for trace in chosen}]
    hard, model, prompt = HARD, "micro", "{question}"
    if change == "model":
        model = other_model
    elif change == "template":
        prompt = "{question}\n"
    elif change == "answer":
        problems = [replace(problem, answer="-98765") for problem in problems]
    elif change == "kind":
        problems = [replace(problem, kind="text") for problem in problems]
    else:
        hard = HARD.model_copy(update={change: {"temperature": 0.9, "max_new_tokens": 31, "samples": 3}[change]})
    work = Work(tmp_path / "later", counted[0].cache, monkeypatch, prompt=prompt)
    # None of two problems may be hard.
    with suppress(InputError):
        work.keep(chosen, problems, hard=hard, model=model)
    assert set(work.sampled()) == {trace.problem_id for trace in chosen}


def test_interrupted_between_two_rounds_it_goes_on_to_the_same_traces(counted, tmp_path, monkeypatch):
    first = tmp_path / "stage" / f"hard_samples_{POINTS[0]}.parquet"
    stopped = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch, interrupted=first.is_file)
    with pytest.raises(Interrupted):
        stopped.keep()
    drawn = first.stat().st_mtime_ns
    again = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch)
    assert again.keep() == counted[1]
    assert first.stat().st_mtime_ns == drawn


def test_rows_of_other_problems_left_by_an_interrupted_stage_are_not_mistaken(counted, tmp_path, monkeypatch):
    work = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch)
    left = (counted[0].folder / f"hard_samples_{POINTS[-1]}.parquet").read_bytes()
    (work.folder / f"hard_samples_{POINTS[0]}.parquet").write_bytes(left)
    assert work.keep().traces == counted[1].traces


def test_a_problem_that_cannot_be_judged_is_left_out_and_counted(tmp_path, monkeypatch):
    lost = LONG[0].problem_id
    problems = [replace(problem, answer="") if problem.id == lost else problem for problem in PROBLEMS]
    chosen = [trace for trace in LONG if trace.problem_id == lost] + LONG[-8:]
    found = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch).keep(
        chosen, problems, hard=HARD.model_copy(update={"min_error_rate": 0.25})
    )
    assert found.metrics["not_judged"] == sum(trace.problem_id == lost for trace in chosen)
    assert lost not in {trace.problem_id for trace in found.traces}


def table_of_counts(work):
    """Return the cache's table of all problems; other tests may have kept counts of few beside it."""
    return max((work.cache / "solve_counts").iterdir(), key=lambda path: len(read_rows(path)))


def nothing_to_judge(kinds, golds, responses):
    return [Verdict(None, "infrastructure_error") for _ in responses]


def test_a_broken_sandbox_costs_no_later_run_its_counts(counted, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    broken = Work(tmp_path / "stage", cache, monkeypatch)
    with pytest.raises(InputError, match=f"{len(LONG)} of problems that could not be judged"):
        broken.keep(judge=nothing_to_judge)
    assert read_rows(table_of_counts(broken)) == []
    first = broken.folder / f"hard_samples_{POINTS[0]}.parquet"
    texts = [row["text"] for row in read_rows(first)]
    assert {row["correct"] for row in read_rows(first)} == {None}
    # The stage once more, and the same in another run.
    again, other = Work(broken.folder, cache, monkeypatch), Work(tmp_path / "other", cache, monkeypatch)
    assert again.keep() == counted[1]
    assert [row["text"] for row in read_rows(first)] == texts
    assert None not in {row["correct"] for row in read_rows(first)}
    assert other.keep() == counted[1]


def test_what_a_cache_holds_of_problems_that_were_not_judged_is_drawn_again(counted, tmp_path, monkeypatch):
    kept = table_of_counts(counted[0])
    cache = tmp_path / "cache" / "solve_counts"
    rows = [{**row, "right": 0, "judged": 0, "drawn": HARD.samples} for row in read_rows(kept)]
    tables.write_table(cache / kept.name, rows)
    assert Work(tmp_path / "stage", tmp_path / "cache", monkeypatch).keep() == counted[1]


def test_a_training_that_has_begun_goes_on_with_the_problems_it_began_with(counted, tmp_path, monkeypatch):
    work, found = counted
    folder, cache = tmp_path / "stage", tmp_path / "cache" / "solve_counts"
    folder.mkdir()
    (folder / FILE).write_bytes((work.folder / FILE).read_bytes())
    # Another run has drawn them anew, and found other problems hard.
    kept = table_of_counts(work)
    other = [{**row, "right": row["judged"] - row["right"]} for row in read_rows(kept)]
    tables.write_table(cache / kept.name, other)
    assert Work(folder, tmp_path / "cache", monkeypatch).keep() == found
    assert Work(tmp_path / "new", tmp_path / "cache", monkeypatch).keep() != found


def test_a_cache_that_cannot_be_read_or_written_costs_time_alone(counted, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    (cache / "solve_counts").mkdir(parents=True)
    for path in (counted[0].cache / "solve_counts").iterdir():
        (cache / "solve_counts" / path.name).write_bytes(b"PAR1 nothing")
    work = Work(tmp_path / "stage", cache, monkeypatch)
    assert work.keep().traces == counted[1].traces
    assert "cannot be read, all are drawn" in work.output.getvalue()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    work = Work(tmp_path / "other", blocked, monkeypatch)
    assert work.keep().traces == counted[1].traces
    assert "counts are not kept for other runs" in work.output.getvalue()


def test_where_nothing_remains_it_says_what_was_dropped_for_which_reason(tmp_path, monkeypatch):
    def always_right(kinds, golds, responses):
        return [Verdict(True, "match") for _ in responses]

    work = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch)
    message = (
        f'stage "hard": hard: no trace remains of {len(TRACES)}: {len(TRACES) - len(LONG)} are shorter than '
        f"min_trace_tokens=20, {len(LONG)} are of problems solved too often for min_error_rate=0.5, 0 of problems that "
        f"could not be judged: lower a bound, or give harder problems"
    )
    with pytest.raises(InputError) as caught:
        work.keep(judge=always_right)
    assert str(caught.value) == message


def test_traces_that_are_all_too_short_are_refused_before_a_rollout(tmp_path, monkeypatch):
    work = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch, interrupted=lambda: True)
    with pytest.raises(InputError, match=f"hard: none of {len(TRACES)} traces has min_trace_tokens=5000 tokens"):
        work.keep(hard=HARD.model_copy(update={"min_trace_tokens": 5000}))


def test_a_trace_without_a_gold_answer_is_refused_before_a_rollout(tmp_path, monkeypatch):
    work = Work(tmp_path / "stage", tmp_path / "cache", monkeypatch, interrupted=lambda: True)
    stray = Trace("stray", "What?", "algebra", "careful", LONG[0].text)
    with pytest.raises(InputError, match="hard: 1 of 2 problems have no gold answer to judge rollouts by"):
        work.keep([LONG[0], stray])


def test_tests_in_a_file_of_their_own_are_known_by_their_content(tmp_path, monkeypatch):
    def never_right(kinds, golds, responses):
        return [Verdict(False, "mismatch") for _ in responses]

    def drawn(folder, content):
        tests = tmp_path / folder / "tests.parquet"
        tests.parent.mkdir(exist_ok=True)
        tests.write_text(json.dumps(content))
        problem = replace(PROBLEMS[0], answer=tables.tests_pointer(str(tests), "p"), kind="code")
        work = Work(tmp_path / folder, tmp_path / "cache", monkeypatch)
        for path in Path(work.folder).glob("hard*.parquet"):
            path.unlink()
        work.keep([replace(LONG[0], problem_id=problem.id)], [problem], judge=never_right)
        return bool(work.sampled())

    assert drawn("first", 1)
    assert not drawn("elsewhere", 1)
    assert drawn("elsewhere", 2)
