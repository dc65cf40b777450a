"""A curriculum of two stages from a file of several verified traces a problem, as a recipe runs it."""

import importlib.util
import io
import json
import shutil
from functools import partial
from random import Random

import pytest
import torch
from rich.console import Console

from vibethinker.configs.adapter import QloraAdapter
from vibethinker.configs.data import FileSource
from vibethinker.configs.loading import load_recipe
from vibethinker.data.families import FAMILIES
from vibethinker.data.problem_files import read_problem_file
from vibethinker.data.procedural import draw_problems, draw_traces
from vibethinker.data.tables import read_problems, read_traces, write_table
from vibethinker.engines.adapters import check_merge, load_with_adapter
from vibethinker.engines.models import load_model
from vibethinker.errors import InputError, WorkError
from vibethinker.files import read_json
from vibethinker.interfaces import Numerics
from vibethinker.observe.progress import RunDisplay
from vibethinker.pipeline.runner import run_recipe
from vibethinker.verify import get_verifier

RECIPE = """
name: curriculum
seed: 4
model: micro
dtype: float32
threads: 2
stages:
  - id: problems
    kind: data
    train: {source: file, path: FILE, columns: {id: row, domain: domain, trace: trace, kind: kind}}
    rl: {source: procedural, count: 8, levels: [1]}
    heldout: {source: procedural, count: 4, levels: [1]}
  - id: broad
    kind: sft
    data: problems
    epochs: 1.5
    save_every: 4
    batch_size: 2
    learning_rate: 1.0e-4
    warmup_share: 0.05
    packing: true
    max_length: 160
  - id: hard
    kind: sft
    model: broad
    data: problems
    steps: 2
    save_every: 1
    batch_size: 2
    learning_rate: 1.0e-3
    adapter: {name: ADAPTER, rank: 4}
    hard: {reference: base, min_trace_tokens: 15, min_error_rate: 0.5, samples: 2, max_new_tokens: 24}
  - id: signal
    kind: rl
    model: hard
    data: problems
    steps: 1
    save_every: 1
    learning_rate: 1.0e-4
    prompts_per_step: 2
    group_size: 2
    micro_batch_size: 4
    max_new_tokens: 12
    prefilter: null
  - id: results
    kind: evaluate
    data: problems
    models: [base, broad, hard, signal]
    k: 1
    samples: 1
    max_new_tokens: 12
"""
DRAWN = draw_problems(FAMILIES, (2, 3), range(50), count=16, rng=Random(5))
SEVERAL = draw_traces(DRAWN, {"careful": 1.0, "brief": 1.0, "direct": 1.0}, per_problem=3, rng=Random(6))
ANSWERS = {drawn.problem.id: drawn.problem.answer for drawn in DRAWN}


def rows():
    """Several rows a question, each with an id of its own and the question spelt in a way of its own."""
    return [
        {
            "row": f"row-{number}",
            "question": trace.question + " " * (number % 2),
            "answer": ANSWERS[trace.problem_id],
            "domain": trace.domain,
            "trace": trace.text,
            "kind": "text" if trace.domain == "geometry" else "math",
        }
        for number, trace in enumerate(SEVERAL)
    ]


def write_recipe(folder, *, adapter="lora"):
    write_table(folder / "traces.parquet", rows())
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("FILE", str(folder / "traces.parquet")).replace("ADAPTER", adapter))
    return recipe


def go(folder, recipe, *overrides, **options):
    ui = partial(RunDisplay, console=Console(file=io.StringIO(), width=120))
    return run_recipe(load_recipe(recipe, list(overrides)), folder / "run", ui=ui, **options)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curriculum")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIBETHINKER_CACHE", str(folder / "cache"))
        result = go(folder, write_recipe(folder))
    return folder, {stage["id"]: stage["metrics"] for stage in result.run["stages"]}


def test_every_trace_of_a_question_survives_under_its_one_problem(ran):
    folder, metrics = ran
    problems = read_problems(folder / "run" / "problems" / "train_problems.parquet")
    traces = read_traces(folder / "run" / "problems" / "train.parquet")
    assert len(problems) == len(DRAWN) == metrics["problems"]["problems"]["train"]
    assert len(traces) == len(SEVERAL) > 2 * len(DRAWN)
    assert sorted(trace.text for trace in traces) == sorted(trace.text for trace in SEVERAL)
    by_id = {problem.id: problem for problem in problems}
    assert all(by_id[trace.problem_id].question == trace.question.strip() for trace in traces)
    assert metrics["problems"]["leaks"] == 0


def test_a_files_rows_name_the_kinds_of_their_answers(ran):
    problems = read_problems(ran[0] / "run" / "problems" / "train_problems.parquet")
    assert {problem.kind for problem in problems if problem.domain == "geometry"} == {"text"}
    assert {problem.kind for problem in problems if problem.domain != "geometry"} == {"math"}


def test_a_kind_that_there_is_not_is_refused_with_its_row(tmp_path):
    path = tmp_path / "traces.parquet"
    write_table(path, [*rows()[:2], {**rows()[2], "kind": "maths"}])
    source = FileSource.model_validate({"path": str(path), "columns": {"kind": "kind"}})
    message = "row 3: kind must be one of math, choice, integer, text, code, got 'maths'$"
    with pytest.raises(InputError, match=message):
        read_problem_file(source, get_verifier("math"), seed=0)


