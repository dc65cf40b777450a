"""A fingerprint changes exactly when something changes that the stage's result depends on."""

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vibethinker.configs.recipe import Recipe
from vibethinker.errors import InputError
from vibethinker.pipeline.code_version import PACKAGE_FOLDER, CodeVersions
from vibethinker.pipeline.fingerprints import content_hash, fingerprint_stages
from vibethinker.pipeline.stage_code import PackageStages

if TYPE_CHECKING:
    from tests.unit.conftest import SmallRun

ALL = ["problems", "specialists", "probe", "spectrum", "signal", "results"]


def values(run: "SmallRun", recipe: Recipe) -> dict[str, str]:
    return {id_: each.value for id_, each in fingerprint_stages(recipe, run.code.source).items()}


def differing(run: "SmallRun", before: Recipe, after: Recipe) -> list[str]:
    """Return the stages whose fingerprints differ between two recipes."""
    first, second = values(run, before), values(run, after)
    return [id_ for id_ in ALL if first[id_] != second[id_]]


def test_the_same_recipe_has_the_same_fingerprints(small_run: "SmallRun") -> None:
    assert differing(small_run, small_run.recipe(), small_run.recipe()) == []
    assert len(set(values(small_run, small_run.recipe()).values())) == 6


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        (["name=other"], []),
        (["threads=3"], []),
        (["seed=8"], ALL),
        (["prompt=Q {question}"], ALL[1:]),
        (["dtype=float32"], ALL[1:]),
        (["problems.rl.count=33"], ALL),
        (["specialists.steps=61"], ALL[1:]),
        (["probe.k=2"], ALL[2:]),
        (["spectrum.method.name=linear"], []),
        (["spectrum.validation.k=2"], ALL[3:]),
        (["signal.lam=0"], ALL[4:]),
        (["signal.model=micro/base"], ALL[4:]),
        (["results.samples=32"], ALL[5:]),
        (["results.models=[signal, spectrum]"], ALL[5:]),
    ],
)
def test_a_change_reaches_the_stages_that_it_matters_to(
    small_run: "SmallRun", overrides: list[str], changed: list[str]
) -> None:
    assert differing(small_run, small_run.recipe(), small_run.recipe(*overrides)) == changed


def test_code_changes_reach_its_kind_and_what_depends_on_it(small_run: "SmallRun") -> None:
    before = values(small_run, small_run.recipe())
    source = small_run.code.source("fuse")
    source.write_text(source.read_text() + "\n")
    after = values(small_run, small_run.recipe())
    assert [id_ for id_ in ALL if before[id_] != after[id_]] == ALL[3:]


def test_the_content_of_the_base_model_counts_where_base_is_read(small_run: "SmallRun") -> None:
    before = values(small_run, small_run.recipe())
    (small_run.code.folder / "model" / "model.safetensors").write_bytes(b"weights")
    after = values(small_run, small_run.recipe())
    assert [id_ for id_ in ALL if before[id_] != after[id_]] == ALL[1:]


def test_the_content_of_a_file_of_problems_counts_and_its_time_does_not(small_run: "SmallRun", tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    problems.write_text("{}\n")
    recipe = small_run.recipe("problems.rl=null", "problems.rl.source=file", f"problems.rl.path={problems}")
    before = values(small_run, recipe)
    problems.touch()
    assert values(small_run, recipe) == before
    problems.write_text("{ }\n")
    assert all(before[id_] != value for id_, value in values(small_run, recipe).items())
    problems.unlink()
    problems.mkdir()
    with pytest.raises(InputError, match="is no file"):
        values(small_run, recipe)


def test_a_folders_hash_covers_names_and_contents_and_no_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x").write_text("1")
    seen = [content_hash(tmp_path)]
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/y").write_text("2")
    assert content_hash(tmp_path) == seen[0]
    (tmp_path / "a/x").write_text("2")
    seen.append(content_hash(tmp_path))
    (tmp_path / "a/x").rename(tmp_path / "a/y")
    seen.append(content_hash(tmp_path))
    assert len(set(seen)) == 3


def closure(entry: Path) -> set[str]:
    return {path.relative_to(PACKAGE_FOLDER).as_posix() for path in CodeVersions().files(entry)}


def test_the_data_stages_code_is_all_it_imports_and_no_engine() -> None:
    files = closure(PACKAGE_FOLDER / "stages/data.py")
    assert {"stages/data.py", "stages/__init__.py", "configs/data.py", "errors.py", "records.py"} <= files
    # By way of a package's __init__.
    assert "data/families/algebra.py" in files
    assert not [name for name in files if name.startswith(("engines/", "observe/", "pipeline/", "cli"))]


@pytest.mark.parametrize("path", sorted((PACKAGE_FOLDER / "stages").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_only_the_data_stage_does_without_an_engine(path: Path) -> None:
    assert CodeVersions().needs_engine(path) == (path.stem != "data")
    assert PackageStages().source(path.stem) == path


def test_every_import_counts_but_those_for_the_type_checker_and_observe(tmp_path: Path) -> None:
    entry = tmp_path / "stage.py"
    entry.write_text(
        "import vibethinker.algos.mgpo as m\n"
        "import json\n"
        "from typing import TYPE_CHECKING\n"
        "from vibethinker import files\n"
        "from vibethinker.observe import tables\n"
        "if TYPE_CHECKING:\n"
        "    from vibethinker.algos import pass_at_k\n"
        "else:\n"
        "    from vibethinker.algos import seeds\n"
        "def f():\n"
        "    from vibethinker.algos.fusion import Anything\n"
        "    importlib.import_module('vibethinker.records')\n"
    )
    found = {str(path) for path in CodeVersions().files(entry)}
    expected = {
        PACKAGE_FOLDER / name
        for name in (
            "__init__.py",
            "files.py",
            "records.py",
            "algos/__init__.py",
            "algos/fusion.py",
            "algos/mgpo.py",
            "algos/seeds.py",
        )
    }
    assert {str(path) for path in expected} | {str(entry)} <= found
    assert str(PACKAGE_FOLDER / "algos/pass_at_k.py") not in found
    assert not [path for path in found if "/observe/" in path]


def test_relative_imports_count(tmp_path: Path) -> None:
    package = tmp_path / "vibethinker"
    (package / "room").mkdir(parents=True)
    for name in ("__init__.py", "room/__init__.py", "room/near.py", "far.py"):
        (package / name).write_text("")
    (package / "room/entry.py").write_text("from . import near\nfrom ..far import x\n")
    files = CodeVersions(package).files(package / "room/entry.py")
    names = {path.relative_to(package).as_posix() for path in files}
    assert names == {"__init__.py", "room/__init__.py", "room/entry.py", "room/near.py", "far.py"}


def test_the_whole_package_parses_and_its_closures_stay_in_it() -> None:
    code = CodeVersions()
    for path in PACKAGE_FOLDER.rglob("*.py"):
        ast.parse(path.read_text())
        assert all(found.is_relative_to(PACKAGE_FOLDER) for found in code.files(path))
