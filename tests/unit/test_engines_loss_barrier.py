"""Along the line between two models the loss is that of the models themselves at its ends, and shows walls between."""

import json
from random import Random
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model

from vibethinker.algos.loss_barrier import loss_barrier
from vibethinker.configs.fuse import BarrierConfig
from vibethinker.data.families import DOMAINS
from vibethinker.data.procedural import choose_families, draw_problems, draw_traces
from vibethinker.engines.loss_barrier import BarrierMeasurement, InterpolatedModel, encode_by_domain, evenly_chosen
from vibethinker.engines.models import load_model, save_model
from vibethinker.errors import InputError, Interrupted
from vibethinker.interfaces import Numerics, StageContext
from vibethinker.records import Trace

NUMERICS = Numerics("float32", 2)
PROMPT = "{question}"


class CountingProgress:
    """Counts what is done, and stops the work after so many units."""

    def __init__(self, stop_after=None):
        self.done, self.total, self.stop_after = 0, 0, stop_after

    def start(self, total, *, unit, done=0):
        self.unit, self.total, self.done = unit, total, done

    def advance(self, count=1, *, note=""):
        self.note = note
        self.done += count
        if self.stop_after is not None and self.done >= self.stop_after:
            raise Interrupted

    def interrupt_requested(self):
        return False

    def warn(self, text):
        raise AssertionError(text)


def context_in(folder, progress=None):
    return StageContext(
        folder=folder,
        inputs={},
        seed=5,
        model=None,
        prompt=PROMPT,
        numerics=NUMERICS,
        progress=progress or CountingProgress(),
        metrics=SimpleNamespace(),
    )


@pytest.fixture(scope="module")
def traces():
    drawn = [
        each
        for domain in DOMAINS[:2]
        for each in draw_problems(choose_families([domain], None), (1,), range(50, 75), count=6, rng=Random(2))
    ]
    return draw_traces(drawn, {"careful": 1, "direct": 1}, per_problem=2, rng=Random(3))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three models: the micro base, the same function with its hidden units in another order, and one close to it."""
    root = tmp_path_factory.mktemp("models")
    model, tokenizer = load_model("micro")
    save_model(model, tokenizer, root / "base")
    with torch.no_grad():
        for number, layer in enumerate(model.model.layers):
            order = torch.randperm(model.config.intermediate_size, generator=torch.Generator().manual_seed(number))
            for linear in (layer.mlp.gate_proj, layer.mlp.up_proj):
                linear.weight.copy_(linear.weight[order].clone())
            layer.mlp.down_proj.weight.copy_(layer.mlp.down_proj.weight[:, order].clone())
    save_model(model, tokenizer, root / "permuted")
    model, _ = load_model("micro")
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1e-3 * torch.randn(parameter.shape, generator=generator)
    save_model(model, tokenizer, root / "near")
    return {name: str(root / name) for name in ("base", "permuted", "near")}


def own_loss(reference, traces):
    """Return the mean loss per token of the responses, trace by trace and without anything of the engine's."""
    model, tokenizer = load_model(reference)
    nats, tokens = 0.0, 0
    for row in encode_by_domain(tokenizer, traces, prompt=PROMPT, max_length=512):
        before = sum(label == -100 for label in row.labels)
        with torch.inference_mode():
            logits = model(torch.tensor([row.ids])).logits[0, before - 1 : -1]
        chosen = torch.log_softmax(logits.double(), -1).gather(1, torch.tensor(row.ids[before:])[:, None])
        nats, tokens = nats - float(chosen.sum()), tokens + len(row.ids) - before
    return nats / tokens


def measure(folder, folders, given, *, first="base", second="permuted", fused=None, progress=None, **changes):
    config = BarrierConfig(data="problems", **{"traces": 12, "points": 3, **changes})
    specialists = {"a/1": folders[first], "b/1": folders[second]}
    found = BarrierMeasurement(
        specialists,
        ("fused", folders[fused or first]),
        given,
        config=config,
        seed=1,
        context=context_in(folder, progress),
    )
    return found.measure()


def test_the_ends_are_the_models_own_losses(tmp_path, folders, traces):
    found = measure(tmp_path, folders, traces, second="near", traces=500)
    for name, folder in (("a/1", "base"), ("b/1", "near")):
        assert found["losses"][name]["all"] == pytest.approx(own_loss(folders[folder], traces), rel=1e-5)
    (pair,) = found["pairs"]
    assert pair["losses"]["all"][0] == found["losses"]["a/1"]["all"]
    assert pair["losses"]["all"][-1] == found["losses"]["b/1"]["all"]
    assert found["traces"]["all"] == len(traces) == sum(found["traces"][domain] for domain in DOMAINS[:2])


def test_the_same_function_in_other_places_is_in_another_basin(tmp_path, folders, traces):
    (pair,) = measure(tmp_path, folders, traces)["pairs"]
    start, middle, end = pair["losses"]["all"]
    assert end == pytest.approx(start, rel=1e-4)
    assert pair["height"]["all"] == pytest.approx(middle - (start + end) / 2)
    assert pair["height"]["all"] > 0.5 * start
    assert not pair["one_basin"]
    for domain in DOMAINS[:2]:
        assert pair["height"][domain] > 0


def test_a_model_and_its_neighbour_are_in_one_basin(tmp_path, folders, traces):
    (pair,) = measure(tmp_path, folders, traces, second="near", points=5)["pairs"]
    assert pair["one_basin"]
    curve = dict(zip(pair["alphas"], pair["losses"]["all"], strict=True))
    assert pair["height"]["all"] == loss_barrier(curve).height