def test_each_kinds_answers_are_checked_by_its_own_verifier(tmp_path):
    path = tmp_path / "traces.parquet"
    kinds = {"choice": "B", "integer": "1000", "text": "x:y", "math": "1/2"}
    write_table(path, [{"question": kind, "answer": answer, "kind": kind} for kind, answer in kinds.items()])
    source = FileSource.model_validate({"path": str(path), "columns": {"kind": "kind"}})
    found = read_problem_file(source, get_verifier("math"), seed=0)
    assert [(problem.kind, problem.answer) for problem in found.problems] == [
        ("choice", "B"),
        ("text", "x:y"),
        ("math", "1/2"),
    ]
    assert [error.gold for error in found.gold_errors] == ["1000"]


def test_steps_follow_from_epochs_and_the_packed_rows(ran):
    metrics = ran[1]["broad"]
    assert metrics["packed_rows"] < metrics["traces"] == len(SEVERAL)
    assert metrics["steps"] == {"all": -(-3 * metrics["packed_rows"] // 4)}
    listed = read_json(ran[0] / "run" / "broad" / "checkpoints.json")["checkpoints"]
    # The end is always saved.
    assert listed[-1]["step"] == metrics["steps"]["all"]


def test_the_second_stage_learns_from_hard_problems_alone_and_says_what_it_left_out(ran):
    found = ran[1]["hard"]["hard"]
    assert found["traces"] == len(SEVERAL)
    assert found["kept"] == ran[1]["hard"]["traces"] > 0
    assert min(found["too_short"], found["problems"]) > 0
    assert sum(found[key] for key in ("kept", "too_short", "solved_too_often", "not_judged")) == len(SEVERAL)


def logits(reference):
    model, tokenizer = load_model(str(reference))
    with torch.no_grad():
        return model(torch.tensor([tokenizer.encode(DRAWN[0].problem.question)])).logits


def test_an_adapters_folder_names_its_base_and_loads_wherever_the_run_lies(ran, tmp_path, monkeypatch):
    run = ran[0] / "run"
    last = read_json(run / "hard" / "checkpoints.json")["checkpoints"][-1]["path"]
    base = read_json(run / "broad" / "checkpoints.json")["checkpoints"][-1]["path"]
    named = read_json(run / "hard" / last / "adapter_config.json")["base_model_name_or_path"]
    assert not named.startswith("/")
    assert (run / "hard" / last / named).resolve() == (run / "broad" / base).resolve()
    expected = logits(run / "hard" / last)
    assert not torch.equal(expected, logits(run / "broad" / base))
    shutil.copytree(run, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert torch.equal(logits(f"moved/hard/{last}"), expected)


def test_later_stages_take_the_last_checkpoint_whatever_it_is(ran):
    assert set(ran[1]["results"]["models"]) == {"base", "broad", "hard", "signal"}
    assert ran[1]["signal"]["steps"] == 1
    assert (ran[0] / "run" / "signal" / "model" / "model.safetensors").is_file()


def test_a_base_outside_of_the_run_is_named_by_what_leads_to_it(ran, tmp_path, monkeypatch):
    monkeypatch.setenv("VIBETHINKER_CACHE", str(ran[0] / "cache"))
    recipe = write_recipe(tmp_path)
    shutil.copytree(ran[0] / "run" / "broad" / "checkpoints" / "all", tmp_path / "elsewhere")
    folder = next((tmp_path / "elsewhere").iterdir())
    for number, (model, expected) in enumerate({"micro": "micro", str(folder): str(folder.resolve())}.items()):
        place = tmp_path / str(number)
        place.mkdir()
        go(place, recipe, f"hard.model={model}", only="problems")
        go(place, recipe, f"hard.model={model}", only="hard")
        config = next((place / "run" / "hard").rglob("adapter_config.json"))
        assert read_json(config)["base_model_name_or_path"] == expected
        assert logits(config.parent).isfinite().all()


def test_data_without_gold_answers_is_refused_in_one_line(ran, tmp_path, monkeypatch):
    monkeypatch.setenv("VIBETHINKER_CACHE", str(ran[0] / "cache"))
    recipe = write_recipe(tmp_path)
    go(tmp_path, recipe, until="broad")
    (tmp_path / "run" / "problems" / "train_problems.parquet").unlink()
    with pytest.raises((InputError, WorkError), match="is missing, so there are no gold answers to judge rollouts by"):
        go(tmp_path, recipe, only="hard")


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes (extra qlora)")
def test_an_adapter_of_4_bits_loads_on_the_rounded_weights_it_was_trained_against(ran, tmp_path, monkeypatch):
    monkeypatch.setenv("VIBETHINKER_CACHE", str(ran[0] / "cache"))
    recipe = write_recipe(tmp_path, adapter="qlora")
    go(tmp_path, recipe, until="hard")
    hard = tmp_path / "run" / "hard"
    last = hard / read_json(hard / "checkpoints.json")["checkpoints"][-1]["path"]
    named = json.loads((last / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert (last / named).resolve() == (hard / "base").resolve()
    for name, parameter in load_model(str(hard / "base"))[0].named_parameters():
        if name.endswith("_proj.weight"):
            assert max(len(block.unique()) for block in parameter.detach().view(-1, 64)) <= 16
    started_from = tmp_path / "run" / "broad"
    base = read_json(started_from / "checkpoints.json")["checkpoints"][-1]["path"]
    trained, tokenizer = load_with_adapter(
        str(started_from / base), QloraAdapter(rank=4), seed=0, numerics=Numerics("float32", 2), checkpoint=last
    )
    found = check_merge(trained, load_model(str(last))[0], [tokenizer.encode(DRAWN[0].problem.question)])
    assert found.kept == pytest.approx(1, abs=0.05)
