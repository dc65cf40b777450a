"""The records that stages hand to one another, frozen; on disk each is a row of a Parquet file."""

from dataclasses import dataclass, field
from typing import Literal, get_args

VerdictStatus = Literal[
    "match", "mismatch", "no_answer", "unparseable", "refused", "timeout", "gold_error", "infrastructure_error"
]

VERDICT_STATUSES: tuple[VerdictStatus, ...] = get_args(VerdictStatus)
"""Every status, in the order in which they are shown."""


@dataclass(frozen=True)
class Problem:
    """A question with a known final answer.

    Attributes:
        id: Unique in its set; for procedural problems a hash of the question.
        question: The text put to the model, before the recipe's prompt template and the chat template.
        answer: The final answer as text, as it would stand in ``\\boxed{}``; of a code problem its tests, as JSON.
        domain: What it is probed and reported under, such as ``algebra``.
        source: Where it came from: a family's name or a file's.
        level: Declared difficulty, 1 (easiest) upward; None where the source declares none.
        kind: The verifier that judges responses to it.
    """

    id: str
    question: str
    answer: str
    domain: str
    source: str
    level: int | None = None
    kind: str = "math"


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
        correct: True for a match; None for a reference answer that cannot be used (``gold_error``) and for a program
            that the sandbox could not run (``infrastructure_error``): nothing is known of the response then, which is
            not the same as wrong; else False.
        status: How it came about. ``no_answer``, ``unparseable`` and ``refused`` are responses without a final
            answer, with one that cannot be read, and with one too large to be computed; ``timeout`` is one on which
            the comparison, or the program, did not end in time.
        extracted: The final answer, or the program, found in the response, if any.
        reason: One line for a person.
        path: What decided: ``extraction``, ``exact`` (whole numbers), ``text``, ``parsed`` (the tree), ``slow``
            (math-verify), ``choice``, ``integer`` or ``sandbox`` (a program was run); empty where the reference answer
            cannot be used.
        ms: Wall time in milliseconds; no part of a verdict's equality.
    """

    correct: bool | None
    status: VerdictStatus
    extracted: str | None = None
    reason: str = ""
    path: str = ""
    ms: float = field(default=0.0, compare=False)


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
