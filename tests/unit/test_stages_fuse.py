"""A fuse stage makes its model once, and says of it what its parents' own responses and losses say."""

from random import Random
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from vibethinker.algos.scores import paired_difference, problem_scores
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.fuse import FuseConfig
from vibethinker.data.families import DOMAINS
from vibethinker.data.probing_sets import probing_problems
from vibethinker.data.procedural import choose_families, draw_problems, draw_traces
from vibethinker.data.tables import read_rows, write_records
from vibethinker.engines.models import load_model, save_model
from vibethinker.engines.scoring import score_model
from vibethinker.errors import InputError, Interrupted
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.stages.fuse import Specialists, run
from vibethinker.verify import judge_responses

CHOSEN = DOMAINS[:2]
SAMPLING = {"data": "problems", "k": 2, "samples": 4, "problems_per_domain": 3, "max_new_tokens": 32}
BARRIER = {"data": "problems", "traces": 8, "points": 3}
SEARCH = {**SAMPLING, "problems_per_domain": 2, "rounds": 1, "step": 0.5}


class CountingProgress:
    """Counts the calls that something is done, and stops the work at one of them."""

    def __init__(self, stop_at=None):
        self.calls, self.stop_at, self.units, self.totals, self.done = 0, stop_at, [], [], 0

    def start(self, total, *, unit, done=0):
        self.units.append(unit)
        self.totals.append(total)
        self.done = done

    def advance(self, count=1, *, note=""):
        self.note = note
        self.calls += 1
        self.done += count
        if self.calls == self.stop_at:
            raise Interrupted

    def interrupt_requested(self):
        return False

    def warn(self, text):
        raise AssertionError(text)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run as it is before its fuse stage: problems, traces, checkpoints and what a probe chose among them."""
    root = tmp_path_factory.mktemp("run")
    drawn = [
        each
        for domain in CHOSEN
        for each in draw_problems(choose_families([domain], None), (1,), range(50, 75), count=6, rng=Random(2))
    ]
    write_records(root / "problems" / "probing.parquet", [each.problem for each in drawn])
    traces = draw_traces(drawn, {"careful": 1}, per_problem=1, rng=Random(3))
    write_records(root / "problems" / "train.parquet", traces)
    for number in range(3):
        model, tokenizer = load_model("micro")
        generator = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 4e-3 * number * torch.randn(parameter.shape, generator=generator)
        save_model(model, tokenizer, root / "sft" / str(number))
    return root


def probe(run_dir, *checkpoints, name="probe"):
    rows = {
        domain: {"checkpoint": f"run/{checkpoint}", "path": f"sft/{checkpoint}"}
        for domain, checkpoint in zip([*CHOSEN, *DOMAINS[2:]], checkpoints, strict=False)
    }
    write_json(run_dir / name / "probe.json", {"specialists": rows})


class Fusing:
    """One fuse stage, in a folder of its own."""

    def __init__(self, run_dir, folder, *, checkpoints=(0, 1), **changes):
        probe(run_dir, *checkpoints)
        settings = {"id": "spectrum", "kind": "fuse", "specialists": "probe", "validation": SAMPLING, **changes}
        self.config = FuseConfig.model_validate(settings)
        self.run_dir, self.folder = run_dir, folder

    def context(self, stop_at=None):
        self.progress = CountingProgress(stop_at)
        return StageContext(
            folder=self.folder,
            inputs={name: self.run_dir / name for name in ("probe", "problems")},
            seed=5,
            model="micro",
            prompt="{question}",
            numerics=Numerics("float32", 2),
            progress=self.progress,
            metrics=SimpleNamespace(),
        )

    def go(self, stop_at=None):
        return run(self.config, self.context(stop_at))


def test_the_result_is_the_weighted_average_and_is_told_by_domain(run_dir, tmp_path):
    weights = dict(zip(CHOSEN, (0.25, 0.75), strict=True))
    found = Fusing(run_dir, tmp_path, method={"name": "linear", "weights": weights}).go()
    ends = [load_file(run_dir / "sft" / str(number) / "model.safetensors") for number in (0, 1)]
    fused, name = load_file(tmp_path / "model" / "model.safetensors"), "model.norm.weight"
    assert torch.allclose(fused[name], 0.25 * ends[0][name] + 0.75 * ends[1][name], atol=1e-6)
    assert found["parents"] == {
        domain: {"checkpoint": f"run/{number}", "weight": weights[domain]} for number, domain in enumerate(CHOSEN)
    }
    assert found["weights"] == "given"
    manifest = read_json(tmp_path / "model" / "fusion.json")
    assert [parent["weight"] for parent in manifest["parents"]] == [0.25, 0.75]
    assert list(found["manifest"]["sha256"].values()) == [parent["sha256"] for parent in manifest["parents"]]
    assert set(found["validation"]["models"]) == {"spectrum", "run/0", "run/1"}
    assert "barrier" not in found
    assert "search" not in found


def test_differences_are_those_of_the_responses_in_the_file(run_dir, tmp_path):
    validation = Fusing(run_dir, tmp_path).go()["validation"]
    rows = read_rows(tmp_path / "samples.parquet")
    scores = {
        name: problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in rows if row["model"] == name)
        for name in ("spectrum", "run/0", "run/1")
    }
    for name, found in validation["differences"].items():
        assert set(found) == {"pass@1", "pass@2"}
        assert set(found["pass@2"]) == {"all", *CHOSEN}
        assert found["pass@2"]["all"] == paired_difference(scores["spectrum"], scores[name], k=2)
        for domain in CHOSEN:
            own = [score for score in scores["spectrum"] if score.domain == domain]
            assert found["pass@1"][domain] == paired_difference(own, scores[name])
    for column, best in validation["best"].items():
        values = {name: validation["models"][name]["pass@2"][column] for name in ("run/0", "run/1")}
        assert values[best] == max(values.values())


def test_validation_draws_other_responses_than_the_search(run_dir, tmp_path):
    work = Fusing(run_dir, tmp_path, search={**SEARCH, "rounds": 1, "problems_per_domain": 3})
    context = work.context()
    run(work.config, context)
    problems = probing_problems(run_dir / "problems", per_domain=3)
    texts = {}
    for label in ("search", "validation"):
        rows = score_model(
            "spectrum",
            str(tmp_path / "model"),
            problems,
            sampling=work.config.validation,
            samples=4,
            seed=derive_seed(context.seed, "spectrum", label),
            judge=judge_responses,
            context=context,
            kept_in=tmp_path / f"{label}.parquet",
        )
        texts[label] = [row["text"] for row in rows]
    drawn = [row["text"] for row in read_rows(tmp_path / "samples.parquet") if row["model"] == "spectrum"]
    assert drawn == texts["validation"] != texts["search"]


def test_domains_of_one_checkpoint_add_up_to_its_weight_and_share_it():
    specialists = Specialists({"a": "x", "b": "x", "c": "y"}, {"x": "there", "y": "elsewhere"})
    weights = specialists.by_checkpoint({"a": 0.125, "b": 0.375, "c": 0.5})
    assert weights == {"x": 0.5, "y": 0.5}
    assert specialists.by_domain(weights) == {"a": 0.25, "b": 0.25, "c": 0.5}


def test_a_stage_stopped_anywhere_goes_on_and_comes_to_the_same_with_one_model_made(run_dir, tmp_path):
    settings = {"search": SEARCH, "validation": {**SAMPLING, "barrier": BARRIER}}
    whole = Fusing(run_dir, tmp_path / "whole", **settings)
    (tmp_path / "whole").mkdir()
    expected = whole.go()
    assert whole.progress.units == ["responses", "byte", "losses", "responses"]
    stopped = Fusing(run_dir, tmp_path / "stopped", **settings)
    (tmp_path / "stopped").mkdir()
    weights = tmp_path / "stopped" / "model" / "model.safetensors"
    found, made, stops = None, set(), 0
    while found is None:
        try:
            found = stopped.go(stop_at=1 + 4 * stops)
        except Interrupted:
            stops += 1
        made |= {weights.stat().st_mtime_ns} if weights.is_file() else set()
    assert found == expected
    assert stops >= 5
    assert len(made) == 1
    assert stopped.progress.done == stopped.progress.totals[-1]
    for folder in (tmp_path / "whole", tmp_path / "stopped"):
        assert not (folder / "candidates").exists()


def test_searched_weights_are_the_best_candidates_and_the_model_is_fused_with_them(run_dir, tmp_path):
    found = Fusing(run_dir, tmp_path, search=SEARCH).go()
    search = found["search"]
    assert [len(candidate["weights"]) for candidate in search["candidates"]] == [2, 2, 2]
    assert search["candidates"][0]["weights"] == {"run/0": 0.5, "run/1": 0.5}
    assert search["score"] == max(candidate["score"] for candidate in search["candidates"])
    assert search["weights"] in [
        candidate["weights"] for candidate in search["candidates"] if candidate["score"] == search["score"]
    ]
    for candidate in search["candidates"]:
        assert candidate["score"] == pytest.approx(sum(candidate["pass@2"][domain] for domain in CHOSEN) / 2)
    assert [found["parents"][domain]["weight"] for domain in CHOSEN] == list(search["weights"].values())
    assert found["weights"] == "searched"
    assert search["same_problems"]
    ends = [load_file(run_dir / "sft" / str(number) / "model.safetensors") for number in (0, 1)]
    name, (first, second) = "model.norm.weight", search["weights"].values()
    fused = load_file(tmp_path / "model" / "model.safetensors")[name]
    assert torch.allclose(fused, first * ends[0][name] + second * ends[1][name], atol=1e-6)


def test_the_search_leaves_a_far_worse_specialist_behind(run_dir, tmp_path):
    broken, tokenizer = load_model("micro")
    with torch.no_grad():
        for parameter in broken.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    save_model(broken, tokenizer, run_dir / "sft" / "9")
    search = {**SEARCH, "problems_per_domain": 6, "step": 1.0}
    found = Fusing(run_dir, tmp_path, checkpoints=(0, 9), search=search).go()
    assert found["search"]["weights"] == {"run/0": 1.0, "run/9": 0.0}
    assert found["validation"]["best"]["all"] == "run/0"


def test_domains_of_one_specialist_share_its_weight_and_have_no_line_between(run_dir, tmp_path):
    found = Fusing(run_dir, tmp_path, checkpoints=(1, 1), validation={**SAMPLING, "barrier": BARRIER}).go()
    assert [parent["weight"] for parent in found["parents"].values()] == [0.5, 0.5]
    assert found["barrier"]["pairs"] == []
    one, fused = (found["barrier"]["losses"][name]["all"] for name in ("run/1", "spectrum"))
    assert fused == one
    difference = found["validation"]["differences"]["run/1"]["pass@2"]["all"]
    assert difference == {"points": 0.0, "half_width": 0.0}


def test_the_fused_models_loss_stands_between_near_specialists(run_dir, tmp_path):
    found = Fusing(run_dir, tmp_path, validation={**SAMPLING, "barrier": BARRIER}).go()["barrier"]
    (pair,) = found["pairs"]
    # Equal weights of two are the middle of their line.
    assert found["losses"]["spectrum"]["all"] == pytest.approx(pair["losses"]["all"][1], rel=1e-5)
    assert found["fused"]["all"]["least"] == min(pair["losses"]["all"][0], pair["losses"]["all"][2])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"method": {"name": "linear", "weights": {"algebra": 0.5, "poetry": 0.5}}},
            'stage "spectrum": method.weights name algebra, poetry, but the domains are algebra, geometry: '
            "give each of these a weight",
        ),
        (
            {"method": {"name": "slerp"}, "checkpoints": (1, 1)},
            'stage "spectrum": slerp goes between two models, got 1 specialists (run/1): use another method',
        ),
    ],
)
def test_what_does_not_fit_the_specialists_is_refused_before_anything_is_made(run_dir, tmp_path, changes, line):
    work = Fusing(run_dir, tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        work.go()
    assert str(caught.value) == line
    assert list(tmp_path.iterdir()) == []


def test_weights_are_given_or_searched_not_both(run_dir, tmp_path):
    weights = dict.fromkeys(CHOSEN, 0.5)
    with pytest.raises(ValidationError, match="either given or searched, got both method.weights and search"):
        Fusing(run_dir, tmp_path, search=SEARCH, method={"name": "linear", "weights": weights})
