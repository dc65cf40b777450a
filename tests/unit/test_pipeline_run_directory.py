"""A run directory is written to by runs of its own recipe only, and nothing in it that no run made is ever removed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from vibethinker.errors import InputError

if TYPE_CHECKING:
    from tests.unit.conftest import SmallRun


def test_what_a_stage_did_not_make_is_never_replaced(small_run: "SmallRun") -> None:
    small_run.go(until="problems")
    (small_run.run_dir / "probe").mkdir()
    (small_run.run_dir / "probe/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="probe is in the way and no run made it"):
        small_run.go()
    assert (small_run.run_dir / "probe/notes.txt").read_text() == "mine"


def test_a_run_of_another_recipe_is_refused_and_untouched(small_run: "SmallRun") -> None:
    small_run.go()
    made = small_run.snapshot()
    with pytest.raises(InputError) as caught:
        small_run.go("seed=8", "signal.steps=80")
    assert str(caught.value) == (
        f"{small_run.run_dir} was made by another recipe: seed was 7, is 8; signal.steps was 50, is 80: "
        f"give --fresh to start over, or another --run-dir"
    )
    with pytest.raises(InputError, match="; and 2 more: give --fresh"):
        small_run.go("seed=8", "name=b", "probe.k=1", "probe.samples=1", "signal.lam=0")
    assert small_run.snapshot() == made


def test_stages_that_came_or_went_are_named_as_a_list(small_run: "SmallRun", tmp_path: Path) -> None:
    small_run.go(until="problems")
    stored = yaml.safe_load((small_run.run_dir / "recipe.yaml").read_text())
    stored["stages"] = stored["stages"][:2]
    (small_run.run_dir / "recipe.yaml").write_text(yaml.safe_dump(stored))
    with pytest.raises(
        InputError, match=r'recipe: stages was \["problems", "specialists"\], is \["problems", .*: give'
    ):
        small_run.go()


def test_fresh_removes_what_a_run_made_and_nothing_else(small_run: "SmallRun") -> None:
    small_run.go()
    (small_run.run_dir / "notes.txt").write_text("mine")
    (small_run.run_dir / "figures").mkdir()
    (small_run.run_dir / "figures/one.svg").write_text("<svg/>")
    result = small_run.go("seed=8", fresh=True, until="problems")
    assert result.run["seed"] == 8
    assert (small_run.run_dir / "notes.txt").read_text() == "mine"
    assert (small_run.run_dir / "figures/one.svg").exists()
    assert sorted(path.name for path in small_run.run_dir.iterdir() if not path.name.startswith(".")) == [
        "figures",
        "lock",
        "metrics.jsonl",
        "notes.txt",
        "problems",
        "recipe.yaml",
        "report.html",
        "run.json",
    ]
    stages = {json.loads(line)["stage"] for line in (small_run.run_dir / "metrics.jsonl").read_text().splitlines()}
    assert stages == {"problems"}


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_something_else_is_refused_and_untouched(small_run: "SmallRun", fresh: bool) -> None:
    small_run.run_dir.mkdir()
    (small_run.run_dir / "thesis.tex").write_text("mine")
    (small_run.run_dir / "problems").mkdir()
    with pytest.raises(InputError, match=r"is not empty and no run directory \(it holds problems, thesis.tex\)"):
        small_run.go(fresh=fresh)
    assert sorted(path.name for path in small_run.run_dir.iterdir()) == ["problems", "thesis.tex"]


def test_a_file_where_the_run_directory_should_be_is_refused(small_run: "SmallRun") -> None:
    small_run.run_dir.write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        small_run.go()
    small_run.run_dir = small_run.run_dir / "below"
    with pytest.raises(InputError, match="cannot write to"):
        small_run.go()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', '{"name": 1, "seed": "a", "stages": []}', "\xff"])
def test_a_damaged_run_json_is_one_clear_line_and_fresh_is_the_way_out(small_run: "SmallRun", content: str) -> None:
    small_run.go(until="problems")
    (small_run.run_dir / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"run.json is damaged \(.*\): give --fresh to start over") as caught:
        small_run.go()
    assert "\n" not in str(caught.value)
    assert small_run.go(fresh=True).run["status"] == "done"


def test_a_directory_that_a_run_had_only_begun_to_make_is_taken_over(small_run: "SmallRun") -> None:
    small_run.run_dir.mkdir()
    for name in ("lock", "recipe.yaml", ".run.json.a1b2", ".recipe.yaml.c3d4"):
        (small_run.run_dir / name).write_text("")
    (small_run.run_dir / "recipe.yaml").unlink()
    assert small_run.go().run["status"] == "done"
    assert not list(small_run.run_dir.glob(".run.json.*"))


def test_a_missing_model_folder_or_file_is_found_before_anything_starts(small_run: "SmallRun") -> None:
    with pytest.raises(InputError, match=r'^stage "signal": no model folder models/gone/x: give an existing folder'):
        small_run.go("signal.model=models/gone/x")
    overrides = ["problems.rl=null", "problems.rl.source=file", "problems.rl.path=gone.jsonl"]
    with pytest.raises(InputError, match=r'^stage "problems": rl: gone.jsonl does not exist: give a .jsonl'):
        small_run.go(*overrides)
    assert not small_run.run_dir.exists()
