"""The command line: parses, hands on, and turns every error into one line and an exit status.

0 done, 1 the work failed, 2 the input was wrong, 130 interrupted. Results go to standard output, everything else to
standard error. Nothing heavy is imported before a command needs it.
"""

import os

# Read when a tensor library's threads start: waiting ones sleep instead of taking cores from the others.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import contextlib
import json
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vibethinker.errors import InputError, Interrupted, VibethinkerError

if TYPE_CHECKING:
    from vibethinker.configs.recipe import Recipe

_PROGRAM = "vibethinker"
_RUNS = Path("runs")
# Width of a table where there is no terminal to ask: wide enough for every column.
_PLAIN_WIDTH = 160

app = typer.Typer(
    name=_PROGRAM,
    add_completion=False,
    # Plain help: rich's takes as long to load as everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RecipeArgument = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="A recipe file, such as recipes/quickstart.yaml.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Change the recipe: signal.steps=50 or seed=8. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    debug = "--debug" in arguments
    try:
        status = typer.main.get_command(app).main(list(arguments), prog_name=_PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except VibethinkerError as error:
        if debug:
            traceback.print_exc()
        _say(str(error) if isinstance(error, Interrupted) else f"error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted; the same command goes on from what is saved")
        return Interrupted.exit_code
    except BrokenPipeError:
        # Whoever read our output has stopped; so that Python does not complain when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if _is_usage_error(error):
            _say(f"error: {error.format_message()} ({_PROGRAM} --help shows what there is)")  # type: ignore[attr-defined]
            return InputError.exit_code
        if debug:
            traceback.print_exc()
        _say(f"error: {type(error).__name__}: {error} (--debug shows the traceback)")
        return 1


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The open training stack for the Spectrum-to-Signal recipe."""
    if show_version:
        from importlib.metadata import version

        typer.echo(f"{_PROGRAM} {version(_PROGRAM)}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
    else:
        return
    raise typer.Exit


@app.command()
def run(
    recipe: RecipeArgument,
    run_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to run; runs/NAME by default.")] = None,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Stop after this stage.")] = None,
    overrides: SetOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove what earlier runs made there, start over.")] = False,
    debug: DebugOption = False,  # noqa: ARG001 - read by run_command
) -> None:
    """Run a recipe, or go on with a run of it: what is done is kept."""
    loaded = _load(recipe, overrides)
    from vibethinker.observe.tables import closing_table
    from vibethinker.pipeline.runner import run_recipe

    result = run_recipe(loaded, run_dir or _RUNS / loaded.name, only=only, until=until, fresh=fresh)
    if (table := closing_table(result.run)) is not None:
        _print_table(table)
        typer.echo()
    if result.report is not None:
        typer.echo(f"report   {result.report}")


@app.command()
def plan(
    recipe: RecipeArgument,
    overrides: SetOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Show the stages of a recipe and what each reads; starts nothing."""
    loaded = _load(recipe, overrides)
    described = _described(loaded)
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False))
        return
    typer.echo(
        " · ".join([loaded.name, f"seed {loaded.seed}", f"model {loaded.model or 'made here'}", described["run_dir"]])
    )
    rows = [
        (str(number), stage["id"], stage["kind"], ", ".join(stage["inputs"]), ", ".join(stage["models"]))
        for number, stage in enumerate(described["stages"], start=1)
    ]
    _print_rows(("", "stage", "kind", "reads", "models"), rows)


