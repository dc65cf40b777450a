"""``--set`` changes a recipe in one place, and an error names the option instead of a line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.configs.loading import load_recipe
from vibethinker.errors import InputError

SAMPLE = Path(__file__).parent / "sample_recipe.yaml"

ANY_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
ALMOST_YAML = st.text(alphabet="ab01.e:-[]{}&*!|>'\"#,?%@<~ \t\n", max_size=60)


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """Write the sample recipe with one passage replaced."""
    path = tmp_path / "mine.yaml"
    path.write_text(SAMPLE.read_text().replace(old, new, 1))
    return path


def test_overrides_reach_the_recipe_its_stages_and_what_lies_below() -> None:
    recipe = load_recipe(
        SAMPLE,
        [
            "seed=8",
            "name=other",
            "prompt=Q: {question}",
            "signal.steps=20",
            "signal.learning_rate=2e-5",
            "signal.prefilter.samples=4",
            "specialists.per_domain=false",
            "results.models=[base, signal]",
            "problems.heldout=null",
            "problems.heldout.source=file",
            "problems.heldout.path=x.parquet",
        ],
    )
    assert (recipe.seed, recipe.name, recipe.prompt) == (8, "other", "Q: {question}")
    signal = recipe.stage("signal").model_dump()
    assert (signal["steps"], signal["learning_rate"], signal["prefilter"]["samples"]) == (20, 2e-5, 4)
    assert recipe.stage("specialists").model_dump()["per_domain"] is False
    assert recipe.stage("results").model_refs() == ("base", "signal")
    assert recipe.stage("problems").model_dump()["heldout"]["path"] == "x.parquet"


def test_an_override_changes_one_place_even_where_an_alias_shows_it_twice(tmp_path: Path) -> None:
    path = changed(tmp_path, "    rl: {source: procedural, count: 32}", "    rl: &set {source: procedural, count: 32}")
    path.write_text(path.read_text().replace("heldout: {source: procedural, count: 32}", "heldout: *set"))
    problems = load_recipe(path, ["problems.rl.count=99"]).stage("problems").model_dump()
    assert (problems["rl"]["count"], problems["heldout"]["count"]) == (99, 32)


def test_merged_keys_count_as_the_stages_own(tmp_path: Path) -> None:
    path = changed(tmp_path, "    k: 4\n    samples: 8\n", "    <<: {k: 4, samples: 8}\n")
    probe = load_recipe(path, ["probe.samples=16"]).stage("probe").model_dump()
    assert (probe["k"], probe["samples"]) == (4, 16)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed", "--set seed: need KEY=VALUE, such as seed=8 or signal.steps=50"),
        ("=3", "--set =3: need KEY=VALUE, such as seed=8 or signal.steps=50"),
        ("signal..steps=3", "--set signal..steps=3: need KEY=VALUE, such as seed=8 or signal.steps=50"),
        ("sed=9", '--set sed=9: unknown key "sed"; did you mean "seed"?'),
        ("signl.steps=9", '--set signl.steps=9: there is no stage "signl"; did you mean "signal"?'),
        ("signal=9", '--set signal=9: "signal" is a stage: name one of its keys, such as signal.KEY=VALUE'),
        ("signal.stps=9", '--set signal.stps=9: stage "signal": unknown key "stps"; did you mean "steps"?'),
        ("signal.steps=0", '--set signal.steps=0: stage "signal": steps: need >= 1, got 0'),
        ("signal.steps=", '--set signal.steps=: stage "signal": steps: need a whole number, got null'),
        (
            "signal.steps.x=1",
            '--set signal.steps.x=1: there is no "x" to set: what is there is one value or a list; set that whole',
        ),
        (
            "probe.k=99",
            '--set probe.k=99: stage "probe": need k <= samples, got k=99, samples=8: draw more samples or lower k',
        ),
        (
            "signal.model=spectrm",
            '--set signal.model=spectrm: stage "signal": model: there is no stage "spectrm" and no such model '
            '(base, micro, a folder or a hub id); did you mean "spectrum"?',
        ),
    ],
)
def test_a_wrong_override_is_named_instead_of_a_line(override: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe(SAMPLE, [override])
    assert str(caught.value) == line


@given(value=ANY_TEXT | ALMOST_YAML)
def test_whatever_an_override_sets_it_is_taken_or_refused_in_one_line(value: str) -> None:
    try:
        load_recipe(SAMPLE, [f"prompt={value}", "prompt={question}", f"signal.lam={value}"])
        line = "--set taken"
    except InputError as error:
        line = str(error)
    assert line.startswith("--set ")
    assert "\n" not in line
