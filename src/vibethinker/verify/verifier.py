"""Verifiers: judges of a response against a reference answer, by kind."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from vibethinker.interfaces import Verifier
from vibethinker.records import Verdict
from vibethinker.verify.choice import ChoiceVerifier
from vibethinker.verify.extract import Mode, extract_answer
from vibethinker.verify.integer import IntegerVerifier
from vibethinker.verify.math_answer import bare_gold, judge_math, read_gold
from vibethinker.verify.plain_text import TextVerifier

if TYPE_CHECKING:
    from vibethinker.verify.slow_path import SlowJudgement, SlowPath

Kind = Literal["math", "choice", "integer", "text", "code"]
KINDS: tuple[Kind, ...] = ("math", "choice", "integer", "text", "code")

Choices = Sequence[str] | Mapping[str, str] | str


@runtime_checkable
class _BatchVerifier(Verifier, Protocol):
    """A verifier that judges many responses faster than one after the other."""

    def judge_many(self, golds: Sequence[str], responses: Sequence[str]) -> list[Verdict]: ...


class MathVerifier:
    r"""Compares the final answer with the reference answer as mathematics: the fast path, then math-verify.

    The slow path's worker processes are started when the first answer needs them, and are shared by all verifiers.
    """

    def __init__(self, mode: Mode = "boxed", slow_path: "SlowPath | None" = None) -> None:
        """Choose where an answer may stand, and the worker processes; the shared ones by default."""
        self.mode: Mode = mode
        self._slow_path = slow_path

    def __call__(self, gold: str, response: str) -> Verdict:
        r"""Return the verdict; never raises on what a response holds.

        Args:
            gold: The reference answer, as it would stand in ``\boxed{}``.
            response: The whole response.

        >>> MathVerifier()("3/4", r"6/8=3/4, so \boxed{\frac{6}{8}}").status
        'match'
        """
        verdict, answer = self._quick(gold, response)
        return verdict if verdict is not None else _slow_verdict(gold, answer, self._slow().judge(gold, answer))

    def judge_many(self, golds: Sequence[str], responses: Sequence[str]) -> list[Verdict]:
        """Return the verdicts in order; answers for the slow path are spread over its workers."""
        verdicts: list[Verdict | None] = []
        waiting: list[tuple[int, str, float]] = []
        for place, (gold, text) in enumerate(zip(golds, responses, strict=True)):
            started = time.perf_counter()
            verdict, answer = self._quick(gold, text)
            ms = (time.perf_counter() - started) * 1000
            verdicts.append(replace(verdict, ms=ms) if verdict is not None else None)
            if verdict is None:
                waiting.append((place, answer, ms))
        if waiting:
            judgements = self._slow().judge_many([(golds[place], answer) for place, answer, _ in waiting])
            for (place, answer, ms), judgement in zip(waiting, judgements, strict=True):
                verdicts[place] = replace(_slow_verdict(golds[place], answer, judgement), ms=ms + judgement.ms)
        return [verdict for verdict in verdicts if verdict is not None]

    def _quick(self, gold: str, response: str) -> tuple[Verdict | None, str]:
        """Return the verdict of extraction or the fast path; None, and the answer, where the slow path must decide."""
        extraction = extract_answer(response, self.mode)
        if extraction.answer is None:
            reference = read_gold(bare_gold(gold))
            if reference.error:
                return Verdict(None, "gold_error", reason=f"the reference answer {gold[:60]!r}: {reference.error}"), ""
            status = "no_answer" if extraction.status == "found" else extraction.status
            return Verdict(False, status, None, extraction.reason, "extraction"), ""
        return judge_math(gold, extraction.answer), extraction.answer

    def _slow(self) -> "SlowPath":
        return self._slow_path if self._slow_path is not None else _shared_slow_path()


def _slow_verdict(gold: str, answer: str, judgement: "SlowJudgement") -> Verdict:
    """Turn what a worker found into a verdict."""
    if judgement.status == "timeout":
        return Verdict(False, "timeout", answer, judgement.reason, "slow")
    if judgement.status == "gold_unparseable" and not read_gold(bare_gold(gold)).readings:
        return Verdict(None, "gold_error", answer, f"the reference answer {gold[:60]!r}: {judgement.reason}", "slow")
    if judgement.status != "judged":
        return Verdict(False, "unparseable", answer, judgement.reason, "slow")
    return Verdict(
        judgement.correct is True, "match" if judgement.correct else "mismatch", answer, judgement.reason, "slow"
    )


_SHARED: list["SlowPath"] = []
_SHARED_LOCK = threading.Lock()


def _shared_slow_path() -> "SlowPath":
    """Return the process's worker pool; imported here so that nothing is started before it is needed."""
    with _SHARED_LOCK:
        if not _SHARED:
            from vibethinker.verify.slow_path import SlowPath

            _SHARED.append(SlowPath())
        return _SHARED[0]


