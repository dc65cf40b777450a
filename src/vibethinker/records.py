"""The records that stages hand to one another, frozen; on disk each is a row of a Parquet file."""

from dataclasses import dataclass
from typing import Literal

VerdictStatus = Literal["match", "mismatch", "no_answer", "unparseable", "gold_error"]


@dataclass(frozen=True)
class Problem:
    """A question with a known final answer.

    Attributes:
        id: Unique in its set; for procedural problems a hash of the question.
        question: The text put to the model, before the recipe's prompt template and the chat template.
        answer: The final answer as text, as it would stand in ``\\boxed{}``.
        domain: What it is probed and reported under, such as ``algebra``.
        source: Where it came from: a family's name or a file's.
        level: Declared difficulty, 1 (easiest) upward; None where the source declares none.
    """

    id: str
    question: str
    answer: str
    domain: str
    source: str
    level: int | None = None


@dataclass(frozen=True)
class Trace:
    """A worked solution of a problem, ending in ``\\boxed{}``.

    Attributes:
        problem_id: The problem it solves.
        question: That problem's question.
        domain: That problem's domain.
        way: The way of solving, such as ``careful`` or ``direct``.
        text: The solution.
    """

    problem_id: str
    question: str
    domain: str
    way: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a verifier says of one response.

    Attributes:
        correct: True or False; None where it could not be judged, which is not the same as wrong.
        status: How it came about. ``no_answer`` and ``unparseable`` are responses without a usable final answer
            (``correct`` is False); ``gold_error`` is a reference answer that cannot be read (``correct`` is None).
        extracted: The final answer found in the response, if any.
        reason: One line for a person.
    """

    correct: bool | None
    status: VerdictStatus
    extracted: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Sample:
    """One response drawn from a model.

    Attributes:
        text: The response, without the end-of-text token.
        length_tokens: Its length with the end-of-text token, where it got that far.
        truncated: Whether it ran into the token limit.
    """

    text: str
    length_tokens: int
    truncated: bool
