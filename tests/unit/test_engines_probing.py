"""A probe draws all of everything, or what decides; stopped anywhere it goes on to the same result."""

import io
import math
import shutil
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console

from vibethinker.configs.probe import AdaptiveBudget, FullBudget, ProbingConfig
from vibethinker.data.families import FAMILIES
from vibethinker.data.probe_cells import DrawingPlan, counts_at_looks
from vibethinker.data.procedural import draw_problems
from vibethinker.data.tables import read_rows
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.probing import probe_checkpoints
from vibethinker.engines.scoring import score_models
from vibethinker.errors import Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.records import Verdict
from vibethinker.verify import judge_responses

PROBLEMS = [
    drawn.problem
    for drawn in draw_problems(
        [family for family in FAMILIES if family.domain in ("algebra", "statistics")],
        (1,),
        range(75, 87),
        count=40,
        rng=Random(5),
    )
]
SAMPLING: dict[str, Any] = {"k": 4, "samples": 4, "max_new_tokens": 24, "batch_size": 128}
FULL = ProbingConfig(**SAMPLING, budget=FullBudget())
ADAPTIVE = ProbingConfig(**SAMPLING, budget=AdaptiveBudget(name="adaptive", rounds=(0.5, 1.0)))


class Work:
    """A folder and a context; ``stop_at`` is the number of the question whether to stop that is answered by yes."""

    def __init__(self, folder: Path, *, stop_at: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.asked = 0
        self.judged: list[str] = []
        self.stop_at = stop_at
        self.output = io.StringIO()
        display = RunDisplay(
            "test", 1, folder, "", [("probe", "probe")], console=Console(file=self.output), clock=lambda: 0.0
        )
        self.progress: Any = display.stage("probe", self._interrupted)
        self.context = StageContext(
            folder=folder,
            inputs={},
            seed=3,
            model=None,
            prompt="{question}",
            numerics=Numerics("float32", 2),
            progress=self.progress,
            metrics=MetricsFile(folder / "metrics.jsonl", "probe"),
        )

    def _interrupted(self) -> bool:
        self.asked += 1
        return self.stop_at is not None and self.asked >= self.stop_at

    def probe(self, models, config=ADAPTIVE, problems=PROBLEMS):
        return probe_checkpoints(models, problems, config, seed=7, judge=self._judge, context=self.context)

    def _judge(self, kinds, golds, responses):
        self.judged += responses
        return judge_responses(kinds, golds, responses)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return the shipped base, a copy of it, and one that says nothing sensible any more."""
    folder = tmp_path_factory.mktemp("models")
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, folder / "copy")
    model.model.norm.weight.data.zero_()
    save_model(model, tokenizer, folder / "broken")
    return {"broken": str(folder / "broken"), "base": "micro", "copy": str(folder / "copy")}


@pytest.fixture(scope="module")
def adaptive(models, tmp_path_factory):
    work = Work(tmp_path_factory.mktemp("adaptive"))
    return work, work.probe(models)


def test_the_full_budget_draws_what_scoring_all_at_once_draws(models, tmp_path):
    two = {name: models[name] for name in ("base", "broken")}
    probed = Work(tmp_path / "probe").probe(two, FULL, PROBLEMS[:8])
    rows = score_models(
        two,
        PROBLEMS[:8],
        sampling=FULL,
        samples=4,
        seed=7,
        judge=judge_responses,
        context=_started(Work(tmp_path / "score")),
    )
    assert probed.rows == rows
    assert probed.dropped == {}
    assert read_rows(tmp_path / "probe/samples.parquet") == read_rows(tmp_path / "score/samples.parquet")


def _started(work):
    work.progress.start(64, unit="responses")
    return work.context


def test_a_problem_is_left_at_the_first_look_that_finds_enough(adaptive):
    plan = DrawingPlan.of(ADAPTIVE)
    sizes = set()
    for rows in adaptive[1].rows.values():
        for counts in counts_at_looks(rows, plan).values():
            assert all(right < plan.enough for _, right in counts[:-1])
            assert counts[-1][1] >= plan.enough or len(counts) == len(plan.looks)
        by_problem = Counter(row["problem_id"] for row in rows)
        assert set(by_problem.values()) <= set(plan.looks)
        sizes |= set(by_problem.values())
    # Some were left early and some were not, or nothing above was seen.
    assert len(sizes) > 1


def test_who_cannot_win_leaves_the_race_and_draws_no_more_there(adaptive):
    _, probed = adaptive
    for domain in ("algebra", "statistics"):
        ids = [problem.id for problem in PROBLEMS if problem.domain == domain]
        left = probed.dropped["broken", domain]
        assert (left.round, left.rule) == (1, "bound")
        assert left.lead.leader in ("base", "copy")
        assert left.lead.by >= left.lead.at_least > 0
        assert len({row["problem_id"] for row in probed.rows["broken"]} & set(ids)) == -(-len(ids) // 2)
        for name in ("base", "copy"):
            assert (name, domain) not in probed.dropped
            assert {row["problem_id"] for row in probed.rows[name]} >= set(ids)


def test_all_race_on_the_same_problems_in_a_random_order(adaptive):
    _, probed = adaptive
    first = {row["problem_id"] for row in probed.rows["broken"]}
    in_order = {
        problem.id
        for domain in ("algebra", "statistics")
        for problem in [each for each in PROBLEMS if each.domain == domain][: len(first) // 2]
    }
    assert first != in_order
    assert [row["text"] for row in probed.rows["base"]] == [row["text"] for row in probed.rows["copy"]]


def test_every_draw_of_a_problem_is_another(adaptive):
    rows = adaptive[1].rows["base"]
    numbers = Counter((row["problem_id"], row["draw"]) for row in rows)
    assert set(numbers.values()) == {1}
    texts: dict[str, list[str]] = {}
    for row in rows:
        texts.setdefault(row["problem_id"], []).append(row["text"])
    assert any(len(set(drawn)) > 1 for drawn in texts.values())


def test_all_rows_are_in_one_file_and_nothing_else_is_left(adaptive):
    work, probed = adaptive
    assert read_rows(work.folder / "samples.parquet") == [row for rows in probed.rows.values() for row in rows]
    assert [path.name for path in work.folder.iterdir()] == ["samples.parquet"]


def test_progress_ends_at_its_total_whatever_was_spared(adaptive):
    assert adaptive[0].progress.share == 1.0
    assert len(adaptive[0].judged) < 3 * len(PROBLEMS) * DrawingPlan.of(ADAPTIVE).looks[-1]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_interrupted_anywhere_it_goes_on_to_the_same_result_and_judges_nothing_twice(models, adaptive, tmp_path, share):
    stopped = Work(tmp_path, stop_at=math.ceil(share * adaptive[0].asked))
    with pytest.raises(Interrupted):
        stopped.probe(models)
    again = Work(tmp_path)
    assert again.probe(models) == adaptive[1]
    assert len(stopped.judged) + len(again.judged) == len(adaptive[0].judged)
    assert (tmp_path / "samples.parquet").read_bytes() == (adaptive[0].folder / "samples.parquet").read_bytes()


@pytest.mark.parametrize(("keep", "left"), [(0.5, 1), (1.0, 0)])
def test_of_equals_the_share_to_keep_goes_on_by_rank_and_the_first_listed_of_them(tmp_path, keep, left):
    """Copies of one model have the same values, pass@1 included, so that none is ever behind."""
    budget = AdaptiveBudget(name="adaptive", rounds=(0.5, 1.0), keep=keep)
    probed = Work(tmp_path).probe(dict.fromkeys("abc", "micro"), ADAPTIVE.model_copy(update={"budget": budget}))
    assert {name for name, _ in probed.dropped} == ({"c"} if left else set())
    assert all((each.rule, each.lead.by) == ("rank", 0) for each in probed.dropped.values())


def test_by_loss_nobody_leaves(models, tmp_path):
    config = ADAPTIVE.model_copy(update={"choose_by": "loss"})
    assert Work(tmp_path).probe({"broken": models["broken"], "base": "micro"}, config).dropped == {}


def test_of_equals_in_pass_at_k_those_with_the_better_pass_at_1_go_on(tmp_path):
    """The first model is right at its second response to every problem, the others are at once: all are at Pass@K 1."""
    work = Work(tmp_path)
    batches = count()

    def judge(kinds, golds, responses):
        right = next(batches) > 0
        return [Verdict(right, "match" if right else "mismatch", "1")] * len(responses)

    problems = [problem for problem in PROBLEMS if problem.domain == "algebra"]
    budget = AdaptiveBudget(name="adaptive", rounds=(0.5, 1.0), keep=0.5)
    probed = probe_checkpoints(
        dict.fromkeys("abc", "micro"),
        problems,
        ADAPTIVE.model_copy(update={"budget": budget}),
        seed=7,
        judge=judge,
        context=work.context,
    )
    assert {name: (each.rule, each.lead.by) for (name, _), each in probed.dropped.items()} == {"a": ("rank", 0)}


def test_a_domain_of_which_nothing_is_left_to_draw_drops_nobody(models, tmp_path):
    """Of 9 problems .9 are already all of them."""
    problems = [problem for problem in PROBLEMS if problem.domain == "algebra"][:9]
    budget = AdaptiveBudget(name="adaptive", rounds=(0.9, 1.0))
    work = Work(tmp_path)
    probed = work.probe(models, ADAPTIVE.model_copy(update={"budget": budget}), problems)
    assert probed.dropped == {}
    assert work.progress.share == 1.0


def test_what_was_drawn_is_taken_from_its_file_where_something_later_failed(adaptive, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(adaptive[0].folder, folder)
    work = Work(folder)
    assert work.probe(dict.fromkeys(("broken", "base", "copy"), "no/such-model")) == adaptive[1]
    assert work.judged == []
    assert work.progress.share == 1.0
