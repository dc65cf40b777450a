"""Commands on answers and programs of anybody's making: verify and sandbox."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vibethinker.cli.application import DebugOption, JsonOption, app, print_table, say, terminated_like_interrupted


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
    from vibethinker.observe.grading import closing_lines, malformed_lines, rates_table
    from vibethinker.observe.progress import ReadingProgress

    found: Audit
    with terminated_like_interrupted(), ReadingProgress(answers.name) as progress:
        if golds:
            found = audit_file(answers, output, progress, kind=kind)
        else:
            found = grading = regrade_file(answers, output, progress, kind=kind, mode=mode)
    for line in malformed_lines(found, str(answers)):
        say(line)
    if as_json:
        typer.echo(json.dumps(found.as_json()))  # ASCII: a gold may hold half a surrogate pair
        return
    if not golds:
        print_table(rates_table(grading))
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

    with terminated_like_interrupted():
        found = run_program_file(program, tests)
    if as_json:
        typer.echo(json.dumps(described(found)))
    else:
        for line in result_lines(found):
            typer.echo(line)
    if not found.result.passed:
        raise typer.Exit(1)
