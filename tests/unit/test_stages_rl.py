"""An rl stage learns from the prompts of its data, in its mix, that the starting model sometimes solves."""

import io
import json
from collections import Counter
from functools import partial
from random import Random

import pytest
import yaml
from rich.console import Console

from vibethinker.configs.loading import load_recipe
from vibethinker.data.families import DOMAINS
from vibethinker.data.procedural import choose_families, draw_problems
from vibethinker.data.tables import read_rows
from vibethinker.errors import InputError
from vibethinker.observe.progress import RunDisplay
from vibethinker.pipeline.runner import run_recipe

DRAWN = [
    drawn.problem
    for domain in DOMAINS
    for drawn in draw_problems(choose_families([domain], None), (1,), range(50, 75), count=4, rng=Random(2))
]
ROWS = [
    {"id": str(number), "question": problem.question, "answer": problem.answer, "domain": problem.domain}
    for number, problem in enumerate(DRAWN)
]
# No response of this length ends in such an answer.
IMPOSSIBLE = [{**row, "answer": "98765432109/7"} for row in ROWS]
COLUMNS = {"id": "id", "domain": "domain"}
SIGNAL = {
    "id": "signal",
    "kind": "rl",
    "model": "base",
    "data": "problems",
    "steps": 1,
    "save_every": 1,
    "learning_rate": 1e-4,
    "warmup_steps": 0,
    "prompts_per_step": 2,
    "group_size": 2,
    "micro_batch_size": 4,
    "max_new_tokens": 32,
    "prefilter": {"samples": 4, "first": 2},
}


class Signal:
    """One run of an rl stage on files of problems."""

    def __init__(self, folder, *sets, **changes):
        self.run_dir = folder / "run"
        names = ["problems", "more"][: len(sets)]
        for name, rows in zip(names, sets, strict=True):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = [
            {
                "id": name,
                "kind": "data",
                "rl": {"source": "file", "path": str(folder / f"{name}.jsonl"), "columns": COLUMNS},
            }
            for name in names
        ]
        recipe = {"name": "test", "model": "micro", "dtype": "float32", "stages": [*data, {**SIGNAL, **changes}]}
        self.path = folder / "recipe.yaml"
        self.path.write_text(yaml.safe_dump(recipe))

    def go(self):
        """Run it; return the stage's metrics."""
        ui = partial(RunDisplay, console=Console(file=io.StringIO(), width=120))
        stages = run_recipe(load_recipe(self.path), self.run_dir, ui=ui).run["stages"]
        return stages[-1]["metrics"]

    def refusal(self):
        with pytest.raises(InputError) as caught:
            self.go()
        return str(caught.value)

    def table(self, name):
        """Return the rows of a table of the stage, whether it came to its end or not; None where there is none."""
        paths = [self.run_dir / "signal" / name, self.run_dir / ".work" / "signal" / name]
        return next((read_rows(path) for path in paths if path.is_file()), None)


def test_what_is_sometimes_solved_is_trained_on_and_the_rest_is_counted(tmp_path):
    work = Signal(tmp_path, ROWS[:8] + IMPOSSIBLE[8:12], steps=3)
    metrics = work.go()
    counts = {row["prompt_id"]: (row["correct"], row["samples"]) for row in work.table("prefilter.parquet")}
    mixed = {name for name, (right, judged) in counts.items() if 0 < right < judged}
    assert {row["prompt_id"] for row in work.table("rollouts.parquet")} <= mixed
    found = metrics["prefilter"]
    assert found["never_right"] == sum(right == 0 for right, _ in counts.values()) >= 4
    assert found["always_right"] == sum(right == judged for right, judged in counts.values())
    assert found["never_right"] + found["always_right"] + found["kept"] == found["prompts"] == 12
    assert metrics["prompts"] == found["kept"] == len(mixed)
    assert found["ungradable"] == metrics["too_long"] == 0
    assert found["samples"] == sum(judged for _, judged in counts.values())


def test_a_filter_that_keeps_all_only_counts(tmp_path):
    changes = {"prefilter": {"samples": 4, "first": 2, "keep": "all"}, "sampler": {"name": "max_entropy"}}
    metrics = Signal(tmp_path, ROWS[:4] + IMPOSSIBLE[4:8], **changes).go()
    assert metrics["prompts"] == metrics["prefilter"]["kept"] == metrics["prefilter"]["prompts"] == 8
    assert metrics["prefilter"]["never_right"] >= 4


