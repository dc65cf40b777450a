"""The data stage: where problems come from and how they are split."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vibethinker.configs.common import Config, StageConfig

Domain = Literal["algebra", "geometry", "calculus", "statistics", "code", "stem"]
AnswerKind = Literal["math", "choice", "integer", "text", "code"]
CodeFormat = Literal[
    "auto", "apps", "taco", "livecodebench", "codeforces", "humaneval", "leetcode", "mbpp", "calls", "stdio"
]
Way = Literal["careful", "brief", "direct"]


class WaysConfig(Config):
    """Shares of the ways of solving among the traces; ours. They need not sum to 1."""

    careful: float = Field(default=0.4, ge=0)
    """One operation a line."""
    brief: float = Field(default=0.3, ge=0)
    """The whole calculation on one line."""
    direct: float = Field(default=0.3, ge=0)
    """The answer alone, or the program alone."""

    @model_validator(mode="after")
    def _some_way(self) -> "WaysConfig":
        if self.careful + self.brief + self.direct <= 0:
            raise ValueError("all shares are 0: give at least one of careful, brief, direct a positive share")
        return self


class ProceduralSource(Config):
    """Problems drawn from the families in ``vibethinker.data.families``."""

    source: Literal["procedural"] = "procedural"
    count: int = Field(ge=1)
    """Problems, spread evenly over domains, families and levels."""
    domains: tuple[Domain, ...] = Field(default=("algebra", "geometry", "calculus", "statistics"), min_length=1)
    """Domains to draw from; the four of VibeThinker-1.5B, section 3.3, unless ``code`` or ``stem`` is asked for."""
    families: tuple[str, ...] | None = None
    """Names of families to draw from; all of the domains' when absent."""
    levels: tuple[int, ...] = Field(default=(1, 2, 3, 4, 5), min_length=1)
    """Levels to draw from, 1 (mental arithmetic) to 5."""

    @model_validator(mode="after")
    def _levels_exist(self) -> "ProceduralSource":
        if not set(self.levels) <= {1, 2, 3, 4, 5}:
            raise ValueError(f"levels are 1 to 5, got {list(self.levels)}")
        return self


class ColumnsConfig(Config):
    """Which column of a file holds what; a dotted name leads inside one, as in ``prompt.0.content``."""

    question: str = "question"
    answer: str = "answer"
    id: str | None = None
    """Absent: a hash of the question."""
    domain: str | None = None
    """Absent: every problem is of the source's ``domain``."""
    level: str | None = None
    trace: str | None = None
    """A worked solution; needed where the file feeds fine-tuning. Rows with one question are several traces of it."""
    kind: str | None = None
    """What the row's answer is, one of those of ``kind``. Absent: every answer is of the source's ``kind``."""


class FileSource(Config):
    """Problems read from a JSONL or Parquet file."""

    source: Literal["file"] = "file"
    path: str = Field(min_length=1)
    """A ``.jsonl`` or ``.parquet`` file; relative to the working directory."""
    columns: ColumnsConfig = ColumnsConfig()
    domain: str = "all"
    """Domain of the problems where no column gives one."""
    kind: AnswerKind = "math"
    """What the answers are, and so what judges responses: mathematics, a choice's letter, an integer from 0 to 999,
    text to be met exactly, or tests of a program."""
    buckets: tuple[int, int] = (0, 99)
    """First and last of the 100 buckets to keep; a problem's bucket is a hash of its question, so that one file can
    be split without overlap: [0, 79] here and [80, 99] there."""
    limit: int | None = Field(default=None, ge=1)
    """Keep at most this many, chosen by the seed."""

    @model_validator(mode="after")
    def _range(self) -> "FileSource":
        _check_buckets(self.buckets)
        return self


class CodeColumnsConfig(Config):
    """Which column of a file of code problems holds what; a dotted name leads inside one. Absent: the format's own."""

    question: str | None = None
    tests: str | None = None
    private_tests: str | None = None
    """More tests, which no question shows (LiveCodeBench)."""
    function: str | None = None
    """The function that the tests call."""
    setup: str | None = None
    """Trusted code that asserts need."""
    starter: str | None = None
    """Code that the question gives."""
    solution: str | None = None
    """A program, or several; the first usable one is taken."""
    id: str | None = None
    """Where the format has none: a hash of the question."""
    level: str | None = None
    domain: str | None = None
    """Absent: every problem is of the source's ``domain``."""


class CodeFileSource(Config):
    """Code problems read from a JSONL or Parquet file of one of the usual data sets; see docs/code_problems.md."""

    source: Literal["code_file"] = "code_file"
    path: str = Field(min_length=1)
    """A ``.jsonl`` or ``.parquet`` file; relative to the working directory."""
    format: CodeFormat = "auto"
    """How the file holds them; ``auto`` tells by the names of the columns."""
    columns: CodeColumnsConfig = CodeColumnsConfig()
    domain: str = "code"
    """Domain of the problems where no column gives one."""
    check_solutions: bool = True
    """Run every problem's solution and leave out the problems whose solution fails; takes as long as one rollout of
    each problem. Problems without a solution are kept and counted."""
    buckets: tuple[int, int] = (0, 99)
    """First and last of the 100 buckets to keep; a problem's bucket is a hash of its question."""
    limit: int | None = Field(default=None, ge=1)
    """Keep at most this many, chosen by the seed before solutions are run."""

    @model_validator(mode="after")
    def _range(self) -> "CodeFileSource":
        _check_buckets(self.buckets)
        return self


def _check_buckets(buckets: tuple[int, int]) -> None:
    first, last = buckets
    if not 0 <= first <= last <= 99:
        raise ValueError(f"buckets are a first and a last from 0 to 99, got {list(buckets)}")


Source = Annotated[ProceduralSource | FileSource | CodeFileSource, Field(discriminator="source")]


class DataConfig(StageConfig):
    """Problems for training, probing, reinforcement learning and evaluation, disjoint by problem."""

    kind: Literal["data"]
    train: Source | None = None
    """Problems with worked traces, for pretraining and fine-tuning."""
    probing: Source | None = None
    """Problems that choose checkpoints (1.5B section 3.3)."""
    rl: Source | None = None
    """Prompts of reinforcement learning."""
    heldout: Source | None = None
    """Problems that are read once, by evaluate."""
    ways: WaysConfig = WaysConfig()
    """Shares of the ways of solving among procedural traces."""
    traces_per_problem: int = Field(default=1, ge=1, le=3)
    """Traces of different ways kept per procedural training problem (multi-path distillation, 3B section 2.1.1)."""
    drills: int = Field(default=0, ge=0)
    """Rows of arithmetic drills for pretraining; ours: without reliable arithmetic RL only memorises."""

    @model_validator(mode="after")
    def _something(self) -> "DataConfig":
        if not any((self.train, self.probing, self.rl, self.heldout)):
            raise ValueError("no problems asked for: give at least one of train, probing, rl, heldout")
        return self
