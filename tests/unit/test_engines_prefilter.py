"""What the starting model sometimes solves is kept, at as few samples as tell; nothing known is drawn again."""

import io
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vibethinker.configs.prompts import PrefilterConfig
from vibethinker.configs.rl import RlConfig
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems
from vibethinker.data.tables import read_rows
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.prefilter import FILE, count_right, drop_long_prompts
from vibethinker.engines.solve_counts import Count
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.records import Problem
from vibethinker.verify import judge_responses

PROBLEMS = [drawn.problem for drawn in draw_problems(FAMILIES, (1, 2), range(50, 75), count=12, rng=Random(5))]
TWO_ROUNDS = PrefilterConfig(samples=6, first=2)
FIRST, SECOND = "prefilter_samples_1.parquet", "prefilter_samples_2.parquet"


class Work:
    """A stage's folder, what it reads and what it shows."""

    def __init__(self, folder: Path, *, interrupted=lambda: False, prompt="{question}", inputs=None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.output = io.StringIO()
        display = RunDisplay("test", 1, folder, "", [("signal", "rl")], console=Console(file=self.output, width=300))
        self.context = StageContext(
            folder=folder,
            inputs=inputs or {},
            seed=3,
            model="micro",
            prompt=prompt,
            numerics=Numerics("float32", 2),
            progress=display.stage("signal", interrupted),
            metrics=MetricsFile(folder / "metrics.jsonl", "signal"),
        )

    def count(self, problems=PROBLEMS, prefilter=TWO_ROUNDS, *, model="micro", **changes):
        config = stage(**changes)
        return count_right(config, prefilter, self.context, model, problems, judge_responses)

    def sampled(self, name):
        """Return the verdicts that a round drew, by problem."""
        found: dict[str, list[bool | None]] = {}
        for row in read_rows(self.folder / name) if (self.folder / name).is_file() else []:
            found.setdefault(row["problem_id"], []).append(row["correct"])
        return found

    def time_of(self, name):
        return (self.folder / name).stat().st_mtime_ns


def stage(**changes):
    numbers = {"steps": 1, "save_every": 1, "learning_rate": 1e-4, "max_new_tokens": 32}
    return RlConfig.model_validate(
        {"id": "signal", "kind": "rl", "model": "base", "data": "problems", **numbers, **changes}
    )


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    work = Work(tmp_path_factory.mktemp("counted"))
    return work, work.count()


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.integers(1, 11))
def test_what_is_mixed_after_some_samples_is_mixed_after_all(verdicts, first):
    some = verdicts[:first]
    if Count(sum(some), len(some)).mixed:
        assert Count(sum(verdicts), len(verdicts)).mixed


def test_two_rounds_keep_what_one_round_of_the_same_samples_would(counted):
    work, counts = counted
    first, second = work.sampled(FIRST), work.sampled(SECOND)
    for problem in PROBLEMS:
        together = first[problem.id] + second.get(problem.id, [])
        assert counts[problem.id] == Count(sum(together), len(together))
        # The samples that the second round spared could have changed nothing.
        assert counts[problem.id].mixed == (0 < sum(together) < len(together))
        assert len(together) == (2 if Count(sum(first[problem.id]), 2).mixed else 6)


def test_undecided_prompts_alone_get_a_second_round(counted):
    work, _ = counted
    undecided = {name for name, verdicts in work.sampled(FIRST).items() if len(set(verdicts)) == 1}
    assert set(work.sampled(SECOND)) == undecided
    assert 0 < len(undecided) < len(PROBLEMS)
    assert {len(verdicts) for verdicts in work.sampled(SECOND).values()} == {4}


def test_the_second_round_draws_other_responses_than_the_first(tmp_path):
    """Else a prompt that was never solved in the first could not be in the second."""
    never = [replace(problem, answer="98765432109/7") for problem in PROBLEMS[:4]]
    # Rounds of one size, which the same seed would make alike.
    Work(tmp_path).count(never, PrefilterConfig(samples=8, first=4))
    first, second = (read_rows(tmp_path / name) for name in (FIRST, SECOND))
    assert [row["problem_id"] for row in first] == [row["problem_id"] for row in second]
    assert [row["text"] for row in first] != [row["text"] for row in second]


