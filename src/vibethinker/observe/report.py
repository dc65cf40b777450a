"""The report of a run: one page that needs nothing beside it, for a run that is finished or not.

What it shows was written by models and by whoever made the problems, so that all of it is hostile until escaped: the
template escapes everything but our own drawings, invisible and reordering signs are made visible, and the page forbids
itself scripts and anything from outside.
"""

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from vibethinker.files import write_whole

if TYPE_CHECKING:
    from vibethinker.observe.page import Section
    from vibethinker.observe.run_record import RunRecord


def write_report(run_dir: Path) -> Path:
    """Write ``report.html`` into a run directory from what is there, and return its path.

    The same run gives the same bytes.

    Raises:
        InputError: If the directory holds no readable ``run.json`` or ``metrics.jsonl``.
    """
    # Here and not above: the command line answers --help without the libraries that draw and read tables.
    from vibethinker.observe.run_record import read_run

    path = run_dir / "report.html"
    write_whole(path, _render(read_run(run_dir)).encode(errors="replace"))
    return path


def _render(run: "RunRecord") -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from vibethinker.observe.formats import duration, printable
    from vibethinker.observe.sections.overview import headline
    from vibethinker.observe.summaries import numerics_line

    def visible(value: object) -> object:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=visible, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("vibethinker.observe").joinpath("report_template.html").read_text(encoding="utf-8")
    about = {"seed": "" if run.seed is None else str(run.seed), "numerics": numerics_line(run.numerics)}
    if run.seconds:
        about["time"] = duration(run.seconds)
    return environment.from_string(source).render(
        run=run,
        about={label: text for label, text in about.items() if text},
        headline=headline(run),
        sections=_sections(run),
    )


def _sections(run: "RunRecord") -> "list[Section]":
    """Put the results first, then the stages, then how it came about, in the recipe's order."""
    from vibethinker.observe.sections import SECTIONS
    from vibethinker.observe.sections.overview import stages_section

    results = [stage for stage in run.stages if stage.kind == "evaluate"]
    others = [stage for stage in run.stages if stage.kind != "evaluate"]
    drawn = [
        *(SECTIONS["evaluate"](stage, run) for stage in results),
        stages_section(run),
        *(SECTIONS[stage.kind](stage, run) for stage in others if stage.kind in SECTIONS),
    ]
    return [section for section in drawn if section is not None]