def test_too_few_prompts_are_told_with_how_many_were_never_and_always_solved(tmp_path):
    # Nearly greedy: a prompt's samples are all alike, and the easy one is solved.
    easy = {"id": "easy", "question": ROWS[0]["question"], "answer": ROWS[0]["answer"], "domain": "algebra"}
    work = Signal(tmp_path, [easy, *IMPOSSIBLE[1:4]], temperature=0.01)
    line = work.refusal()
    right = sum(row["correct"] > 0 for row in work.table("prefilter.parquet"))
    assert line == (
        f'stage "signal": 0 prompts to learn from ({right} of 4 always right, {4 - right} never right under the '
        f"starting model), need at least prompts_per_step=2: give more prompts of a fitting level, or lower it"
    )
    assert right == 1
    assert work.table("rollouts.parquet") is None


def test_a_set_that_is_too_small_to_begin_with_is_told_before_anything_is_drawn(tmp_path):
    work = Signal(tmp_path, ROWS[:8], prompts_per_step=9, micro_batch_size=9)
    assert work.refusal().startswith('stage "signal": 8 prompts to learn from, need at least prompts_per_step=9')
    assert work.table("prefilter_samples_1.parquet") is None


def test_prompts_that_are_too_long_are_counted_among_the_reasons(tmp_path):
    long = [{**row, "question": row["question"] + " Mind the signs." * 12} for row in ROWS[:3]]
    changes = {"max_prompt_tokens": 90, "max_dropped_share": 1.0}
    assert Signal(tmp_path, long + ROWS[3:6], **changes, prefilter=None).go()["too_long"] == 3
    (tmp_path / "alone").mkdir()
    assert "0 prompts to learn from (3 too long)" in Signal(tmp_path / "alone", long, **changes).refusal()


def test_equal_ids_of_two_files_stay_two_prompts_and_equal_questions_one(tmp_path):
    other = [{**row, "id": str(number)} for number, row in enumerate(ROWS[4:10])]
    work = Signal(tmp_path, ROWS[:6], other, data=["problems", "more"])
    metrics = work.go()
    assert metrics["prefilter"]["prompts"] == 10
    samples = Counter(row["question"] for row in work.table("prefilter_samples_1.parquet"))
    assert samples == dict.fromkeys((row["question"] for row in ROWS[:10]), 2)
    assert all(row["samples"] in (2, 4) for row in work.table("prefilter.parquet"))


def test_only_the_domains_of_the_mix_are_counted_and_trained_on(tmp_path):
    work = Signal(tmp_path, ROWS, mix={"shares": {"algebra": 2, "statistics": 1}}, prefilter={"keep": "all"})
    metrics = work.go()
    assert metrics["prefilter"]["prompts"] == 4 + 4
    assert metrics["prompts"] == metrics["prefilter"]["kept"] == 4 + 2
    assert {row["domain"] for row in work.table("prefilter_samples_1.parquet")} == {"algebra", "statistics"}


def test_at_most_so_many_prompts_keep_the_shares_that_the_set_has(tmp_path):
    work = Signal(tmp_path, ROWS, steps=2, prefilter={"samples": 2, "keep": "all", "max_prompts": 4})
    metrics = work.go()
    assert metrics["prompts"] == metrics["prefilter"]["kept"] == 4
    trained = Counter(row["domain"] for row in work.table("rollouts.parquet"))
    assert trained == dict.fromkeys(DOMAINS, 2)


def test_a_domain_that_the_filter_leaves_nothing_of_is_told_with_what_is_left_and_why(tmp_path):
    rows = [row if row["domain"] != "geometry" else IMPOSSIBLE[int(row["id"])] for row in ROWS]
    work = Signal(tmp_path, rows, mix={"shares": {"geometry": 1, "algebra": 1}})
    line = work.refusal()
    assert line.startswith('stage "signal": mix names geometry, of which no prompt is left; left are: algebra (')
    assert "never right under the starting model): give more prompts of a fitting level, or leave it out" in line


def test_solved_leaves_out_only_what_is_never_right(tmp_path):
    work = Signal(tmp_path, ROWS, steps=2, prefilter={"samples": 2, "first": 2, "keep": "solved"})
    found = work.go()["prefilter"]
    assert found["kept"] == found["prompts"] - found["never_right"] - found["ungradable"]
    right = {row["prompt_id"]: row["correct"] for row in work.table("prefilter.parquet")}
    assert all(right[row["prompt_id"]] > 0 for row in work.table("rollouts.parquet"))
