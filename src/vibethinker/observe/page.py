"""What a report is made of: sections of blocks, as plain records that the template sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from vibethinker.observe.formats import decimal
from vibethinker.observe.run_record import StageRecord
from vibethinker.observe.summaries import is_best

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Cell:
    """A cell of a grid.

    Attributes:
        text: What it says.
        note: Small print below it, such as an interval.
        best: Whether it is the best of its column.
        chosen: Whether it stands for a choice that the run made.
        heat: How strongly it is coloured, in [0, 1]; None for not at all.
        shares: Parts of a whole, drawn as a bar.
    """

    text: str = ""
    note: str = ""
    best: bool = False
    chosen: bool = False
    heat: float | None = None
    shares: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: Its title.
        head: Names of the columns.
        rows: The first cell of each names the row.
        words: Numbers of the columns of text, set flush left.
        keys: Columns whose names explain, by colour, the parts of the bars in cells.
        note: Small print below.
    """

    block: ClassVar[str] = "grid"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset({0})
    keys: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A chart with its title, the names of its series in their order and a line on how to read it."""

    title: str
    svg: Markup
    legend: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """Charts side by side; ``wide`` ones get half the page each."""

    block: ClassVar[str] = "gallery"
    pictures: Sequence[Picture]
    wide: bool = False
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """A figure with its name, a change (marked where it is a gain) and small print."""

    label: str
    value: str
    change: str = ""
    is_gain: bool = False
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side."""

    block: ClassVar[str] = "facts"
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Parts:
    """Counts that make up a whole, as a bar with its legend."""

    block: ClassVar[str] = "parts"
    caption: str
    counts: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        """The whole."""
        return sum(count for _, count in self.counts)


@dataclass(frozen=True)
class Response:
    """One response of a model with the verdict on it (True, False, or None for not judged)."""

    facts: Sequence[str]
    question: str
    text: str
    correct: bool | None
    gold: str | None = None


@dataclass(frozen=True)
class Responses:
    """Responses under one heading.

    Attributes:
        title: The heading.
        responses: In the order shown.
        shared: The response that stands for all in its question and reference answer, where these are the same.
        unfolded: Whether they are shown at once.
    """

    block: ClassVar[str] = "responses"
    title: str
    responses: Sequence[Response]
    shared: Response | None = None
    unfolded: bool = False


Block = Grid | Gallery | Facts | Parts | Responses


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title, the id of the stage it is about, a sentence and its blocks."""

    anchor: str
    title: str
    stage: str
    lead: str
    blocks: Sequence[Block]


def stage_section(stage: StageRecord, title: str, blocks: Iterable[Block | None], *, lead: str = "") -> Section | None:
    """Make a stage's section of the blocks that are there; None where there is none."""
    present = [block for block in blocks if block is not None]
    # A colon cannot be in a stage's id, so that no other anchor of the page is the same.
    return Section(f"stage:{stage.id}", title, stage.id, lead, present) if present else None


def score_cells(
    rows: Mapping[str, Mapping[str, float | None]],
    name: str,
    columns: Sequence[str],
    *,
    notes: Mapping[str, str] | None = None,
) -> list[Cell]:
    """Set one row of scores, those that are the best of their column among all ``rows`` marked."""
    return [
        Cell(
            decimal(rows[name].get(column), 3 if column == "all" else 2),
            note=(notes or {}).get(column, ""),
            best=is_best(rows, name, column),
        )
        for column in columns
    ]
