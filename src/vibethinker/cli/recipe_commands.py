"""Commands on recipes and their runs: run, plan, status, report; and doctor, which looks at the machine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vibethinker.cli.application import DebugOption, JsonOption, app, print_rows, print_table

if TYPE_CHECKING:
    from vibethinker.configs.recipe import Recipe

_RUNS = Path("runs")

RecipeArgument = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="A recipe file, such as recipes/quickstart.yaml.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Change the recipe: signal.steps=50 or seed=8. Repeatable."),
]


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
        print_table(table)
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
    print_rows(("", "stage", "kind", "reads", "models"), rows)


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
    print_rows(("", "stage", "kind", "status", "time", ""), rows)


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
