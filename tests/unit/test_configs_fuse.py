"""A fuse stage that cannot work is refused with its place before anything runs."""

from pathlib import Path

import pytest
import yaml

from vibethinker.configs.loading import load_recipe
from vibethinker.configs.references import references
from vibethinker.errors import InputError

SAMPLE = Path(__file__).parent / "sample_recipe.yaml"
SPECIALISTS = "    specialists: probe\n"
VALIDATION = "    validation:\n      data: problems\n"


def changed(tmp_path: Path, *passages: tuple[str, str]) -> Path:
    text = SAMPLE.read_text()
    for old, new in passages:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    line = str(caught.value)
    assert "\n" not in line
    return line.removeprefix(f"{path.parent}/")


def test_search_and_barrier_are_read_as_references_and_as_inputs(tmp_path: Path) -> None:
    more = (
        "  - {id: others, kind: data, train: {source: procedural, count: 8}, "
        "probing: {source: procedural, count: 8}}\n  - id: spectrum\n"
    )
    path = changed(
        tmp_path,
        ("  - id: spectrum\n", more),
        (SPECIALISTS, f"{SPECIALISTS}    method: {{name: ties}}\n    search: {{data: others}}\n"),
        (VALIDATION, f"{VALIDATION}      barrier: {{data: others}}\n"),
    )
    recipe = load_recipe(path)
    stage = recipe.stage("spectrum")
    listed = list(references(stage))
    assert stage.input_ids() == ("probe", "problems", "others")
    assert {each.target for each in listed if each.kind is not None} == set(stage.input_ids())
    assert {each.target for each in listed if each.kind is None} == set(stage.model_refs()) == {"base"}
    assert recipe.needs(stage) == ("problems", "probe", "others")
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    assert load_recipe(again) == recipe


@pytest.mark.parametrize(
    ("passages", "line"),
    {
        "weights and search": (
            [
                (
                    SPECIALISTS,
                    f"{SPECIALISTS}    search: {{data: problems}}\n"
                    "    method: {name: linear, weights: {algebra: 0.5, geometry: 0.5}}\n",
                )
            ],
            'stage "spectrum": weights are either given or searched, got both method.weights and search: leave one out',
        ),
        "a barrier without traces": (
            [
                ("    train: {source: procedural, count: 64}\n", ""),
                (
                    "  - id: specialists\n",
                    "  - {id: t, kind: data, train: {source: procedural, count: 64}}\n  - id: specialists\n",
                ),
                ("    data: problems\n    per_domain", "    data: t\n    per_domain"),
                (VALIDATION, f"{VALIDATION}      barrier: {{data: problems}}\n"),
            ],
            'stage "spectrum" needs a train set, but data stage "problems" has none: give it `train:`',
        ),
        "a search without problems": (
            [
                (
                    "  - id: spectrum\n",
                    "  - {id: t, kind: data, train: {source: procedural, count: 64}}\n  - id: spectrum\n",
                ),
                (SPECIALISTS, f"{SPECIALISTS}    search: {{data: t}}\n"),
            ],
            'stage "spectrum" needs a probing set, but data stage "t" has none: give it `probing:`',
        ),
        "a line of two points": (
            [(VALIDATION, f"{VALIDATION}      barrier: {{data: problems, points: 2}}\n")],
            'stage "spectrum": validation.barrier.points: need >= 3, got 2',
        ),
        "a step of nothing": (
            [(SPECIALISTS, f"{SPECIALISTS}    search: {{data: problems, step: 0}}\n")],
            'stage "spectrum": search.step: need > 0, got 0',
        ),
        "k > n in the search": (
            [(SPECIALISTS, f"{SPECIALISTS}    search: {{data: problems, k: 9, samples: 8}}\n")],
            "need k <= samples, got k=9, samples=8: draw more samples or lower k",
        ),
        "a misspelt key": (
            [(VALIDATION, f"{VALIDATION}      barier: {{data: problems}}\n")],
            'unknown key "barier"; did you mean "barrier"?',
        ),
        **{
            f"no base for {name}": (
                [
                    ("model: micro\n", ""),
                    ("    kind: sft\n", "    kind: sft\n    model: micro\n"),
                    (SPECIALISTS, f"{SPECIALISTS}    method: {{name: {name}}}\n"),
                ],
                'stage "spectrum": method.base: "base" is the recipe\'s model, and it has none: '
                "give it `model:`, or a pretrain stage before this one",
            )
            for name in ("task_arithmetic", "ties", "dare")
        },
    }.values(),
)
def test_what_cannot_work_is_refused_in_one_line(tmp_path: Path, passages: list[tuple[str, str]], line: str) -> None:
    found = refusal(changed(tmp_path, *passages))
    assert found.startswith("mine.yaml:")
    assert found.endswith(line)


@pytest.mark.parametrize("name", ["linear", "ties", "dare", "slerp"])
def test_weights_that_are_no_averages_are_refused(tmp_path: Path, name: str) -> None:
    method = f"    method: {{name: {name}, weights: {{algebra: 0.5, geometry: 0.75}}}}\n"
    assert "sum to 1" in refusal(changed(tmp_path, (SPECIALISTS, SPECIALISTS + method)))
