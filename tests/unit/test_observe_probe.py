"""A probe's table, heat map and section say what its probe.json holds."""

import copy
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vibethinker.observe.heat_map import heat_map_svg, heats, write_heat_map
from vibethinker.observe.page import Grid
from vibethinker.observe.probe_table import choice_lines, probe_table
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.sections.probe import probe_section


def cell(checkpoint, domain, value, **changes):
    return {
        "checkpoint": checkpoint,
        "domain": domain,
        "pass@1": value / 2,
        "pass@8": value,
        "interval": [value - 0.1, value + 0.05],
        "left_out": 0,
        "distinct_answers": 1.9,
        "distinct_solutions": 1.25,
        "length": 20.0,
        "unparseable": 0.125,
        "truncated": 0.25,
        "dropped": None,
    } | changes


PROBE: dict[str, Any] = {
    "k": 8,
    "samples": 16,
    "domains": ["algebra", "<geometry>"],
    "cells": [
        cell("a/10", "algebra", 0.5),
        cell("a/10", "<geometry>", 0.3, dropped=2),
        cell("a/20", "algebra", 0.4, left_out=3),
        cell("a/20", "<geometry>", 0.8),
    ],
    "specialists": {
        "algebra": {
            "checkpoint": "a/10",
            "pass@8": 0.5,
            "runner_up": "a/20",
            "margin": 0.1,
            "margin_interval": [-0.05, 0.25],
            "wins": 0.875,
            "lowest_loss": "a/20",
            "best_pass@1": "a/10",
        },
        "<geometry>": {
            "checkpoint": "a/20",
            "pass@8": 0.8,
            "runner_up": None,
            "margin": None,
            "margin_interval": None,
            "wins": 1.0,
            "lowest_loss": None,
            "best_pass@1": "a/20",
        },
    },
    "choose_by": "pass@k",
    "budget": {"name": "adaptive", "drawn": 600, "full_grid": 2400, "share": 0.25},
    "diversity_draws": 2,
}


NO_RUN = cast("RunRecord", None)
"""A probe's section needs nothing of the rest of its run."""


def section_text(metrics):
    section = probe_section(StageRecord("probe", "probe", "done", 1.0, metrics, (), Path("probe")), NO_RUN)
    assert section is not None
    grids = [block for block in section.blocks if isinstance(block, Grid)]
    return section.lead, {
        grid.caption: [[(each.text, each.note) for each in row] for row in grid.rows] for grid in grids
    }


def test_the_terminals_table_marks_specialists_and_says_who_is_out() -> None:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(probe_table(PROBE))
    assert [" ".join(line.split()) for line in capture.get().splitlines()] == [
        "pass@8 algebra <geometry>",
        "a/10 .50* .40–.55 .30 out in round 2",
        "a/20 .40 .30–.45 .80* .70–.85",
    ]


def test_a_choice_has_its_margin_where_there_is_one() -> None:
    assert choice_lines(PROBE) == [
        "algebra: a/10, pass@8 .500, .100 (-.05 to .25) ahead of a/20, best in 88% of resamples among those "
        "still in the race",
        "<geometry>: a/20, pass@8 .800",
        "600 samples drawn, 25 % of the 2,400 of a full grid",
    ]


def test_a_choice_among_everybody_is_said_to_be_nothing_else_and_one_without_wins_has_none() -> None:
    full = copy.deepcopy(PROBE)
    full["budget"]["name"] = "full"
    assert choice_lines(full)[0].endswith("ahead of a/20, best in 88% of resamples")
    full["specialists"]["algebra"]["wins"] = None
    assert choice_lines(full)[0].endswith("ahead of a/20")


def test_the_report_says_among_whom_the_other_rules_would_have_chosen() -> None:
    def note(metrics: dict[str, Any]) -> str:
        section = probe_section(StageRecord("probe", "probe", "done", 1.0, metrics, (), Path("probe")), NO_RUN)
        assert section is not None
        return next(grid.note for grid in section.blocks if isinstance(grid, Grid) and grid.caption.startswith("Why"))

    assert note(PROBE).count("among those still in the race") == 2
    assert "among" not in note(PROBE | {"budget": PROBE["budget"] | {"name": "full"}})


def test_the_heat_map_is_an_svg_with_every_value_and_a_frame_for_each_specialist(tmp_path: Path) -> None:
    write_heat_map(tmp_path / "map.svg", PROBE)
    root = ElementTree.fromstring((tmp_path / "map.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for expected in ("algebra", "<geometry>", "a/10", "a/20", ".50", ".30", ".40", ".80", "out in round 2", ".70–.85"):
        assert expected in texts
    frames = [element for element in root.iter("{http://www.w3.org/2000/svg}rect") if element.get("class") == "s"]
    assert len(frames) == 2


@given(st.text(max_size=60))
def test_the_heat_map_is_well_formed_whatever_names_hold(name: str) -> None:
    probe = copy.deepcopy(PROBE)
    for each in probe["cells"]:
        each["checkpoint"] = name + each["checkpoint"]
    ElementTree.fromstring(heat_map_svg(probe))  # noqa: S314 - our own


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), st.floats(0, 1), min_size=1))
def test_colours_go_from_a_domains_least_to_its_best(values: dict[tuple[str, str], float]) -> None:
    found = heats({place: {"v": value} for place, value in values.items()}, "v")
    for domain in "xy":
        own = {place: value for place, value in values.items() if place[1] == domain}
        shades = sorted(own, key=lambda place: found[place])
        assert sorted(own.values()) == pytest.approx([own[place] for place in shades])
        if len(set(own.values())) > 1:
            assert {found[shades[0]], found[shades[-1]]} == {0.0, 1.0}


def test_a_cell_without_a_value_has_no_colour() -> None:
    assert heats({("a", "x"): {"v": None}}, "v") == {}


def test_the_section_shows_intervals_diversity_dropped_rounds_budget_and_margin() -> None:
    lead, grids = section_text(PROBE)
    assert "600 samples drawn, 25 % of the 2,400 of a full grid." in lead
    assert grids["pass@8 by checkpoint and domain"][0] == [
        ("a/10", ""),
        (".50", ".40–.55 · @1 .25"),
        (".30", "out in round 2 · @1 .15"),
    ]
    assert "3 problems left out" in grids["pass@8 by checkpoint and domain"][1][1][1]
    assert grids["Why these specialists"][0][4:6] == [(".100", "-.05 to .25"), ("88%", "")]
    assert grids["How diverse, not only how right"][0][1] == ("1.25", "answers 1.90")
    assert grids["Responses"][0] == [("a/10", ""), ("20.0", ""), (".125", ""), (".250", "")]


def test_a_choice_by_another_rule_is_said_to_be_one() -> None:
    assert "chosen by the lowest loss, as the recipe asks" in section_text(PROBE | {"choose_by": "loss"})[0]
    assert "neither the lowest loss" in section_text(PROBE)[0]


def test_a_single_draw_shows_no_diversity() -> None:
    assert "How diverse, not only how right" not in section_text(PROBE | {"diversity_draws": 1})[1]