def test_the_table_holds_every_prompts_counts(counted):
    work, counts = counted
    rows = read_rows(work.folder / FILE)
    assert [row["prompt_id"] for row in rows] == [problem.id for problem in PROBLEMS]
    assert {row["prompt_id"]: Count(row["correct"], row["samples"]) for row in rows} == counts


def test_one_round_is_enough_where_all_samples_are_asked_of_every_prompt(tmp_path):
    work = Work(tmp_path)
    counts = work.count(PROBLEMS[:4], PrefilterConfig(samples=3, first=4))
    assert {count.judged for count in counts.values()} == {3}
    assert not (tmp_path / SECOND).exists()


def test_interrupted_between_the_rounds_it_goes_on_with_the_second_to_the_same_counts(counted, tmp_path):
    finished, counts = counted
    stopped = Work(tmp_path, interrupted=lambda: (tmp_path / FIRST).is_file())
    with pytest.raises(Interrupted):
        stopped.count()
    assert not (tmp_path / FILE).exists()
    drawn = stopped.time_of(FIRST)
    again = Work(tmp_path)
    assert again.count() == counts
    assert again.time_of(FIRST) == drawn
    assert read_rows(tmp_path / FILE) == read_rows(finished.folder / FILE)


def test_what_is_counted_is_not_drawn_again_however_often_the_stage_is_rerun(counted):
    finished, counts = counted
    times = [finished.time_of(name) for name in (FIRST, SECOND)]
    # Drawing anything would raise Interrupted.
    assert Work(finished.folder, interrupted=lambda: True).count() == counts
    assert [finished.time_of(name) for name in (FIRST, SECOND)] == times


def test_counts_of_another_stage_are_taken_over_and_only_what_is_missing_is_drawn(counted, tmp_path):
    finished, counts = counted
    more = [replace(PROBLEMS[0], id="new", question="Solve 3x+4=10 for x.", answer="2"), *PROBLEMS[4:]]
    work = Work(tmp_path / "later", inputs={"first": finished.folder})
    found = work.count(more, TWO_ROUNDS.model_copy(update={"counts_from": "first"}))
    assert set(work.sampled(FIRST)) == {"new"}
    assert set(work.sampled(SECOND)) <= {"new"}
    assert {name: found[name] for name in found if name != "new"} == {each.id: counts[each.id] for each in PROBLEMS[4:]}
    assert len(read_rows(work.folder / FILE)) == len(more)
    assert "warning" not in work.output.getvalue()


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    model, tokenizer = load_model("micro")
    model.model.embed_tokens.weight.data[0] += 1
    save_model(model, tokenizer, folder)
    return str(folder)


@pytest.mark.parametrize("change", ["model", "template", "temperature", "length", "samples", "answer", "question"])
def test_counts_of_anything_else_are_not_taken_over_and_that_is_said(counted, other_model, tmp_path, change):
    finished, _ = counted
    problems = PROBLEMS[:2]
    prefilter = PrefilterConfig(samples=6, first=2, counts_from="first")
    changes = {}
    if change == "answer":
        problems = [replace(problem, answer="-12345") for problem in problems]
    elif change == "question":
        problems = [replace(problem, question=f"{problem.question} Now.") for problem in problems]
    elif change == "samples":
        prefilter = prefilter.model_copy(update={"samples": 4})
    elif change != "template":
        changes = {"model": {"model": other_model}, "temperature": {"temperature": 0.9}}.get(
            change, {"max_new_tokens": 24}
        )
    prompt = "{question}\n" if change == "template" else "{question}"
    work = Work(tmp_path / "later", inputs={"first": finished.folder}, prompt=prompt)
    work.count(problems, prefilter, **changes)
    assert set(work.sampled(FIRST)) == {problem.id for problem in problems}
    assert 'counts_from="first" has no count of the same model' in work.output.getvalue()


