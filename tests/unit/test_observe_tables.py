"""Summaries and closing tables: what they say of complete, partial and odd runs."""

import copy
from typing import Any

import pytest
from rich.console import Console

from vibethinker.observe.summaries import numerics_line, summary_line
from vibethinker.observe.tables import closing_table, probing_table

EVALUATION: dict[str, Any] = {
    "k": 8,
    "samples": 8,
    "problems": 400,
    "domains": ["algebra", "[red]geometry"],
    "models": {
        "base": {
            "pass@1": {"all": 0.212, "algebra": 0.2, "[red]geometry": 0.224},
            "interval": {"all": [0.19, 0.234]},
            "pass@8": {"all": 0.5},
        },
        "spectrum": {"pass@1": {"all": 0.449, "algebra": 0.44, "[red]geometry": 0.458}, "pass@8": {"all": 0.8}},
        "signal": {"pass@1": {"all": 0.703, "algebra": 0.65, "[red]geometry": 0.756}, "pass@8": {"all": 0.79}},
    },
    "difference": {"signal": {"to": "spectrum", "points": 25.4, "half_width": 3.1}},
}
PROBE: dict[str, Any] = {
    "k": 8,
    "domains": ["algebra", "geometry"],
    "cells": [
        {"checkpoint": "algebra/20", "domain": "algebra", "pass@8": 0.91},
        {"checkpoint": "algebra/20", "domain": "geometry", "pass@8": 0.4},
        {"checkpoint": "geometry/20", "domain": "algebra", "pass@8": 0.5},
        {"checkpoint": "geometry/20", "domain": "geometry", "pass@8": 0.62},
    ],
    "specialists": {
        "algebra": {"checkpoint": "algebra/20", "pass@8": 0.91},
        "geometry": {"checkpoint": "geometry/20", "pass@8": 0.62},
    },
}


def run_of(*stages: tuple[str, dict[str, Any]], status: str = "done") -> dict[str, Any]:
    return {"stages": [{"id": kind, "kind": kind, "status": status, "metrics": metrics} for kind, metrics in stages]}


def printed(renderable: object, width: int = 120) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_the_closing_table_has_a_row_a_model_with_interval_pass_k_and_difference() -> None:
    assert printed(closing_table(run_of(("evaluate", EVALUATION)))) == [
        "all 95 % algebra [red]geometry pass@8 to spectrum",
        "base .212 .19-.23 .20 .22 .50",
        "spectrum .449 .44 .46 .80",
        "signal .703 .65 .76 .79 +25.4 points (±3.1)",
    ]


def test_where_the_closing_table_is_too_wide_differences_stand_below_it() -> None:
    lines = printed(closing_table(run_of(("evaluate", EVALUATION))), width=66)
    assert lines[0] == "all 95 % algebra [red]geometry pass@8"
    assert lines[-1] == "signal +25.4 points (±3.1) to spectrum"


def test_differences_to_several_models_name_each() -> None:
    metrics = copy.deepcopy(EVALUATION)
    metrics["difference"]["spectrum"] = {"to": "base", "points": 23.7, "half_width": 2.0}
    lines = printed(closing_table(run_of(("evaluate", metrics))))
    assert lines[2].endswith("+23.7 points (±2.0) to base")
    assert lines[3].endswith("+25.4 points (±3.1) to spectrum")


def test_a_single_domain_has_no_column_beside_all() -> None:
    metrics = {"k": 1, "domains": ["all"], "models": {"base": {"pass@1": {"all": 0.25}}}}
    assert printed(closing_table(run_of(("evaluate", metrics)))) == ["all 95 %", "base .250"]


def test_every_finished_evaluation_is_shown_under_its_name() -> None:
    run = run_of(("evaluate", EVALUATION), ("evaluate", EVALUATION), ("evaluate", {}))
    run["stages"][1]["id"] = "code_results"
    run["stages"][2]["status"] = "running"
    lines = printed(closing_table(run))
    table = printed(closing_table(run_of(("evaluate", EVALUATION))))
    assert lines == ["evaluate", *table, "code_results", *table]


def test_the_probing_table_marks_each_chosen_checkpoint() -> None:
    assert printed(probing_table(run_of(("probe", PROBE)))) == [
        "pass@8 of each checkpoint, * chosen",
        "algebra geometry",
        "algebra/20 .91* .40",
        "geometry/20 .50 .62*",
    ]


@pytest.mark.parametrize("run", [{}, {"stages": []}, run_of(("data", {"leaks": 0})), run_of(("evaluate", {}))])
def test_without_an_evaluation_or_a_probe_there_is_no_table(run: dict[str, Any]) -> None:
    assert closing_table(run) is None
    assert probing_table(run) is None


@pytest.mark.parametrize(
    ("kind", "metrics", "line"),
    [
        (
            "data",
            {"problems": {"train": 4000, "rl": 2400}, "domains": ["a", "b", "c", "d"], "leaks": 0},
            "4 domains, 6,400 problems, 0 leaks",
        ),
        (
            "pretrain",
            {"loss": 0.4, "validation_loss": 0.45, "parameters": 1_450_000, "steps": 3000, "tokens": 9},
            "3,000 steps, 1.4 M parameters, loss .40, validation loss .45",
        ),
        (
            "sft",
            {"runs": 4, "checkpoints": 12, "loss": {"a": 0.31, "b": 0.4}, "dropped": 3},
            "4 runs x 3 checkpoints, loss .31-.40, 3 traces too long",
        ),
        ("sft", {"runs": 1, "checkpoints": 3, "loss": {"": 0.31}, "dropped": 0}, "1 run, 3 checkpoints, loss .31"),
        ("sft", {"runs": 2, "checkpoints": 5, "loss": {"a": None}}, "2 runs, 5 checkpoints"),
        ("probe", PROBE, "pass@8 .62-.91, 2 specialists chosen"),
        (
            "fuse",
            {
                "method": "task_arithmetic",
                "parents": {"algebra": {"checkpoint": "algebra/20", "weight": 1.0}},
                "validation": {"k": 8, "models": {"spectrum": {"pass@1": {"all": 0.45}}, "algebra/20": {"pass@1": {}}}},
            },
            "task arithmetic, 1 parent, pass@1 .45",
        ),
        (
            "rl",
            {"prefilter": {"prompts": 960, "kept": 639}, "steps": 50, "reward": 0.71, "no_signal": 0.2, "weight": 0.5},
            "639 of 960 prompts, 50 steps, reward .71, no signal .20",
        ),
        ("rl", {"prefilter": None, "steps": 1, "reward": None}, "1 step"),
        ("evaluate", EVALUATION, "3 models, 400 problems, best pass@1 .70 (signal)"),
        ("evaluate", {"models": {"base": {"pass@1": {"all": None}}}}, "1 model"),
        ("evaluate", {}, ""),
        ("a later kind", {"x": 1}, ""),
    ],
)
def test_a_finished_stage_comes_down_to_half_a_line(kind: str, metrics: dict[str, Any], line: str) -> None:
    assert summary_line(kind, metrics) == line


@pytest.mark.parametrize(
    ("numerics", "line"),
    [
        ({"dtype": "float32", "threads": 1, "device": "cpu"}, "1 core, fp32"),
        ({"dtype": "bfloat16", "threads": 8, "device": "cuda", "reason": "supported"}, "cuda, bf16 (supported)"),
        ({}, "cpu"),
    ],
)
def test_numerics_are_told_in_a_few_words(numerics: dict[str, Any], line: str) -> None:
    assert numerics_line(numerics) == line
