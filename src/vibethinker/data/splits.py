"""Which set a problem may belong to: decided by a hash of its question, so that sets can never overlap.

A problem's bucket (0 to 99) depends on its question alone. Procedural sets take their problems from fixed, disjoint
ranges of buckets; a problem that is held out under one seed was therefore in no training set under any other, and
the shipped base model, trained on the training range, has never seen it either. The ranges are ours.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from vibethinker.records import Problem

Split = Literal["train", "probing", "rl", "heldout"]

SPLITS: tuple[Split, ...] = ("train", "probing", "rl", "heldout")

BUCKETS: Mapping[Split, range] = {
    "train": range(50),
    "rl": range(50, 75),
    "probing": range(75, 87),
    "heldout": range(87, 100),
}


def question_hash(question: str) -> str:
    """Return a hash of the question that ignores case and spacing, 16 hexadecimal digits.

    >>> question_hash("Solve  2x=4\\n") == question_hash("solve 2x=4")
    True
    """
    return hashlib.sha256(" ".join(question.lower().split()).encode()).hexdigest()[:16]


def bucket(question: str) -> int:
    """Return the question's bucket, 0 to 99."""
    return int(question_hash(question), 16) % 100


def drop_shared(sets: Mapping[Split, list[Problem]]) -> tuple[dict[Split, list[Problem]], int]:
    """Keep every question in one set only, and say how many rows that dropped.

    What would be lost to evaluation is dearest, so held-out keeps its problems, then probing, then rl, then train.
    Within a set the first of several equal questions stays.
    """
    seen: set[str] = set()
    kept: dict[Split, list[Problem]] = {}
    dropped = 0
    for split in ("heldout", "probing", "rl", "train"):
        rows: list[Problem] = []
        for problem in sets.get(split, []):
            key = question_hash(problem.question)
            if key in seen:
                dropped += 1
            else:
                seen.add(key)
                rows.append(problem)
        kept[split] = rows
    return kept, dropped


def shared_questions(sets: Iterable[Iterable[Problem]]) -> set[str]:
    """Return the hashes of questions that stand in more than one of the sets; empty when they are disjoint."""
    seen: set[str] = set()
    shared: set[str] = set()
    for rows in sets:
        keys = {question_hash(problem.question) for problem in rows}
        shared |= seen & keys
        seen |= keys
    return shared
