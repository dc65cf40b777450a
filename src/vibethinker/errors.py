"""What can go wrong in a way that a user can act on."""


class VibethinkerError(Exception):
    """A failure told in one line; the command line prints it and exits with ``exit_code``."""

    exit_code = 1


class InputError(VibethinkerError):
    """What the user gave is wrong: a recipe, a path, an option. Says what was given, what is allowed, what to do."""

    exit_code = 2


class WorkError(VibethinkerError):
    """The work itself failed, with nothing wrong in the input: a full disk, a loss that is not a number."""

    exit_code = 1


class Interrupted(VibethinkerError):  # noqa: N818 - not an error of anybody's
    """The user asked to stop; what was done so far is saved."""

    exit_code = 130

    def __init__(self, *, step: int | None = None) -> None:
        """Note the step from which the work goes on, where it counts steps."""
        super().__init__("interrupted" if step is None else f"interrupted at step {step}")
        self.step = step