def test_what_cannot_be_judged_is_counted_as_neither_right_nor_wrong(tmp_path):
    ungradable = Problem("u", "Solve 2x=4 for x.", "", "algebra", "test")
    work = Work(tmp_path)
    counts = work.count([PROBLEMS[0], ungradable], PrefilterConfig(samples=4, first=2))
    assert counts["u"] == Count(0, 0)
    assert not counts["u"].mixed
    assert work.sampled(FIRST)["u"] == [None, None]


def test_where_nothing_can_be_judged_it_says_so_and_what_to_check(tmp_path):
    ungradable = [replace(problem, answer="") for problem in PROBLEMS[:3]]
    with pytest.raises(InputError, match="none of the responses to 3 prompts could be judged: check") as caught:
        Work(tmp_path).count(ungradable)
    assert str(caught.value).startswith('stage "signal": ')
    assert not (tmp_path / FILE).exists()


LONG = replace(PROBLEMS[0], id="long", question="Solve 2x=4 for x. " * 8)


def window():
    return int(load_model("micro")[0].config.max_position_embeddings)


def test_prompts_longer_than_allowed_are_dropped_and_counted(tmp_path):
    problems = [LONG, *PROBLEMS]
    kept, dropped = drop_long_prompts(stage(max_prompt_tokens=80), Work(tmp_path).context, "micro", problems)
    assert (kept, dropped) == (PROBLEMS, 1)


def test_more_than_the_allowed_share_is_refused_with_the_numbers(tmp_path):
    context = Work(tmp_path).context
    line = (
        r"2 of 4 prompts are longer than 80 tokens \(the longest has \d+\), allowed is a share of max_dropped_share=0.4"
    )
    problems = [LONG, LONG, *PROBLEMS[:2]]
    with pytest.raises(InputError, match=line):
        drop_long_prompts(stage(max_prompt_tokens=80, max_dropped_share=0.4), context, "micro", problems)
    # The share itself is allowed.
    config = stage(max_prompt_tokens=80, max_dropped_share=0.5)
    assert drop_long_prompts(config, context, "micro", problems) == (PROBLEMS[:2], 2)


def test_without_a_limit_a_prompt_may_have_what_the_rollout_leaves_of_the_window(tmp_path):
    context = Work(tmp_path).context
    tokenizer = load_model("micro")[1]
    length = len(
        tokenizer.apply_chat_template([{"role": "user", "content": LONG.question}], add_generation_prompt=True)[
            "input_ids"
        ]
    )
    fitting = stage(max_new_tokens=window() - length, max_dropped_share=1)
    assert drop_long_prompts(fitting, context, "micro", [LONG]) == ([LONG], 0)
    longer = stage(max_new_tokens=window() - length + 1, max_dropped_share=1)
    assert drop_long_prompts(longer, context, "micro", [LONG]) == ([], 1)


@pytest.mark.parametrize("more", [0, 1, 1000])
def test_rollouts_that_fill_the_window_are_refused_with_both_numbers(tmp_path, more):
    config = stage(max_new_tokens=window() + more)
    line = f"max_new_tokens={window() + more} leaves no room for a prompt in the model's window of {window()} tokens"
    with pytest.raises(InputError, match=line):
        drop_long_prompts(config, Work(tmp_path).context, "micro", PROBLEMS)


def test_a_limit_of_ones_own_may_go_beyond_the_window_and_that_is_said(tmp_path):
    work = Work(tmp_path)
    within, beyond = (stage(max_new_tokens=32, max_prompt_tokens=window() - 32 + over) for over in (0, 1))
    drop_long_prompts(within, work.context, "micro", PROBLEMS)
    assert "warning" not in work.output.getvalue()
    drop_long_prompts(beyond, work.context, "micro", PROBLEMS)
    assert f"= {window() + 1} is beyond the model's window of {window()} tokens" in work.output.getvalue()
