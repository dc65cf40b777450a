"""A recipe is loaded whole and checked, or refused with one line that says where and why."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.configs.loading import load_recipe
from vibethinker.configs.recipe import Recipe
from vibethinker.configs.references import STAGE_KINDS, references
from vibethinker.errors import InputError

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "sample_recipe.yaml"
SHIPPED = sorted((ROOT / "recipes").glob("*.yaml"))


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """Write the sample recipe with one passage replaced."""
    text = SAMPLE.read_text()
    assert text.count(old) >= 1
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def refusal(path: Path) -> str:
    """Return the one line that a recipe is refused with, the folder cut off."""
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    line = str(caught.value)
    assert "\n" not in line
    return line.removeprefix(f"{path.parent}/")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_recipe_loads(path: Path) -> None:
    assert load_recipe(path).stages


def test_the_sample_has_every_kind_of_stage_but_pretrain() -> None:
    recipe = load_recipe(SAMPLE)
    assert [stage.kind for stage in recipe.stages] == ["data", "sft", "probe", "fuse", "rl", "evaluate"]
    assert recipe.seed == 7


def test_the_resolved_recipe_loads_as_the_same_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(SAMPLE)
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    assert load_recipe(path) == recipe


def test_every_kind_lists_all_that_it_reads_as_references() -> None:
    """What the order is checked with is what the pipeline hands to the stage."""
    with_base = SAMPLE.read_text().replace(
        "    specialists: probe\n", "    specialists: probe\n    method: {name: task_arithmetic}\n"
    )
    pretrained = with_base.replace("model: micro\n", "").replace(
        "  - id: specialists\n",
        "  - {id: micro-base, kind: pretrain, data: problems, steps: 9, save_every: 3, learning_rate: 1e-3}\n"
        "  - id: specialists\n",
    )
    recipe = Recipe.model_validate(yaml.load(pretrained, yaml.CSafeLoader) | {"name": "all"})
    assert {stage.kind for stage in recipe.stages} == set(STAGE_KINDS)
    for stage in recipe.stages:
        listed = list(references(stage))
        assert {each.target for each in listed if each.kind is not None} == set(stage.input_ids())
        assert {each.target for each in listed if each.kind is None} == set(stage.model_refs())


# Each case: what to replace in the sample, by what, and the whole line that must come of it.
WRONG = {
    "unknown key": (
        "learning_rate: 3e-4",
        "learning_rte: 3e-4",
        'mine.yaml:37: stage "signal": unknown key "learning_rte"; did you mean "learning_rate"?',
    ),
    "unknown nested key": (
        "steps: 50",
        "steps: 50\n    prefilter: {sample: 1}",
        'mine.yaml:37: stage "signal": prefilter: unknown key "sample"; did you mean "samples"?',
    ),
    "unknown key at the top": ("seed: 7", "sed: 7", 'mine.yaml:3: unknown key "sed"; did you mean "seed"?'),
    "unknown kind": (
        "kind: probe",
        "kind: prob",
        'mine.yaml:20: stage "probe": unknown kind "prob"; did you mean "probe"?',
    ),
    "unknown source": (
        "train: {source: procedural,",
        "train: {source: procedurl,",
        'mine.yaml:8: stage "problems": train: unknown source "procedurl"; did you mean "procedural"?',
    ),
    "unknown value": (
        "train: {source: procedural,",
        "train: {domains: [algbra], source: procedural,",
        'mine.yaml:8: stage "problems": train.domains: unknown value "algbra"; '
        "there are: algebra, geometry, calculus, statistics, code, stem",
    ),
    "missing key": ("    steps: 50\n", "", 'mine.yaml:32: stage "signal": key "steps" is missing'),
    "missing kind": (
        "    kind: rl\n",
        "",
        'mine.yaml:32: stage "signal": key "kind" is missing; '
        "there are: data, evaluate, fuse, pretrain, probe, rl, sft",
    ),
    "missing name": ("name: sample\n", "", 'mine.yaml:2: key "name" is missing'),
    "duplicate id": (
        "id: probe",
        "id: specialists",
        'mine.yaml:19: stage "specialists": duplicate id: stage 2 has it too; every stage needs its own',
    ),
    "reserved id": (
        "id: probe",
        "id: base",
        'mine.yaml:19: stage "base": id "base" is reserved, as are base, micro, lock: choose another',
    ),
    "missing stage": (
        "    checkpoints: specialists",
        "    checkpoints: specialist",
        'mine.yaml:21: stage "probe": checkpoints: there is no stage "specialist"; did you mean "specialists"?',
    ),
    "missing model": (
        "model: spectrum",
        "model: spectrm",
        'mine.yaml:34: stage "signal": model: there is no stage "spectrm" and no such model '
        '(base, micro, a folder or a hub id); did you mean "spectrum"?',
    ),
    "later stage": (
        "model: spectrum",
        "model: results",
        'mine.yaml:34: stage "signal": model: stage "results" comes later; '
        'a stage reads only stages before it, so move "results" up',
    ),
    "itself": (
        "model: spectrum",
        "model: signal",
        'mine.yaml:34: stage "signal": model: "signal" is this stage itself; name one before it',
    ),
    "sft as a model": (
        "model: spectrum",
        "model: specialists",
        'mine.yaml:34: stage "signal": model: "specialists" is of kind sft and has many checkpoints: '
        "probe it, and name the probe stage for its best one",
    ),
    "data as a model": (
        "model: spectrum",
        "model: problems",
        'mine.yaml:34: stage "signal": model: need a model, but "problems" is of kind data and makes none; '
        "pretrain, sft, fuse, rl, probe stages do",
    ),
    "wrong kind of input": (
        "    checkpoints: specialists",
        "    checkpoints: problems",
        'mine.yaml:21: stage "probe": checkpoints: need a stage of kind sft, but "problems" is of kind data',
    ),
    "no probing set": (
        "    probing: {source: procedural, count: 32}\n",
        "",
        'mine.yaml:21: stage "probe" needs a probing set, but data stage "problems" has none: give it `probing:`',
    ),
    "no rl set": (
        "    rl: {source: procedural, count: 32}\n",
        "",
        'mine.yaml:34: stage "signal" needs an rl set, but data stage "problems" has none: give it `rl:`',
    ),
    "no held-out set": (
        "    heldout: {source: procedural, count: 32}\n",
        "",
        'mine.yaml:41: stage "results" needs a heldout set, but data stage "problems" has none: give it `heldout:`',
    ),
    "no base": (
        "model: micro\n",
        "",
        'mine.yaml:11: stage "specialists": model: "base" is the recipe\'s model, and it has none: '
        "give it `model:`, or a pretrain stage before this one",
    ),
    "no such base": (
        "model: micro",
        "model: mirco",
        'mine.yaml:4: model: "mirco" is no model: give a folder, a hub id such as Qwen/Qwen2.5-0.5B, or micro; '
        'did you mean "micro"?',
    ),
    "k > n": (
        "    k: 4\n",
        "    k: 9\n",
        'mine.yaml:23: stage "probe": need k <= samples, got k=9, samples=8: draw more samples or lower k',
    ),
    "k > n, nested": (
        "      k: 4\n",
        "      k: 9\n",
        'mine.yaml:30: stage "spectrum": validation: need k <= samples, got k=9, samples=8: '
        "draw more samples or lower k",
    ),
    "G < 2": (
        "steps: 50",
        "group_size: 1\n    steps: 50",
        'mine.yaml:36: stage "signal": need group_size >= 2, got group_size=1: '
        "a group of one has no relative advantage",
    ),
    "out of bounds": ("steps: 50", "steps: 0", 'mine.yaml:36: stage "signal": steps: need >= 1, got 0'),
    "no number": (
        "steps: 50",
        "steps: many",
        'mine.yaml:36: stage "signal": steps: need a whole number, got "many"',
    ),
    "a truth value for a number": (
        "steps: 50",
        "steps: yes",
        'mine.yaml:36: stage "signal": steps: need a whole number, got true',
    ),
    "not finite": ("steps: 50", "steps: .nan", 'mine.yaml:36: need a finite number, got ".nan"'),
    "a list wanted": (
        "models: [probe, spectrum, signal]",
        "models: probe",
        'mine.yaml:41: stage "results": models: need a list, such as [a, b], got "probe"',
    ),
    "a list too short": (
        "models: [probe, spectrum, signal]",
        "models: []",
        'mine.yaml:41: stage "results": models: need at least 1, got 0',
    ),
    "an id that is no id": (
        "id: probe",
        "id: The Probe",
        'mine.yaml:19: stage "The Probe": id: need a stage id of lower-case letters, digits, "-" and "_", '
        'a letter first, got "The Probe"',
    ),
    "a prompt without a question": (
        "seed: 7",
        "prompt: Solve it.",
        'mine.yaml:3: prompt: need {question} where the question goes, got "Solve it."',
    ),
    "bad YAML": ("seed: 7", "seed: 7: 8", "mine.yaml:3: not valid YAML: mapping values are not allowed here"),
    "an open bracket": (
        "seed: 7",
        "seed: [7",
        "mine.yaml:4: not valid YAML: expected ',' or ']', but got ':' "
        "(while parsing a flow sequence that begins in line 3)",
    ),
    "duplicate key": ("seed: 7", "seed: 7\nseed: 8", 'mine.yaml:4: key "seed" is given twice, here and in line 3'),
    "key that is no text": ("seed: 7", "1: 7", 'mine.yaml:3: need text as a key, got "1": put it in quotes'),
    "tag": (
        "seed: 7",
        "seed: !!python/object/apply:os.getpid []",
        'mine.yaml:3: tags such as "tag:yaml.org,2002:python/object/apply:os.getpid" are not allowed',
    ),
    "alias of itself": ("seed: 7", "seed: &a [*a]", "mine.yaml:3: aliases make it endless or far too large"),
}


@pytest.mark.parametrize(("old", "new", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_recipe_is_refused_in_one_line_with_its_place(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert refusal(changed(tmp_path, old, new)) == line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "mine.yaml: empty; a recipe has at least `name:` and `stages:`"),
        ("# nothing\n", "mine.yaml: empty; a recipe has at least `name:` and `stages:`"),
        ("- a\n", "mine.yaml:1: a recipe is keys and values, at least `name:` and `stages:`"),
        ("name: x\nstages: 3\n", "mine.yaml:2: stages: need a list, such as [a, b], got 3"),
        ("name: x\nstages: []\n", "mine.yaml:2: stages: need at least 1, got 0"),
        ("name: x\nstages:\n- a\n", 'mine.yaml:3: stage 1: need keys and values, got "a"'),
        ("name: x\n\0", "mine.yaml:2: not valid YAML: character 0 is not allowed"),
        ("a: " + "[" * 5000, "mine.yaml: not valid YAML: nested too deeply"),
        ("a: 1\n---\nb: 2\n", "mine.yaml:2: not valid YAML: but found another document"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_line(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    assert refusal(path).startswith(line)


def test_a_missing_recipe_says_what_to_do(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == (
        "none.yaml: no such file: give the path of a recipe, such as recipes/quickstart.yaml"
    )
    assert "is a folder" in refusal(tmp_path)


def test_aliases_that_multiply_one_another_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines))
    assert "far too large" in refusal(path)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"name: \xff\n")
    assert refusal(path) == "mine.yaml: is not UTF-8 text: a recipe is a YAML file"


ANY_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
ALMOST_YAML = st.text(alphabet="ab01.e:-[]{}&*!|>'\"#,?%@<~ \t\n", max_size=60)


@given(text=ANY_TEXT | ALMOST_YAML)
def test_whatever_the_file_holds_it_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(refusal(path).splitlines()) == 1


def test_base_may_come_from_an_earlier_pretrain_stage(tmp_path: Path) -> None:
    path = changed(tmp_path, "model: micro\n", "")
    path.write_text(
        path.read_text().replace(
            "  - id: specialists\n",
            "  - {id: first, kind: pretrain, data: problems, steps: 9, save_every: 3, learning_rate: 1e-3}\n"
            "  - id: specialists\n",
        )
    )
    recipe = load_recipe(path)
    specialists = recipe.stage("specialists")
    assert recipe.base_stage(specialists) == "first"
    assert recipe.needs(specialists) == ("problems", "first")
    assert recipe.needs(recipe.stage("signal")) == ("problems", "spectrum")


def test_a_stages_own_key_is_the_one_to_blame_where_it_hides_a_merged_one(tmp_path: Path) -> None:
    path = changed(tmp_path, "    k: 4\n    samples: 8\n", "    samples: 8\n    k: 9\n    <<: {k: 4}\n")
    assert refusal(path).startswith('mine.yaml:24: stage "probe": need k <= samples, got k=9')


def test_a_folder_or_hub_id_is_a_model_and_a_bare_word_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = changed(tmp_path, "model: spectrum", "model: mymodel")
    assert 'there is no stage "mymodel"' in refusal(path)
    (tmp_path / "mymodel").mkdir()
    assert load_recipe(path).stage("signal").model_refs() == ("mymodel",)
    for ref in ("owner/name", "./gone", "package:thing", "file.gguf"):
        assert load_recipe(path, [f"signal.model={ref}"]).stage("signal").model_refs() == (ref,)


def test_loading_a_recipe_loads_no_tensor_library() -> None:
    script = (
        "import sys; from pathlib import Path; from vibethinker.configs.loading import load_recipe; "
        f"load_recipe(Path({str(SAMPLE)!r})); "
        "print([m for m in ('torch', 'transformers', 'pyarrow', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