@app.command()
def status(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Show where a run stands."""
    from vibethinker.pipeline.run_state import read_status

    found = read_status(run_dir)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from vibethinker.observe.formats import duration
    from vibethinker.observe.summaries import summary_line

    typer.echo(" · ".join([found["name"], f"seed {found['seed']}", found["status"], duration(found["seconds"])]))
    rows = [
        (
            str(number),
            stage["id"],
            stage["kind"],
            stage["status"],
            duration(stage["seconds"]) if stage["seconds"] else "",
            summary_line(stage["kind"], stage["metrics"]),
        )
        for number, stage in enumerate(found["stages"], start=1)
    ]
    _print_rows(("", "stage", "kind", "status", "time", ""), rows)


@app.command()
def report(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR...", help="Run directories.")],
    show: Annotated[bool, typer.Option("--open", help="Open each report in the browser.")] = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Write a run's report anew from what its directory holds."""
    from vibethinker.observe.report import write_report

    for run_dir in run_dirs:
        path = write_report(run_dir)
        typer.echo(f"report   {path}")
        if show:
            typer.launch(path.absolute().as_uri())


@app.command()
def verify(
    answers: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL: gold and prediction in each line.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help="math, choice, integer, text or code.")] = "math",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a verdict per line there.")] = None,
    mode: Annotated[str, typer.Option(metavar="MODE", help="boxed; any: answers without a box count too.")] = "boxed",
    golds: Annotated[bool, typer.Option("--golds", help="Check the golds alone; write those that are wrong.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Grade anybody's answers: a verdict for every line of a file."""
    from vibethinker.data.regrade import Audit, audit_file, regrade_file
    from vibethinker.observe.grading import ReadingProgress, closing_lines, malformed_lines, rates_table

    found: Audit
    with _terminated_like_interrupted(), ReadingProgress(answers.name) as progress:
        if golds:
            found = audit_file(answers, output, progress, kind=kind)
        else:
            found = grading = regrade_file(answers, output, progress, kind=kind, mode=mode)
    for line in malformed_lines(found, str(answers)):
        _say(line)
    if as_json:
        typer.echo(json.dumps(found.as_json()))  # ASCII: a gold may hold half a surrogate pair
        return
    if not golds:
        _print_table(rates_table(grading))
    for line in closing_lines(found):
        typer.echo(line)


@app.command()
def sandbox(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM.py", help="A Python program; it is not trusted.")],
    tests: Annotated[Path, typer.Option(metavar="TESTS.json", help="Its tests: calls, stdio or asserts.")],
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Run one program against tests, confined; exit status 0 when all pass, 1 when not."""
    from vibethinker.observe.program_runs import as_json as described
    from vibethinker.observe.program_runs import result_lines, run_program_file

    with _terminated_like_interrupted():
        found = run_program_file(program, tests)
    if as_json:
        typer.echo(json.dumps(described(found)))
    else:
        for line in result_lines(found):
            typer.echo(line)
    if not found.result.passed:
        raise typer.Exit(1)


@app.command()
def doctor(
    as_json: JsonOption = False,
    debug: DebugOption = False,  # noqa: ARG001
) -> None:
    """Show what this machine offers: versions, cores, memory, disk, sandbox, accelerator, trackers."""
    from vibethinker.observe.doctor import examine, finding_lines

    findings = examine(Path.cwd())
    if as_json:
        typer.echo(json.dumps(findings, ensure_ascii=False))
        return
    for line in finding_lines(findings):
        typer.echo(line)


def _load(path: Path, overrides: list[str] | None) -> "Recipe":
    from vibethinker.configs.loading import load_recipe

    return load_recipe(path, overrides or ())


def _described(recipe: "Recipe") -> dict[str, Any]:
    """Return what ``plan`` shows."""
    return {
        "name": recipe.name,
        "seed": recipe.seed,
        "model": recipe.model,
        "run_dir": str(_RUNS / recipe.name),
        "stages": [
            {
                "id": stage.id,
                "kind": stage.kind,
                "inputs": list(recipe.needs(stage)),
                "models": list(stage.model_refs()),
            }
            for stage in recipe.stages
        ],
    }


def _print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print text in columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_table(table: object) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    console.print(table)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM stop the work as Ctrl-C does, so that no temporary file stays."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals cannot be caught there
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _say(line: str) -> None:
    """Print one line on standard error."""
    typer.echo(" ".join(line.split()), err=True)


def _is_usage_error(error: Exception) -> bool:
    """Say whether typer refused the command line; its exceptions' module moved between versions, their base did not."""
    usage_error = typer.BadParameter.__bases__[0]
    return isinstance(error, usage_error)
