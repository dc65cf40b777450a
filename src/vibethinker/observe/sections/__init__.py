"""The report's sections, one module for each kind of stage."""

from collections.abc import Callable

from vibethinker.observe.page import Section
from vibethinker.observe.run_record import RunRecord, StageRecord
from vibethinker.observe.sections.data import data_section
from vibethinker.observe.sections.evaluate import evaluate_section
from vibethinker.observe.sections.fuse import fuse_section
from vibethinker.observe.sections.probe import probe_section
from vibethinker.observe.sections.rl import rl_section
from vibethinker.observe.sections.training import pretrain_section, sft_section

SECTIONS: dict[str, Callable[[StageRecord, RunRecord], Section | None]] = {
    "data": data_section,
    "pretrain": pretrain_section,
    "sft": sft_section,
    "probe": probe_section,
    "fuse": fuse_section,
    "rl": rl_section,
    "evaluate": evaluate_section,
}
"""What draws a stage of each kind: its section, or None where there is nothing to show yet."""
