"""The report on a fuse stage says what went in, what was kept of each specialist, and if they are in one basin."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from vibethinker.observe.page import Facts, Gallery, Grid, Section
from vibethinker.observe.report import write_report
from vibethinker.observe.run_record import read_run
from vibethinker.observe.sections.fuse import fuse_section
from vibethinker.observe.summaries import fusion_verdicts, summary_line

ATTACK = '<script>alert("1")</script>'


def difference(points: float, half_width: float) -> dict[str, float]:
    return {"points": points, "half_width": half_width}


def scores(one: float, two: float) -> dict[str, Any]:
    return {key: {"all": one, "algebra": one, "geometry": two} for key in ("pass@1", "pass@2")}


def pair(*, one_basin: bool, height: float) -> dict[str, Any]:
    columns = ("all", "algebra", "geometry")
    return {
        "from": "algebra/20",
        "to": "geometry/40",
        "alphas": [0.0, 0.5, 1.0],
        "losses": {column: [0.5, 0.5 + height, 0.5] for column in columns},
        "height": dict.fromkeys(columns, height),
        "one_basin": one_basin,
    }


METRICS: dict[str, Any] = {
    "method": "ties",
    "settings": {"base": "micro", "scale": 1.0, "density": 0.2},
    "weights": "searched",
    "parents": {
        "algebra": {"checkpoint": "algebra/20", "weight": 0.75},
        "geometry": {"checkpoint": "geometry/40", "weight": 0.25},
    },
    "search": {
        "weights": {"algebra/20": 0.75, "geometry/40": 0.25},
        "score": 0.7,
        "k": 2,
        "samples": 4,
        "problems": 6,
        "step": None,
        "candidates": [
            {"weights": {"algebra/20": a, "geometry/40": 1 - a}, "score": s, "pass@2": {"algebra": s, "geometry": s}}
            for a, s in ((0.5, 0.6), (0.75, 0.7), (0.25, 0.4))
        ],
        "same_problems": True,
    },
    "manifest": {
        "parameters": {"scale": 1.0, "density": 0.2},
        "tensors": 12,
        "numbers": 1_300_000,
        "dtypes": ["F32"],
        "bytes": 5_200_000,
        "shards": 1,
        "sha256": {},
        "base_sha256": None,
    },
    "barrier": {
        "traces": {"all": 12, "algebra": 6, "geometry": 6},
        "left_out": 1,
        "losses": {
            name: {"all": 0.5, "algebra": 0.5, "geometry": 0.5} for name in ("algebra/20", "geometry/40", "spectrum")
        },
        "fused": {name: {"loss": 0.5, "least": 0.5, "mean": 0.5} for name in ("all", "algebra", "geometry")},
        "pairs": [pair(one_basin=False, height=0.123)],
        "possible_pairs": 1,
    },
    "validation": {
        "k": 2,
        "samples": 4,
        "problems": 6,
        "models": {"spectrum": scores(0.5, 0.4), "algebra/20": scores(0.4, 0.3), "geometry/40": scores(0.3, 0.5)},
        "differences": {
            "algebra/20": {
                key: {"all": difference(2, 3), "algebra": difference(5, 2), "geometry": difference(9, 1)}
                for key in ("pass@1", "pass@2")
            },
            "geometry/40": {
                key: {"all": difference(1, 3), "algebra": None, "geometry": difference(-4, 1)}
                for key in ("pass@1", "pass@2")
            },
        },
        "best": {"all": "algebra/20", "algebra": "algebra/20", "geometry": "geometry/40"},
    },
}


@pytest.fixture
def metrics() -> dict[str, Any]:
    return copy.deepcopy(METRICS)


def written(run_dir: Path, metrics: dict[str, Any]) -> Path:
    stage = {"id": "spectrum", "kind": "fuse", "status": "done", "seconds": 1.0, "metrics": metrics}
    (run_dir / "run.json").write_text(json.dumps({"name": "r", "status": "done", "stages": [stage]}))
    return run_dir


def section(run_dir: Path, metrics: dict[str, Any]) -> Section:
    run = read_run(written(run_dir, metrics))
    found = fuse_section(run.stages[0], run)
    assert found is not None
    return found


def grid(found: Section, caption: str) -> list[list[str]]:
    (block,) = [each for each in found.blocks if isinstance(each, Grid) and each.caption == caption]
    return [[f"{cell.text} {cell.note}".strip() for cell in row] for row in block.rows]


def test_the_verdict_is_by_the_specialist_of_the_domain(tmp_path: Path, metrics: dict[str, Any]) -> None:
    assert fusion_verdicts(metrics) == {"algebra": "gains", "geometry": "loses"}
    lead = section(tmp_path, metrics).lead
    assert "Method: ties, weights found by a search." in lead
    assert "Against each domain's specialist it gains algebra; loses geometry (pass@2)." in lead
    assert summary_line("fuse", metrics) == "ties, 2 parents, pass@1 .50, gains 1 loses 1 of 2 domains"


def test_an_interval_over_zero_is_kept_and_what_is_not_known_is_not_told(metrics: dict[str, Any]) -> None:
    metrics["validation"]["differences"]["algebra/20"]["pass@2"]["algebra"] = difference(-1, 2)
    metrics["validation"]["differences"]["geometry/40"]["pass@2"]["geometry"] = None
    assert fusion_verdicts(metrics) == {"algebra": "keeps"}
    assert summary_line("fuse", metrics).endswith("keeps 1 of 1 domain")


def test_the_specialist_and_the_best_parent_stand_side_by_side(tmp_path: Path, metrics: dict[str, Any]) -> None:
    rows = grid(section(tmp_path, metrics), "What the fused model keeps")
    assert rows[0] == ["all", "-", "-", "-", "algebra/20", "+2.0 ±3.0 keeps", "+2.0 ±3.0 keeps"]
    assert rows[2][:4] == ["geometry", "geometry/40", "-4.0 ±1.0 loses", "-4.0 ±1.0 loses"]
    every = grid(section(tmp_path, metrics), "Fused model less each parent, pass@2 in points")
    assert every[1] == ["geometry/40", "+1.0 ±3.0 keeps", "-", "-4.0 ±1.0 loses"]


def test_candidates_are_listed_and_the_winner_is_marked_and_called_optimistic(
    tmp_path: Path, metrics: dict[str, Any]
) -> None:
    found = section(tmp_path, metrics)
    (block,) = [each for each in found.blocks if isinstance(each, Grid) and each.caption.startswith("Search")]
    assert [row[0].chosen for row in block.rows] == [False, True, False]
    assert [cell.text for cell in block.rows[1]] == ["1", ".750", ".250", ".70", ".70", ".700"]
    assert "optimistic" in block.note
    assert "the same problems, drawn anew" in block.note
    assert "No candidate" not in block.note
    metrics["search"]["weights"] = metrics["search"]["candidates"][0]["weights"]
    assert "No candidate was better than the first." in str(section(tmp_path, metrics).blocks)
    metrics["search"]["same_problems"] = False
    assert "on other problems" in str(section(tmp_path, metrics).blocks)


def test_the_barrier_has_a_curve_for_all_and_each_domain_and_a_line_in_words(
    tmp_path: Path, metrics: dict[str, Any]
) -> None:
    found = section(tmp_path, metrics)
    (gallery,) = [each for each in found.blocks if isinstance(each, Gallery)]
    assert [picture.title for picture in gallery.pictures] == [
        f"Loss between specialists, {column}" for column in ("all", "algebra", "geometry")
    ]
    assert "% of the second" in gallery.pictures[0].svg
    assert found.lead.endswith("The two specialists lie in different basins: the highest barrier is .123 nats.")
    assert grid(found, "Barriers") == [["algebra/20", "geometry/40", ".123", ".123", ".123", "two"]]
    losses = grid(found, "Loss of the fused model and its parents")
    assert [row[0] for row in losses] == [
        "algebra/20",
        "geometry/40",
        "spectrum fused",
        "least of the parents",
        "mean of the parents",
    ]


@pytest.mark.parametrize(
    ("basins", "told"),
    [
        ([True], "The two specialists lie in one basin"),
        ([True, True], "All 2 pairs of specialists lie in one basin"),
        ([False, False], "All 2 pairs of specialists lie in different basins"),
        ([True, False], "1 of 2 pairs of specialists lie in one basin"),
        ([], ""),
    ],
)
def test_how_many_pairs_are_in_one_basin_is_told(
    tmp_path: Path, metrics: dict[str, Any], basins: list[bool], told: str
) -> None:
    metrics["barrier"]["pairs"] = [pair(one_basin=basin, height=0.001 if basin else 0.5) for basin in basins]
    lead = section(tmp_path, metrics).lead
    assert told in lead
    assert ("basin" in lead) == bool(basins)


def test_left_out_pairs_are_told(tmp_path: Path, metrics: dict[str, Any]) -> None:
    metrics["barrier"]["possible_pairs"] = 15
    (block,) = [b for b in section(tmp_path, metrics).blocks if isinstance(b, Grid) and b.caption == "Barriers"]
    assert block.note.startswith("The first 1 of 15 pairs.")


def test_the_manifest_is_told_in_figures(tmp_path: Path, metrics: dict[str, Any]) -> None:
    (facts,) = [each for each in section(tmp_path, metrics).blocks if isinstance(each, Facts)]
    told = {fact.label: f"{fact.value} {fact.note}".strip() for fact in facts.facts}
    assert told == {
        "base": "micro",
        "scale": "1",
        "density": "0.2",
        "numbers": "1,300,000 12 tensors of F32",
        "size": "5.2 MB 1 file",
    }


def test_a_hostile_name_stays_text_in_the_page(tmp_path: Path, metrics: dict[str, Any]) -> None:
    text = json.dumps(metrics).replace("algebra", json.dumps(f"al{ATTACK}")[1:-1])
    page = write_report(written(tmp_path, json.loads(text))).read_text()
    assert ATTACK not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("absent", ["barrier", "search", "manifest", "settings", "weights"])
def test_runs_without_a_part_have_a_section_without_it(tmp_path: Path, metrics: dict[str, Any], absent: str) -> None:
    del metrics[absent]
    assert grid(section(tmp_path, metrics), "Parents")
    assert write_report(tmp_path).is_file()
