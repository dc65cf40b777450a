"""The command line: parses, hands on, and turns every error into one line and an exit status.

0 done, 1 the work failed, 2 the input was wrong, 130 interrupted. Results go to standard output, everything else to
standard error. Nothing heavy is imported before a command needs it.
"""

import os

# Read when a tensor library's threads start: waiting ones sleep instead of taking cores from the others.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

# Importing them registers the commands, in the order of the help.
from vibethinker.cli import recipe_commands, model_commands, answer_commands  # isort: skip
from vibethinker.cli.application import PROGRAM, app, say
from vibethinker.errors import InputError, Interrupted, VibethinkerError

__all__ = ["answer_commands", "app", "main", "model_commands", "recipe_commands", "run_command"]


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    debug = "--debug" in arguments
    try:
        status = typer.main.get_command(app).main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except VibethinkerError as error:
        if debug:
            traceback.print_exc()
        say(str(error) if isinstance(error, Interrupted) else f"error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted; the same command goes on from what is saved")
        return Interrupted.exit_code
    except BrokenPipeError:
        # Whoever read our output has stopped; so that Python does not complain when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if _is_usage_error(error):
            say(f"error: {error.format_message()} ({PROGRAM} --help shows what there is)")  # type: ignore[attr-defined]
            return InputError.exit_code
        if debug:
            traceback.print_exc()
        say(f"error: {type(error).__name__}: {error} (--debug shows the traceback)")
        return 1


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The open training stack for the Spectrum-to-Signal recipe."""
    if show_version:
        from importlib.metadata import version

        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
    else:
        return
    raise typer.Exit


def _is_usage_error(error: Exception) -> bool:
    """Say whether typer refused the command line; its exceptions' module moved between versions, their base did not."""
    usage_error = typer.BadParameter.__bases__[0]
    return isinstance(error, usage_error)
