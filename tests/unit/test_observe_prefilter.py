"""What a report says of the prompts that a filter left out."""

from pathlib import Path

import pytest

from vibethinker.observe.page import Parts
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.sections.rl import rl_section


@pytest.mark.parametrize(
    ("keep", "kept", "expected"),
    [
        ("mixed", 634, {"never right": 203, "always right": 118, "ungradable": 5}),
        ("solved", 700, {"never right": 203, "ungradable": 5, "by cap or mix": 52}),
        ("all", 900, {"by cap or mix": 60}),
    ],
)
def test_only_what_is_left_out_is_said_to_be(tmp_path: Path, keep: str, kept: int, expected: dict[str, int]) -> None:
    counts = {"prompts": 960, "kept": kept, "keep": keep, "never_right": 203, "always_right": 118, "ungradable": 5}
    stage = StageRecord("signal", "rl", "done", 1.0, {"prefilter": counts}, (), tmp_path)
    section = rl_section(stage, RunRecord.__new__(RunRecord))
    assert section is not None
    parts = next(block for block in section.blocks if isinstance(block, Parts))
    assert dict(parts.counts) == {"kept": kept} | {f"{name}, left out": count for name, count in expected.items()}
    assert parts.total == 960
