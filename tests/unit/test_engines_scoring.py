"""A scoring that is stopped anywhere goes on after its last whole batch and comes to the same rows."""

import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console

from vibethinker.configs.common import SamplingConfig
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems
from vibethinker.data.tables import read_rows, write_table
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import ModelSampler
from vibethinker.engines.scoring import SAMPLE_SCHEMA, ModelScorer, score_model, score_models
from vibethinker.errors import Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.verify import judge_responses

PROBLEMS = [drawn.problem for drawn in draw_problems(FAMILIES, (1, 2), range(50, 75), count=10, rng=Random(5))]
SAMPLING = SamplingConfig(max_new_tokens=24, batch_size=8)
SAMPLES = 4
BATCHES = 5


class CountingJudge:
    """The package's judge, which notes what it is asked and on which thread; fails at its ``fails_at``-th batch."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.texts: list[str] = []
        self.threads: set[str] = set()
        self.batches = 0
        self.fails_at = fails_at

    def __call__(self, kinds, golds, responses):
        self.batches += 1
        if self.batches == self.fails_at:
            raise RuntimeError("the verifier broke")
        self.texts += responses
        self.threads.add(threading.current_thread().name)
        return judge_responses(kinds, golds, responses)


class Work:
    """A stage's folder and its context; ``stop_after`` advances the user asks to stop."""

    def __init__(self, folder: Path, *, stop_after: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.judge = CountingJudge()
        self.asked = 0
        self.stop_after = stop_after
        display = RunDisplay(
            "test", 1, folder, "", [("probe", "probe")], console=Console(file=io.StringIO()), clock=lambda: 0.0
        )
        progress = display.stage("probe", self._interrupted)
        progress.start(len(PROBLEMS) * SAMPLES, unit="responses")
        self.context = StageContext(
            folder=folder,
            inputs={},
            seed=3,
            model="micro",
            prompt="{question}",
            numerics=Numerics("float32", 2),
            progress=progress,
            metrics=MetricsFile(folder / "metrics.jsonl", "probe"),
        )

    def _interrupted(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked >= self.stop_after

    def score(self, **changes):
        options: dict[str, Any] = {
            "sampling": SAMPLING,
            "samples": SAMPLES,
            "seed": 7,
            "judge": self.judge,
            "context": self.context,
            "kept_in": self.folder / "rows.parquet",
        }
        return score_model("model", "micro", PROBLEMS, **(options | changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    work = Work(tmp_path_factory.mktemp("whole"))
    return work, work.score()


def test_rows_stand_in_the_order_of_the_problems_and_are_what_the_sampler_draws_for_all_at_once(whole):
    _, rows = whole
    model, tokenizer = load_model("micro")
    sampler = ModelSampler(model, tokenizer, prompt="{question}", sampling=SAMPLING, numerics=Numerics("float32", 2))
    drawn = sampler.sample([problem.question for problem in PROBLEMS], samples=SAMPLES, seed=7)
    assert [row["text"] for row in rows] == [sample.text for samples in drawn for sample in samples]
    assert [row["problem_id"] for row in rows] == [problem.id for problem in PROBLEMS for _ in range(SAMPLES)]
    assert [row["draw"] for row in rows] == list(range(SAMPLES)) * len(PROBLEMS)


def test_every_response_is_judged_once_on_a_thread_beside_the_sampling_and_keeps_its_answer(whole):
    work, rows = whole
    assert Counter(work.judge.texts) == Counter(row["text"] for row in rows)
    assert work.judge.batches == BATCHES
    assert work.judge.threads == {"judging_0"}
    for row in rows:
        assert (row["extracted"] is None) == (row["status"] in ("no_answer", "unparseable", "refused"))


def test_at_the_end_one_table_is_left_and_it_is_read_instead_of_drawing_again(whole):
    work, rows = whole
    assert [path.name for path in work.folder.iterdir()] == ["rows.parquet"]
    assert read_rows(work.folder / "rows.parquet") == rows
    before = work.judge.batches
    assert work.score() == rows
    assert work.judge.batches == before


@pytest.mark.parametrize("stop_after", [1, 3, BATCHES])
def test_interrupted_after_any_batch_it_goes_on_to_the_same_rows_and_judges_nothing_twice(whole, tmp_path, stop_after):
    stopped = Work(tmp_path, stop_after=stop_after)
    with pytest.raises(Interrupted):
        stopped.score()
    assert len(list((tmp_path / "rows.parts").glob("*.parquet"))) == stop_after
    assert not (tmp_path / "rows.parquet").exists()
    again = Work(tmp_path)
    assert again.score() == whole[1]
    assert again.judge.batches == BATCHES - stop_after
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_engines_scoring import Work
Work(Path(sys.argv[1])).score()
"""


def test_killed_at_once_it_goes_on_to_the_same_rows(whole, tmp_path):
    script = KILLED.format(folder=str(Path(__file__).parent))
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    try:
        while not list((tmp_path / "rows.parts").glob("*.parquet")) and not (tmp_path / "rows.parquet").exists():
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    done = len(list((tmp_path / "rows.parts").glob("*.parquet")))
    again = Work(tmp_path)
    assert again.score() == whole[1]
    assert again.judge.batches == (BATCHES - done if done else 0)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_part_of_other_problems_is_drawn_anew(whole, tmp_path):
    wrong = [row | {"problem_id": "another"} for row in whole[1][: 2 * SAMPLES]]
    write_table(tmp_path / "rows.parts/000000.parquet", wrong, SAMPLE_SCHEMA)
    assert Work(tmp_path).score() == whole[1]


def test_what_breaks_on_the_judging_thread_is_raised(tmp_path):
    work = Work(tmp_path)
    work.judge = CountingJudge(fails_at=2)
    with pytest.raises(RuntimeError, match="the verifier broke"):
        work.score()
    assert len(list((tmp_path / "rows.parts").glob("*.parquet"))) >= 1


def test_later_draws_are_others_and_are_numbered_on(whole, tmp_path):
    later = Work(tmp_path).score(first_draw=SAMPLES)
    assert [row["draw"] for row in later[:SAMPLES]] == list(range(SAMPLES, 2 * SAMPLES))
    assert [row["text"] for row in later] != [row["text"] for row in whole[1]]


def test_a_model_is_gone_from_memory_before_the_next_is_loaded(tmp_path):
    work = Work(tmp_path)
    gc.collect()
    with ModelScorer("model", "micro", sampling=SAMPLING, judge=work.judge, context=work.context) as scorer:
        scorer.score(PROBLEMS[:1], samples=1, seed=1, kept_in=tmp_path / "rows.parquet")
        loaded = scorer._sampler
        assert loaded is not None
        model = weakref.ref(loaded.model)
        del loaded
        assert model() is not None
    assert model() is None


def test_a_finished_scoring_loads_no_model(whole):
    work, rows = whole
    with ModelScorer("model", "no/such-model", sampling=SAMPLING, judge=work.judge, context=work.context) as scorer:
        assert scorer.score(PROBLEMS, samples=SAMPLES, seed=7, kept_in=work.folder / "rows.parquet") == rows


def test_several_models_leave_one_table_of_all_rows(tmp_path):
    work = Work(tmp_path)
    found = score_models(
        {"a": "micro", "b": "micro"},
        PROBLEMS[:3],
        sampling=SAMPLING,
        samples=2,
        seed=1,
        judge=work.judge,
        context=work.context,
    )
    assert read_rows(tmp_path / "samples.parquet") == [*found["a"], *found["b"]]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]
    # The same seed for both: models are compared on the same draws of luck.
    assert [row["text"] for row in found["a"]] == [row["text"] for row in found["b"]]
    # Where what comes after it failed, nothing is drawn again; of other problems it is.
    judged = work.judge.batches
    options: dict[str, Any] = {
        "sampling": SAMPLING,
        "samples": 2,
        "seed": 1,
        "judge": work.judge,
        "context": work.context,
    }
    assert score_models(dict.fromkeys("ab", "no/such-model"), PROBLEMS[:3], **options) == found
    assert work.judge.batches == judged
    assert len(score_models({"a": "micro"}, PROBLEMS[:2], **options)["a"]) == 4