def _code_verifier() -> Verifier:
    """Return the verifier of programs; imported here because the sandbox takes as long to load as all the rest."""
    from vibethinker.verify.code import CodeVerifier

    return CodeVerifier()


_VERIFIERS: dict[str, Callable[[Choices | None, Mode], Verifier]] = {
    "math": lambda _, mode: MathVerifier(mode),
    "choice": lambda choices, _: ChoiceVerifier(choices),
    "integer": lambda _, mode: IntegerVerifier(mode),
    "text": lambda _, mode: TextVerifier(mode),
    "code": lambda _, __: _code_verifier(),
}


def get_verifier(kind: str, *, choices: Choices | None = None, mode: Mode = "boxed") -> Verifier:
    r"""Return the verifier of a kind.

    Args:
        kind: ``math``, ``choice``, ``integer`` (0 to 999, as in AIME), ``text``, or ``code``: a program in a fenced
            block, whose gold is its tests (``vibethinker.verify.code``).
        choices: For ``choice``: the options' texts in order, or by letter, or the letters allowed ("ABCD").
        mode: ``boxed``, or ``any`` to look for an answer in the prose too, which is for evaluating base models: in
            training it would pay for answers that are not given as asked. Of no meaning for ``code``.

    Raises:
        ValueError: If there is none of that kind or mode; the message names those there are.
    """
    if kind not in _VERIFIERS:
        raise ValueError(f"no verifier of kind {kind!r}: use one of {', '.join(KINDS)}")
    if mode not in {"boxed", "any"}:
        raise ValueError(f"no mode {mode!r}: use boxed or any")
    return _VERIFIERS[kind](choices, mode)


def verify_answer(
    gold: str, text: str, kind: str = "math", *, choices: Choices | None = None, mode: Mode = "boxed"
) -> Verdict:
    r"""Judge one response against a reference answer.

    Args:
        gold: The reference answer, as it would stand in ``\boxed{}``; of a program its tests.
        text: The whole response.
        kind: What sort of answer it is; see ``get_verifier``.
        choices: For ``choice``, the options.
        mode: Where an answer may stand.

    Raises:
        ValueError: If there is no verifier of that kind; nothing that ``gold`` or ``text`` hold raises.
        SandboxUnavailableError: For ``code``, if this machine cannot confine programs as asked.

    >>> verify_answer("1/2", r"0.5, so \boxed{0.5}").correct
    True
    """
    started = time.perf_counter()
    verdict = get_verifier(kind, choices=choices, mode=mode)(gold, text)
    return replace(verdict, ms=(time.perf_counter() - started) * 1000)


def verify_answers(
    golds: Sequence[str],
    texts: Sequence[str],
    kind: str = "math",
    *,
    choices: Sequence[Choices | None] | None = None,
    mode: Mode = "boxed",
) -> list[Verdict]:
    r"""Judge many responses, in order; the slow ones among them, and programs, side by side.

    Args:
        golds: The reference answers.
        texts: The whole responses, one for each.
        kind: What sort of answers they are.
        choices: For ``choice``, the options of each.
        mode: Where an answer may stand.

    Raises:
        ValueError: If there is no verifier of that kind, or the lengths differ.

    >>> [verdict.status for verdict in verify_answers(["7", "8"], [r"\boxed{7}", r"\boxed{7}"])]
    ['match', 'mismatch']
    """
    if len(golds) != len(texts) or (choices is not None and len(choices) != len(texts)):
        raise ValueError(f"need as many texts (and choices) as golds, got {len(golds)} golds and {len(texts)} texts")
    if kind == "choice":
        options = choices if choices is not None else [None] * len(texts)
        return [
            verify_answer(gold, text, kind, choices=choice, mode=mode)
            for gold, text, choice in zip(golds, texts, options, strict=True)
        ]
    verifier = get_verifier(kind, mode=mode)
    if isinstance(verifier, _BatchVerifier):
        return verifier.judge_many(golds, texts)
    return [verify_answer(gold, text, kind, mode=mode) for gold, text in zip(golds, texts, strict=True)]


def judge_responses(kinds: Sequence[str], golds: Sequence[str], responses: Sequence[str]) -> list[Verdict]:
    r"""Judge responses to problems of different kinds, in order.

    Args:
        kinds: The verifier of each.
        golds: The reference answers.
        responses: The whole responses.

    Raises:
        ValueError: If there is no verifier of a kind, or the lengths differ.

    >>> [verdict.correct for verdict in judge_responses(["math", "choice"], ["7", "B"], [r"\boxed{7}", "(A)"])]
    [True, False]
    """
    places: dict[str, list[int]] = {}
    for place, (kind, _, _) in enumerate(zip(kinds, golds, responses, strict=True)):
        places.setdefault(kind, []).append(place)
    found: dict[int, Verdict] = {}
    for kind, chosen in places.items():
        verdicts = verify_answers([golds[place] for place in chosen], [responses[place] for place in chosen], kind)
        found.update(zip(chosen, verdicts, strict=True))
    return [found[place] for place in range(len(found))]
