"""From judged responses to what a probe says of a checkpoint in a domain: how right it is, and how diverse.

Source: Pass@K as in ``algos.pass_at_k``; where problems were left early, as in ``algos.curtailed``. Ours: what is
counted as one answer and as one solution, see ``answer_kind`` and ``solution_kind``.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean
from typing import Any

from vibethinker.algos.bootstrap import bootstrap_interval
from vibethinker.algos.curtailed import curtailed_pass_at_k, plan
from vibethinker.algos.diversity import expected_distinct
from vibethinker.algos.pass_at_k import pass_at_k
from vibethinker.configs.probe import AdaptiveBudget, ProbingConfig

Row = Mapping[str, Any]

UNPARSEABLE = ("unparseable", "no_answer")
"""Verdicts on responses without a final answer that can be read."""

_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40}|/\d{1,40})?")
_SPACING = re.compile(r"\\left|\\right|\\[,;:! ]|[\s$]")


@dataclass(frozen=True)
class DrawingPlan:
    """When the responses to a problem are looked at.

    Attributes:
        k: Of pass@k.
        looks: After how many responses; all of them at once under the full budget.
        enough: Right ones at which a look is the last; more than there are under the full budget.
        diversity_draws: Responses among which different answers and solutions are counted: as many as the first look
            of the adaptive budget has, under the full one too, so that the two compare.
    """

    k: int
    looks: tuple[int, ...]
    enough: int
    diversity_draws: int

    @classmethod
    def of(cls, config: ProbingConfig) -> "DrawingPlan":
        """Return the plan of a budget."""
        k, samples = config.k, config.samples
        curtailed = plan(k, samples)
        first = curtailed.looks[0]
        if isinstance(config.budget, AdaptiveBudget):
            return cls(k, curtailed.looks, curtailed.enough, first)
        return cls(k, (samples,), samples + 1, first)


def counts_at_looks(rows: Iterable[Row], drawing: DrawingPlan) -> dict[str, list[tuple[int, int]]]:
    """Return, by problem, the judged and right responses at every look made; ungradable ones are in neither number."""
    verdicts: dict[str, dict[int, bool | None]] = {}
    for row in rows:
        verdicts.setdefault(row["problem_id"], {})[row["draw"]] = row["correct"]
    found = {}
    for problem, by_draw in verdicts.items():
        made = [look for look in drawing.looks if look <= len(by_draw)]
        judged = [[by_draw[draw] for draw in range(look) if by_draw[draw] is not None] for look in made]
        found[problem] = [(len(each), sum(map(bool, each))) for each in judged]
    return found


def values_by_problem(rows: Iterable[Row], drawing: DrawingPlan, *, k: int) -> dict[str, float]:
    """Return the unbiased pass@k by problem, for any ``k`` up to the plan's.

    Problems of which too few responses could be judged are left out: nothing is known of them, which is not 0. Where
    problems are left early that favours who solves them: of problems with many responses that cannot be judged, one
    solved at an early look stays and one that is not falls out, so that the mean over those that stay is too high.
    """
    return {
        problem: curtailed_pass_at_k(counts, k=k, enough=drawing.enough)
        for problem, counts in counts_at_looks(rows, drawing).items()
        if counts[-1][0] >= k or counts[-1][1] >= drawing.enough
    }


def probe_cell(rows: Sequence[Row], drawing: DrawingPlan, *, resamples: int, seed: int) -> dict[str, Any]:
    """Return the figures of a checkpoint in a domain from its rows there, at least one; None where nothing is known."""
    ks, ones = (values_by_problem(rows, drawing, k=k) for k in (drawing.k, 1))
    problems = len({row["problem_id"] for row in rows})
    # Later draws are of the hard problems alone, which would count more than once for what they are.
    first = [row for row in rows if row["draw"] < drawing.looks[0]]
    return {
        "pass@1": fmean(ones.values()) if ones else None,
        f"pass@{drawing.k}": fmean(ks.values()) if ks else None,
        "interval": list(bootstrap_interval(list(ks.values()), resamples=resamples, seed=seed)) if ks else None,
        "problems": problems,
        "left_out": problems - len(ks),
        "drawn": len(rows),
        "distinct_answers": _distinct(first, answer_kind, drawing.diversity_draws),
        "distinct_solutions": _distinct(first, solution_kind, drawing.diversity_draws),
        "length": fmean(row["length"] for row in first),
        "unparseable": fmean(row["status"] in UNPARSEABLE for row in first),
        "truncated": fmean(row["truncated"] for row in first),
    }


def answer_kind(row: Row) -> str | None:
    r"""Return what responses with the same answer share; None without an answer.

    The verifier's extracted text without spacing, plain numbers by their value: cheap, so that ``x=2`` and ``2`` count
    as two.

    >>> [answer_kind({"extracted": text}) for text in ("0.50", "1/2", r"\dfrac{1}{2}", r"\frac 12", None)]
    ['1/2', '1/2', '\\frac{1}{2}', '\\frac12', None]
    """
    if row["extracted"] is None:
        return None
    text = _SPACING.sub("", row["extracted"]).replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac").rstrip(".")
    if _PLAIN_NUMBER.fullmatch(text) and not re.fullmatch(r".*/0+", text):
        return str(Fraction(text))
    return text


def solution_kind(row: Row) -> str | None:
    """Return what right responses that differ in white space only share; None for a response that is not right."""
    return " ".join(row["text"].split()) if row["correct"] else None


def _distinct(rows: Sequence[Row], kind_of: Callable[[Row], str | None], draws: int) -> float:
    """Return the mean over problems of how many kinds ``draws`` of a problem's responses hold on average."""
    kinds: dict[str, list[str | None]] = {}
    for row in rows:
        kinds.setdefault(row["problem_id"], []).append(kind_of(row))
    return fmean(_expected(drawn, draws) for drawn in kinds.values())


def _expected(kinds: Sequence[str | None], draws: int) -> float:
    counts = Counter(kinds)
    nothing = counts[None]
    found = expected_distinct([count for count in counts.values() if count], draws=draws)
    # None was counted as a kind of its own and is none.
    return found - (pass_at_k(len(kinds), nothing, k=draws) if nothing else 0.0)