def test_the_fused_models_loss_stands_beside_the_least_and_the_mean(tmp_path, folders, traces):
    found = measure(tmp_path, folders, traces, second="near", fused="near")
    least, mean = sorted(found["losses"][name]["all"] for name in ("a/1", "b/1"))[0], found["fused"]["all"]["mean"]
    assert found["fused"]["all"]["loss"] == found["losses"]["b/1"]["all"]
    assert found["fused"]["all"]["least"] == least
    assert mean == pytest.approx((found["losses"]["a/1"]["all"] + found["losses"]["b/1"]["all"]) / 2)


def test_a_point_on_the_line_is_the_weighted_average_whatever_was_there_before(folders):
    line = InterpolatedModel(folders["near"], NUMERICS)
    line.move(folders["permuted"], folders["permuted"], 0.0)
    line.move(folders["base"], folders["permuted"], 0.25)
    first, second = (load_model(folders[name])[0].state_dict() for name in ("base", "permuted"))
    for name, tensor in line.model.state_dict().items():
        assert torch.allclose(tensor, 0.75 * first[name] + 0.25 * second[name], atol=1e-6), name


def test_at_the_ends_it_is_that_model_to_the_bit(folders):
    line = InterpolatedModel(folders["near"], NUMERICS)
    for alpha, name in ((0.0, "base"), (1.0, "permuted")):
        line.move(folders["base"], folders["permuted"], alpha)
        expected = load_model(folders[name])[0].state_dict()
        assert all(torch.equal(tensor, expected[key]) for key, tensor in line.model.state_dict().items())


def test_an_adapter_is_the_model_that_it_makes_of_its_base(tmp_path, folders):
    model, tokenizer = load_model("micro")
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "up_proj"], init_lora_weights=False))
    adapted.peft_config["default"].base_model_name_or_path = "micro"
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    line = InterpolatedModel(folders["base"], NUMERICS)
    line.move(folders["base"], str(tmp_path / "adapter"), 1.0)
    merged = load_model(str(tmp_path / "adapter"))[0].state_dict()
    assert all(torch.equal(tensor, merged[name]) for name, tensor in line.model.state_dict().items())
    before = load_model(folders["base"])[0].state_dict()
    assert not torch.equal(merged["model.layers.0.mlp.up_proj.weight"], before["model.layers.0.mlp.up_proj.weight"])


def test_models_of_other_shapes_have_no_line(tmp_path, folders):
    model, tokenizer = load_model("micro")
    small = type(model)(type(model.config)(**{**model.config.to_dict(), "intermediate_size": 64}))
    save_model(small, tokenizer, tmp_path / "small")
    with pytest.raises(InputError, match=r"tensor model\.layers\.0\.mlp\.\w+\.weight is .* only models of one shape"):
        InterpolatedModel(folders["base"], NUMERICS).move(folders["base"], str(tmp_path / "small"), 0.5)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_stopped_measurement_goes_on_and_comes_to_the_same(tmp_path, folders, traces, stop_after):
    whole = measure(tmp_path / "whole", folders, traces)
    with pytest.raises(Interrupted):
        measure(tmp_path / "parts", folders, traces, progress=CountingProgress(stop_after))
    kept = (tmp_path / "parts" / "barrier.jsonl").read_text()
    progress = CountingProgress()
    assert measure(tmp_path / "parts", folders, traces, progress=progress) == whole
    assert progress.done == progress.total == 4
    assert (tmp_path / "parts" / "barrier.jsonl").read_text().startswith(kept)
    assert len([line for line in kept.splitlines() if "alpha" in json.loads(line)]) == stop_after


def test_what_was_measured_is_not_measured_again(tmp_path, folders, traces):
    found = measure(tmp_path, folders, traces)
    nowhere = dict.fromkeys(folders, "gone/nowhere/at/all")
    assert measure(tmp_path, nowhere, traces) == found


def test_traces_that_are_too_long_are_left_out_and_counted(tmp_path, folders, traces):
    long = [Trace("x", "Why?", DOMAINS[0], "careful", "1 " * 900)]
    found = measure(tmp_path / "some", folders, [*traces, *long], traces=len(traces) + 1)
    assert found["left_out"] == 1
    with pytest.raises(InputError, match="all 1 traces are longer than max_length=512 tokens: raise it"):
        measure(tmp_path / "none", folders, long)


def test_traces_are_taken_from_all_domains_alike_and_by_the_seed(traces):
    rare = [Trace(f"r{number}", "q", "rare", "careful", "t") for number in range(2)]
    chosen = evenly_chosen([*traces, *rare], count=9, seed=3)
    counts = [sum(trace.domain == domain for trace in chosen) for domain in (*DOMAINS[:2], "rare")]
    assert sorted(counts) == [2, 3, 4]
    assert counts[2] == 2
    assert chosen == evenly_chosen([*traces, *rare], count=9, seed=3)
    assert chosen != evenly_chosen([*traces, *rare], count=9, seed=4)
    assert len(evenly_chosen(traces, count=10**6, seed=0)) == len(traces)


def test_at_most_so_many_pairs_are_measured_and_all_are_counted(tmp_path, folders, traces):
    config = BarrierConfig(data="problems", traces=4, points=3, pairs=2)
    specialists = {f"{name}/1": folders[name] for name in folders}
    found = BarrierMeasurement(
        specialists, ("fused", folders["base"]), traces, config=config, seed=1, context=context_in(tmp_path)
    ).measure()
    assert [(pair["from"], pair["to"]) for pair in found["pairs"]] == [("base/1", "permuted/1"), ("base/1", "near/1")]
    assert found["possible_pairs"] == 3
