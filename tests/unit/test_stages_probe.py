"""What a probe says: each domain's specialist, how sure that is, and what it took."""

import io
from random import Random
from statistics import fmean

import pytest
from rich.console import Console

from vibethinker.configs.probe import AdaptiveBudget, ProbeConfig, ProbingConfig
from vibethinker.data.families import FAMILIES
from vibethinker.data.procedural import draw_problems
from vibethinker.data.tables import read_rows, write_table
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.scoring import SAMPLE_SCHEMA
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.observe.metrics import MetricsFile
from vibethinker.observe.progress import RunDisplay
from vibethinker.records import Problem
from vibethinker.stages.probe import Candidate, probe

PROBLEMS = [
    drawn.problem
    for drawn in draw_problems(
        [family for family in FAMILIES if family.domain in ("algebra", "statistics")],
        (1,),
        range(75, 87),
        count=32,
        rng=Random(5),
    )
]
DOMAINS = ["algebra", "statistics"]
FULL = ProbingConfig(k=2, samples=4, max_new_tokens=24, bootstrap=200)


def context(folder, output=None):
    console = Console(file=output or io.StringIO(), width=400)
    display = RunDisplay("test", 1, folder, "", [("probe", "probe")], console=console)
    return StageContext(
        folder=folder,
        inputs={},
        seed=3,
        model=None,
        prompt="{question}",
        numerics=Numerics("float32", 2),
        progress=display.stage("probe", lambda: False),
        metrics=MetricsFile(folder / "metrics.jsonl", "probe"),
    )


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Return the shipped base, one a little off and one that says nothing sensible, which has the lowest loss."""
    folder = tmp_path_factory.mktemp("models")
    model, tokenizer = load_model("micro")
    model.model.norm.weight.data *= 0.6
    save_model(model, tokenizer, folder / "off")
    model.model.norm.weight.data.zero_()
    save_model(model, tokenizer, folder / "broken")
    return [
        Candidate("broken", str(folder / "broken"), "specialists/broken", "a", 10, 0.1),
        Candidate("base", "micro", "specialists/base", "a", 20, 0.2),
        Candidate("off", str(folder / "off"), "specialists/off", "a", 30, 0.3),
    ]


@pytest.fixture(scope="module")
def full(candidates, tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    return folder, probe(FULL, candidates, PROBLEMS, context(folder), seed=7)


@pytest.fixture(scope="module")
def adaptive(candidates, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adaptive")
    config = FULL.model_copy(update={"budget": AdaptiveBudget(name="adaptive", rounds=(0.5, 1.0))})
    return folder, probe(config, candidates, PROBLEMS, context(folder), seed=7)


def cells(found, name):
    return {(cell["checkpoint"], cell["domain"]): cell[name] for cell in found["cells"]}


@pytest.mark.parametrize("which", ["full", "adaptive"])
def test_the_specialist_has_the_greatest_pass_at_k_of_those_in_the_race_and_leads_its_runner_up(which, request):
    folder, found = request.getfixturevalue(which)
    assert read_json(folder / "probe.json") == found
    values, dropped = cells(found, "pass@2"), cells(found, "dropped")
    for domain in DOMAINS:
        row = found["specialists"][domain]
        racing = {name: values[name, domain] for name in ("broken", "base", "off") if not dropped[name, domain]}
        assert values[row["checkpoint"], domain] == max(racing.values()) == row["pass@2"]
        assert row["path"] == f"specialists/{row['checkpoint']}"
        low, high = row["margin_interval"]
        assert low <= row["margin"] <= high
        assert row["margin"] >= 0
        assert 0 < row["wins"] <= 1
        assert row["lowest_loss"] == min(racing, key=["broken", "base", "off"].index)
    assert found["best"] in {row["checkpoint"] for row in found["specialists"].values()}
    assert found["best_path"] == f"specialists/{found['best']}"


def test_the_full_budget_draws_the_grid(full):
    _, found = full
    assert found["budget"] == {"name": "full", "drawn": 384, "full_grid": 384, "share": 1.0}
    assert sum(found["problems"].values()) == len(PROBLEMS)
    assert cells(found, "drawn") == {place: 4 * found["problems"][place[1]] for place in cells(found, "drawn")}
    assert set(cells(found, "dropped").values()) == {None}


def test_the_adaptive_budget_says_who_left_when_and_behind_whom(adaptive):
    folder, found = adaptive
    assert found["budget"]["drawn"] == len(read_rows(folder / "samples.parquet")) == sum(cells(found, "drawn").values())
    left = [cell for cell in found["cells"] if cell["dropped"]]
    assert left
    for cell in left:
        assert cell["dropped"] == 1
        assert cell["dropped_for"]["by"] == "bound"
        assert cell["dropped_for"]["lead"] > 0
        assert (cell["dropped_for"]["behind"], cell["domain"]) not in {(c["checkpoint"], c["domain"]) for c in left}
        assert cell["problems"] == -(-found["problems"][cell["domain"]] // 2)
    # Of a checkpoint that left, what it has is still shown.
    assert all(cell["pass@2"] is not None for cell in left)


@pytest.mark.parametrize(("rule", "chosen"), [("loss", {"broken"}), ("pass@1", {"base", "off"})])
def test_another_rule_chooses_by_its_own_figure(candidates, full, tmp_path, rule, chosen):
    config = FULL.model_copy(update={"choose_by": rule})
    found = probe(config, candidates, PROBLEMS, context(tmp_path), seed=7)
    assert {row["checkpoint"] for row in found["specialists"].values()} <= chosen
    # The same draws, another choice.
    assert found["cells"] == full[1]["cells"]
    if rule == "pass@1":
        ones = cells(found, "pass@1")
        for domain in DOMAINS:
            assert ones[found["specialists"][domain]["checkpoint"], domain] == max(
                ones[name, domain] for name in ("broken", "base", "off")
            )


def test_a_domain_in_which_nothing_can_be_judged_is_refused_by_name(candidates, tmp_path):
    problems = [*PROBLEMS[:2], Problem("u", "How many?", "", "riddles", "test")]
    with pytest.raises(InputError, match="none of the problems of riddles has k=2 responses that could be judged"):
        probe(FULL, candidates[1:2], problems, context(tmp_path), seed=7)


def recorded(folder, verdicts, config=FULL, output=None):
    """Probe what was drawn before: by checkpoint and problem the verdicts on its responses."""
    rows = [
        {
            "model": name,
            "problem_id": problem,
            "domain": "x",
            "draw": draw,
            "text": f"{draw}",
            "correct": correct,
            "status": "match" if correct else "mismatch",
            "length": 1,
            "truncated": False,
        }
        for name, by_problem in verdicts.items()
        for problem, found in by_problem.items()
        for draw, correct in enumerate(found)
    ]
    empty = dict.fromkeys(SAMPLE_SCHEMA.names)
    write_table(folder / "samples.parquet", [empty | row for row in rows], SAMPLE_SCHEMA)
    problems = [Problem(problem, problem, "1", "x", "integer") for problem in next(iter(verdicts.values()))]
    models = [Candidate(name, "no/such-model", name) for name in verdicts]
    return probe(config, models, problems, context(folder, output), seed=7)


RIGHT, HALF, WRONG, UNKNOWN = [True] * 4, [True, True, False, False], [False] * 4, [None] * 4


def test_checkpoints_are_compared_on_the_problems_that_could_be_judged_for_all_of_them(tmp_path):
    """The first is ahead on what both have, and asked the hard ones too, so that its own mean is the lower one."""
    easy, hard = [f"easy {n}" for n in range(9)], [f"hard {n}" for n in range(9)]
    output = io.StringIO()
    found = recorded(
        tmp_path,
        {
            "most": dict.fromkeys(easy, HALF) | dict.fromkeys(hard, UNKNOWN),
            "all": dict.fromkeys(easy, RIGHT) | dict.fromkeys(hard, WRONG),
        },
        output=output,
    )
    assert cells(found, "pass@2")["all", "x"] == 0.5 < cells(found, "pass@2")["most", "x"]
    row = found["specialists"]["x"]
    assert (row["checkpoint"], row["pass@2"], row["best_pass@1"], found["best"]) == ("all", 1.0, "all", "all")
    assert row["margin"] == pytest.approx(1 / 6)
    assert row["wins"] == 1.0
    assert "1 of 2 cells leave out more than a tenth of their problems" in output.getvalue()
    assert "most in most, x: 9 of 18" in output.getvalue()
    assert "overrates" not in output.getvalue()


def test_a_tenth_of_the_problems_may_be_left_out_without_a_warning(tmp_path):
    output = io.StringIO()
    recorded(tmp_path, {"a": {"p": UNKNOWN} | {f"q{n}": HALF for n in range(9)}}, output=output)
    assert "leave out" not in output.getvalue()


def test_under_the_adaptive_budget_a_warning_says_that_what_is_left_is_overrated(tmp_path):
    output = io.StringIO()
    config = FULL.model_copy(update={"budget": AdaptiveBudget(name="adaptive", rounds=(1.0,))})
    recorded(tmp_path, {"a": {"p": UNKNOWN, "q": HALF}}, config, output)
    assert "the adaptive budget overrates such cells" in output.getvalue()


def test_checkpoints_without_a_shared_problem_have_no_wins_and_no_margin_and_are_told(tmp_path):
    output = io.StringIO()
    found = recorded(tmp_path, {"a": {"p": HALF, "q": UNKNOWN}, "b": {"p": UNKNOWN, "q": RIGHT}}, output=output)
    row = found["specialists"]["x"]
    assert (row["checkpoint"], row["wins"], row["margin"], row["margin_interval"]) == ("b", None, None, None)
    assert "x: no problem could be judged for all checkpoints" in output.getvalue()


def test_a_single_checkpoint_has_no_margin_and_always_wins(candidates, tmp_path):
    found = probe(FULL, candidates[1:2], PROBLEMS[:6], context(tmp_path), seed=7)
    for row in found["specialists"].values():
        assert (row["runner_up"], row["margin"], row["margin_interval"], row["wins"]) == (None, None, None, 1.0)


def test_best_is_over_all_problems(full):
    folder, found = full
    rows = read_rows(folder / "samples.parquet")
    chosen = {row["checkpoint"] for row in found["specialists"].values()}
    ones = {name: fmean(bool(row["correct"]) for row in rows if row["model"] == name) for name in chosen}
    # With as many problems in each domain and one clear winner the two measures agree.
    if len(chosen) == 1:
        assert found["best"] in chosen
    else:
        assert ones[found["best"]] == pytest.approx(max(ones.values()), abs=0.1)


@pytest.mark.parametrize("rounds", ["[0.5]", "[0.5, 0.5, 1.0]", "[0.0, 1.0]", "[0.5, 1.5]"])
def test_rounds_are_growing_shares_that_end_with_all(rounds):
    text = (
        f'{{"id": "p", "kind": "probe", "checkpoints": "s", "data": "d", "budget": '
        f'{{"name": "adaptive", "rounds": {rounds}}}}}'
    )
    with pytest.raises(ValueError, match="rounds are growing shares above 0 that end with 1"):
        ProbeConfig.model_validate_json(text)
