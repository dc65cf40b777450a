"""The report: complete for a complete run, quiet about what is missing, and never more than text for hostile text."""

import copy
import json
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vibethinker.errors import InputError
from vibethinker.observe.formats import printable
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.report import write_report
from vibethinker.observe.sections.responses import clipped

ATTACK = '<script>alert("1")</script><img src=x onerror=alert(2)>'
DOMAINS = ["algebra", f"geometry {ATTACK}"]
VOID = {"meta", "link", "br", "img", "input", "hr"}

# What every kind of stage leaves in run.json; names and texts carry ATTACK.
METRICS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "report_metrics.json").read_text(encoding="utf-8")
)
IDS = {"data": "problems", "sft": "specialists", "probe": "probe"}
IDS |= {"fuse": "spectrum", "rl": "signal", "evaluate": "results"}


class Page(HTMLParser):
    """What a browser would make of a page: tags, attributes and texts, with the nesting checked."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(self.html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        for tag in set(self._open):
            self.texts[tag][-1] += data

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def named(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)


def write_run(run_dir: Path, kinds: list[str], *, unfinished: str | None = None) -> Path:
    """Write the run.json, recipe and metrics of a run of some kinds of stages, of which one may not be done."""
    stages = [
        {
            "id": IDS[kind],
            "kind": kind,
            "status": "interrupted" if kind == unfinished else "done",
            "fingerprint": "0" * 16,
            "seconds": 71.0,
            "metrics": {} if kind == unfinished else METRICS[kind],
        }
        for kind in kinds
    ]
    run = {
        "name": "quickstart",
        "status": "interrupted" if unfinished else "done",
        "seconds": 228.0,
        "seed": 7,
        "numerics": {"dtype": "float32", "threads": 2, "device": "cpu", "reason": "bf16 is slower here"},
        "stages": stages,
    }
    (run_dir / "run.json").write_text(json.dumps(run))
    (run_dir / "recipe.yaml").write_text(f"name: quickstart  # {ATTACK}\n")
    return run_dir


def write_lines(run_dir: Path) -> None:
    for run in ("algebra", DOMAINS[1]):
        for step in range(1, 5):
            MetricsFile(run_dir / "metrics.jsonl", "specialists").log(step, {"loss": 1 / step}, run=run)
    for step in range(1, 5):
        values = {"reward": 0.4 + step / 10, "accuracy": 0.4, "accuracy_histogram": [step, 1, 4 - step], "kl": None}
        values |= {"clip_ratio": 0.0, "entropy": 0.5, "weight": 0.6, "no_signal": 0.3, "length": 20.0}
        MetricsFile(run_dir / "metrics.jsonl", "signal").log(step, values)


def problem(domain: str, level: int | None = 2) -> dict[str, Any]:
    return {"id": f"p-{domain}", "question": f"q {ATTACK}", "answer": "5", "domain": domain, "level": level}


def write_files(run_dir: Path) -> None:
    for split in ("probing", "rl", "heldout"):
        write_table(run_dir / f"problems/{split}.parquet", [problem(domain) for domain in DOMAINS])
    traces = [
        {"problem_id": f"t{number // 2}", "question": "q", "domain": "algebra", "way": way, "text": "5"}
        for number, way in enumerate(["careful", "direct", "careful", "brief"])
    ]
    write_table(run_dir / "problems/train.parquet", traces)
    samples = [
        {"model": model, "problem_id": f"p{number}", "domain": DOMAINS[1], "level": 2, "question": f"question {number}"}
        | {"gold": "5", "text": f"{model} {correct} {number} {ATTACK}", "correct": correct}
        | {"status": "match" if correct else "no_answer", "way": "brief", "length": 21, "truncated": False}
        for model in ("base", "spectrum", "signal")
        for number, correct in enumerate([True, False, model == "signal", None])
    ]
    write_table(run_dir / "results/samples.parquet", samples)
    rollouts = [
        {"step": step, "prompt_id": f"r{number}", "question": "q", "domain": "algebra", "status": "match"}
        | {"text": f"rollout {step} {number} {ATTACK}", "reward": float(number), "correct": bool(number)}
        | {"length": 20, "truncated": False, "advantage": 0.5, "weight": 0.75}
        for step in (1, 2, 3)
        for number in range(2)
    ]
    write_table(run_dir / "signal/rollouts.parquet", rollouts)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Page:
    run_dir = write_run(tmp_path_factory.mktemp("run"), list(METRICS))
    write_lines(run_dir)
    write_files(run_dir)
    path = write_report(run_dir)
    assert path == run_dir / "report.html"
    return Page(path)


@pytest.mark.parametrize(
    "text",
    [
        "seed 7 numerics 2 cores, fp32 (bf16 is slower here) time 3 min 48 s",
        "held-out pass@1 .449 → .703 +25.4 points (±3.1) from spectrum to signal",
        "held-out pass@8 .549 → .803 +25.4 points from spectrum to signal",
        "5 signal rl done 71 s 600 of 960 prompts",
        "600 of 960 prompts, 4 steps, reward .71, no signal .31",
        "spectrum fused .449 .43\N{EN DASH}.47",
        "ways of solving careful brief direct unparseable truncated length",
        "pass@8 by checkpoint and domain",
        "✓ chosen .91 @1 .50",
        "algebra ✓ chosen algebra/20 .91 geometry/20 .410 - geometry/20 the same",
        "Fused model and parents, pass@8",
        "960 prompts by their accuracy under the starting model",
        "kept 600 never right, left out 203 always right, left out 118 by cap or mix, left out 39",
        "Verdicts on 8,023 rollouts match 7,812 no answer 211",
        "Reward and accuracy mean reward share correct",
        "0 at every step: clipped token ratios.",
        "Group accuracy first step last step",
        "Rollouts of the first step (1)",
        "Rollouts of the last step (3)",
        "One problem, every model question 2 reference answer 5",
        "base: right and wrong",
        "Problems by level level probing RL held out",
        "Training traces by way of solving domain careful brief direct algebra 2 1 1",
        "algebra 2 1 1 1",
        "The recipe with every default filled in",
    ],
)
def test_a_report_of_a_whole_run_says(whole: Page, text: str) -> None:
    assert text in whole.text


def test_every_stage_has_its_section_and_a_link_to_it(whole: Page) -> None:
    anchors = [f"stage:{id_}" for id_ in IDS.values()] + ["stages", "recipe"]
    assert set(anchors) <= set(whole.named("id"))
    assert {f"#{anchor}" for anchor in anchors} <= set(whole.named("href"))


def test_hostile_text_is_shown_and_is_nothing_but_text(whole: Page) -> None:
    assert "script" not in whole.tags
    assert "img" not in whole.tags
    assert not [name for name, _ in whole.attributes if name.startswith("on")]
    assert any(ATTACK in text for text in whole.texts["pre"])
    assert any("<script>alert" in text for text in whole.texts["text"])
    assert any(ATTACK in text for text in whole.texts["th"])


def test_the_page_needs_nothing_from_outside_and_allows_nothing(whole: Page) -> None:
    assert "http:" not in whole.html
    assert "https:" not in whole.html
    assert all(value.startswith(("#", "data:,")) for value in whole.named("href"))
    assert whole.named("src") == []
    assert set(re.findall(r"url\((.)", whole.html)) <= {"#"}
    assert "@import" not in whole.html
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in whole.named("content")


def test_ids_are_unique_and_drawings_have_names(whole: Page) -> None:
    ids = whole.named("id")
    assert len(ids) == len(set(ids))
    labels = whole.named("aria-labelledby")
    assert len(labels) == whole.tags.count("svg") > 5
    assert set(labels) <= set(ids)


def test_the_best_of_each_column_is_emphasised(whole: Page) -> None:
    assert re.search(r'class="best">\s*\.703', whole.html)
    assert not re.search(r'class="best">\s*\.449', whole.html)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    write_run(tmp_path, ["sft", "rl", "evaluate"])
    write_lines(tmp_path)
    first = write_report(tmp_path).read_bytes()
    assert write_report(tmp_path).read_bytes() == first


def test_an_interrupted_run_shows_how_far_it_came(tmp_path: Path) -> None:
    write_run(tmp_path, ["data", "sft", "rl"], unfinished="rl")
    write_lines(tmp_path)
    page = Page(write_report(tmp_path))
    assert "3 signal rl interrupted 71 s reached step 4, reward .80" in page.text
    assert "Groups without signal" in page.text
    assert "under the starting model" not in page.text
    assert "Evaluation" not in page.text


def test_warnings_of_a_finished_stage_are_listed_counted_and_marked(tmp_path: Path) -> None:
    write_run(tmp_path, ["rl"])
    run = json.loads((tmp_path / "run.json").read_text())
    known = {"name": "no_signal", "step": 3, "message": f"at least .95 {ATTACK}", "advice": "use prefilter"}
    other = {"name": "of_another_version", "step": 1200, "message": "m", "advice": ""}
    run["stages"][0]["metrics"]["warnings"] = [known, other]
    (tmp_path / "run.json").write_text(json.dumps(run))
    write_lines(tmp_path)
    page = Page(write_report(tmp_path))
    assert "no signal .31, 2 warnings" in page.text
    assert (
        f"warning at step 3 no signal at least .95 {ATTACK} use prefilter warning at step 1,200 of another version m"
        in page.text
    )
    assert "mean reward share correct no signal (step 3)" in page.text
    assert "of another version (step" not in page.text
    assert "script" not in page.tags


def test_warnings_of_a_stage_that_was_stopped_are_known_from_its_steps(tmp_path: Path) -> None:
    write_run(tmp_path, ["rl"], unfinished="rl")
    write_lines(tmp_path)
    MetricsFile(tmp_path / "metrics.jsonl", "signal").log(5, {"reward": None, "health": ["not_a_number", "truncated"]})
    page = Page(write_report(tmp_path))
    for told in ("not a number lower learning_rate", "truncated raise max_new_tokens"):
        assert f"warning at step 5 {told}" in page.text


def test_a_run_without_warnings_says_nothing_of_them(whole: Page) -> None:
    assert not re.search(r"\bwarning", whole.text, re.IGNORECASE)


@pytest.mark.parametrize("kind", list(METRICS))
def test_any_stage_alone_has_a_report_with_and_without_its_metrics(tmp_path: Path, kind: str) -> None:
    for unfinished in (None, kind):
        page = Page(write_report(write_run(tmp_path, [kind], unfinished=unfinished)))
        assert f"1 {IDS[kind]} {kind}" in page.text


def test_a_run_that_has_hardly_begun_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"name": "young", "status": "running", "stages": []}')
    assert Page(write_report(tmp_path)).texts["h1"] == ["young"]


def test_several_stages_of_a_kind_each_have_a_section_named_in_the_links(tmp_path: Path) -> None:
    write_run(tmp_path, ["rl", "evaluate"])
    run = json.loads((tmp_path / "run.json").read_text())
    second = copy.deepcopy(run["stages"][0]) | {"id": "signal-32k"}
    run["stages"].insert(1, second)
    (tmp_path / "run.json").write_text(json.dumps(run))
    write_lines(tmp_path)
    for step in (1, 2):
        MetricsFile(tmp_path / "metrics.jsonl", "signal-32k").log(step, {"reward": 0.5})
    page = Page(write_report(tmp_path))
    links = [text for text in page.texts["a"] if text.startswith("Reinforcement")]
    assert links == ["Reinforcement learning (signal)", "Reinforcement learning (signal-32k)"]
    assert {"signal-reward-title", "signal-32k-reward-title"} <= set(page.named("id"))


def test_tables_without_rows_or_values_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, ["data", "rl", "evaluate"])
    texts = {name: pa.array([], pa.string()) for name in ("model", "problem_id", "text", "prompt_id", "domain", "way")}
    none = pa.table(texts | {"correct": pa.array([], pa.bool_()), "step": pa.array([], pa.int64())})
    for name in ("results/samples", "signal/rollouts", "problems/train"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(none, tmp_path / f"{name}.parquet")
    write_table(tmp_path / "problems/rl.parquet", [problem("algebra", level=None)])
    page = Page(write_report(tmp_path))
    assert "pre" in page.texts  # the recipe's
    assert "article" not in page.tags
    assert "Problems by domain domain RL algebra 1" in page.text
    assert "Problems by level" not in page.text


def test_without_a_measured_difference_the_headline_compares_with_the_fused_model(tmp_path: Path) -> None:
    write_run(tmp_path, ["fuse", "evaluate"])
    run = json.loads((tmp_path / "run.json").read_text())
    del run["stages"][1]["metrics"]["difference"]
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert ".449 → .703 +25.4 points from spectrum to signal" in Page(write_report(tmp_path)).text


@given(st.text(max_size=80), st.text(max_size=40))
@settings(max_examples=25, deadline=None)
def test_whatever_a_model_writes_comes_out_as_that_text(text: str, question: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = write_run(Path(folder), ["rl"])
        row = {"step": 1, "prompt_id": "p", "question": question, "text": text, "correct": False}
        write_table(run_dir / "signal/rollouts.parquet", [row])
        page = Page(write_report(run_dir))
    # A browser drops the line feed behind <pre>, this parser does not.
    assert page.texts["pre"][0] == "\n" + printable(text)
    assert printable(question) in page.texts["p"]
    assert page.tags.count("article") == 1


@given(st.text(alphabet=st.characters(), max_size=50))
def test_printable_text_can_be_written_anywhere_and_keeps_its_length(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    assert shown.encode().decode() == shown


@given(st.text(max_size=300), st.integers(4, 100))
def test_a_long_text_keeps_its_ends_and_says_what_is_left_out(text: str, longest: int) -> None:
    short = clipped(text, longest)
    if len(text) <= longest:
        assert short == text
    else:
        tail = longest // 4
        assert short.startswith(text[: longest - tail])
        assert short.endswith(text[len(text) - tail :])
        assert f"{len(text) - longest:,} characters left out" in short


def test_a_page_of_very_long_responses_stays_small(tmp_path: Path) -> None:
    write_run(tmp_path, ["evaluate"])
    samples = [
        {"model": model, "problem_id": f"p{number}", "correct": correct, "text": "<" * 100_000, "question": "q"}
        for model in ("base", "spectrum", "signal")
        for number in range(4)
        for correct in (True, False)
    ]
    write_table(tmp_path / "results/samples.parquet", samples)
    assert write_report(tmp_path).stat().st_size < 500_000


def test_a_directory_that_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match=r"no run\.json there"):
            write_report(folder)
    (tmp_path / "run.json").write_text('{\n"name": ')
    with pytest.raises(InputError, match=r"run\.json:2: not JSON"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_importing_what_a_run_shows_loads_neither_drawing_nor_tensors() -> None:
    code = """
import sys
import vibethinker.observe.metrics, vibethinker.observe.progress, vibethinker.observe.report
import vibethinker.observe.summaries, vibethinker.observe.tables
print({"torch", "transformers", "matplotlib", "pyarrow", "jinja2"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
