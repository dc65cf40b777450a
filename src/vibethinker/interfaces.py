"""What the rooms of the package ask of one another, as protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vibethinker.records import Sample, Verdict


class Verifier(Protocol):
    """Judges a response against a reference answer."""

    def __call__(self, gold: str, response: str) -> Verdict:
        """Return the verdict; never raises on what a response holds."""
        ...


class Judge(Protocol):
    """Judges many responses, each against its reference answer and by its problem's kind."""

    def __call__(self, kinds: Sequence[str], golds: Sequence[str], responses: Sequence[str]) -> list[Verdict]:
        """Return the verdicts in order; never raises on what the responses hold."""
        ...


class Sampler(Protocol):
    """Draws responses from a model."""

    def sample(self, questions: Sequence[str], *, samples: int, seed: int) -> list[list[Sample]]:
        """Return ``samples`` responses per question, the same for the same seed."""
        ...


class Progress(Protocol):
    """Shows how far a stage has come, with the time it still needs."""

    def start(self, total: int, *, unit: str, done: int = 0) -> None:
        """Begin (or begin anew with) a task of ``total`` units, of which ``done`` are already there."""
        ...

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Count units as done; raises ``Interrupted`` when the user has asked to stop."""
        ...

    def interrupt_requested(self) -> bool:
        """Say whether the user has asked to stop, for code that saves before it stops."""
        ...

    def warn(self, text: str) -> None:
        """Show a line about something to look at, above the bar; counts nothing and never stops the work."""
        ...


class Metrics(Protocol):
    """Takes numbers by step and keeps them in the run's ``metrics.jsonl``."""

    def log(self, step: int, values: Mapping[str, Any], *, run: str = "") -> None:
        """Append one line; ``run`` tells several trainings of a stage apart."""
        ...

    def cut_back(self, step: int, *, run: str = "") -> None:
        """Forget the lines of this stage and run after ``step``: they are about to be made again."""
        ...


@dataclass(frozen=True)
class Numerics:
    """How numbers are computed, chosen once per run and the same on resume.

    Attributes:
        dtype: ``float32`` or ``bfloat16``; parameters are float32 either way, bfloat16 is autocast.
        threads: Threads of the tensor library.
        device: ``cpu`` or ``cuda``.
        reason: Why, for the log.
    """

    dtype: str
    threads: int
    device: str = "cpu"
    reason: str = ""


@dataclass(frozen=True)
class StageContext:
    """All that a stage gets besides its configuration.

    Attributes:
        folder: Where it writes. It appears under its final name only when the stage has returned; what an
            interrupted stage left is still there when it runs again.
        inputs: The finished folders of the stages it names, by stage id.
        seed: The recipe's seed.
        model: What ``base`` stands for: the recipe's model reference, or the folder that a pretrain stage before made;
            None where there is neither.
        prompt: The recipe's prompt template, with ``{question}``.
        numerics: Numeric type, threads and device.
        progress: The stage's progress bar.
        metrics: The run's metrics.
        trackers: Names of the trackers that get the metrics too.
    """

    folder: Path
    inputs: Mapping[str, Path]
    seed: int
    model: str | None
    prompt: str
    numerics: Numerics
    progress: Progress
    metrics: Metrics
    trackers: tuple[str, ...] = ()
