r"""A reward for other people's trainers: TRL's ``GRPOTrainer(reward_funcs=math_reward)``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vibethinker.records import VERDICT_STATUSES
from vibethinker.verify.extract import extract_answer
from vibethinker.verify.verifier import verify_answers

Completion = str | Sequence[Mapping[str, Any]]

# What TRL hands over beside the dataset's columns.
_NOT_COLUMNS = {"prompts", "completion_ids", "trainer_state", "environments"}
_BOXES = (r"\boxed", r"\fbox")


def math_reward(
    completions: Sequence[Completion],
    answer: Sequence[object] | None = None,
    solution: Sequence[object] | None = None,
    *,
    log_extra: Callable[[str, list[Any]], None] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    **columns: Any,  # noqa: ANN401 - whatever else the trainer and the dataset have
) -> list[float | None]:
    r"""Return 1.0 for a right final answer, 0.0 for a wrong one, None where the gold answer cannot be graded by.

    TRL leaves a None out of the step: it is neither right nor wrong. Where TRL logs completions, the columns
    ``verdict`` and ``extracted`` say how each reward came about; the share of every status is logged as
    ``math_reward/STATUS``.

    Args:
        completions: Responses, as texts or as chats, whose last assistant message is judged.
        answer: The gold answers, one per completion: texts or numbers. A whole solution may stand there too, whose
            last box is then the answer. None in a row is a problem without one.
        solution: The same under TRL's name for it, where the dataset has no ``answer``.
        log_extra: Takes a column for the table of completions; TRL's trainers give it.
        log_metric: Takes a number by name; TRL's trainers give it.
        columns: The rest of what the trainer gives, unused.

    Raises:
        ValueError: If there is no gold column, or it is not as long as the completions or holds something else than
            texts and numbers; or if a completion is neither text nor a chat.

    >>> math_reward([r"\boxed{0.5}", r"\boxed{2}"], answer=["1/2", "3"])
    [1.0, 0.0]
    >>> math_reward([[{"role": "assistant", "content": r"so \boxed{\frac12}"}]], solution=["$1/2$"])
    [1.0]
    """
    name, golds = ("solution", solution) if answer is None else ("answer", answer)
    if golds is None:
        others = sorted(set(columns) - _NOT_COLUMNS)
        raise ValueError(
            f'math_reward needs the gold answers in a column "answer" or "solution"; the dataset has '
            f"{', '.join(map(repr, others)) or 'no column'} beside the prompt: rename the one that holds them"
        )
    if len(golds) != len(completions):
        raise ValueError(f"need one {name} per completion, got {len(golds)} for {len(completions)} completions")
    texts = [_text(completion) for completion in completions]
    verdicts = verify_answers([_gold(gold, name) for gold in golds], texts, "math")
    if log_extra is not None:
        log_extra("verdict", [verdict.status for verdict in verdicts])
        log_extra("extracted", [verdict.extracted or "" for verdict in verdicts])
    if log_metric is not None and verdicts:
        statuses = [verdict.status for verdict in verdicts]
        for status in VERDICT_STATUSES:
            log_metric(f"math_reward/{status}", statuses.count(status) / len(statuses))
    return [None if verdict.correct is None else float(verdict.correct) for verdict in verdicts]


def _gold(value: object, name: str) -> str:
    """Return a gold answer as text; empty where there is none, which no response is graded by."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f'column "{name}" must hold texts or numbers, got {type(value).__name__}: {value!r:.60}')
    text = str(value)
    if any(box in text for box in _BOXES):
        return extract_answer(text).answer or ""
    return text


def _text(completion: object) -> str:
    """Return what a completion says: its text, or that of the last assistant message."""
    if isinstance(completion, str):
        return completion
    if not isinstance(completion, Sequence) or not all(isinstance(message, Mapping) for message in completion):
        raise ValueError(f"a completion must be a text or a list of messages, got {type(completion).__name__}")
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            return _content(message.get("content"))
    return ""


def _content(content: object) -> str:
    """Return a message's text; a message in parts is its text parts, one that only calls a tool has none."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part)
    return ""
