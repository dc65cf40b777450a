"""Which candidates can stop being measured, because they will not win.

Source: races of models, Maron and Moore 1993, "Hoeffding Races", NIPS 6; halving, Karnin, Koren and Somekh 2013,
"Almost Optimal Exploration in Multi-Armed Bandits", ICML, section 4. Ours: candidates are compared problem by problem,
the bound is Student's, and the problems are a finite set of which the rest is still to come.

``behind`` drops whom the leader beats by the bound. With m of P problems seen in random order, d the leader's lead
over a candidate, s_d its standard deviation over the m:

    mean(d) - t(1 - error / rivals, m - 1) * s_d * sqrt((1 - m/P) / m) > 0

Guarantee: a candidate that is no worse than the leader on all P problems is dropped at this look with a chance of at
most ``error``, as far as means of m differences are normal; spend the error over the looks. ``worse_part`` drops by
rank. Guarantee, by Markov's inequality: with a best candidate * and K kept it loses * with a chance of at most
(1/K) * sum over rivals of P(rival looks better than *): one that leads clearly stays, one of many equals may go.

Equal means are decided by those of other values, as in ``specialists``: ``ties``, of the same problems.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import fmean, stdev

from vibethinker.algos.intervals import t_quantile

Values = Mapping[str, Mapping[str, float]]

FEWEST_PROBLEMS = 8
"""Problems below which nobody is dropped: they say too little. Ours."""


@dataclass(frozen=True)
class Lead:
    """Who is ahead of a candidate, by how much on the problems seen, and by how much at least."""

    leader: str
    by: float
    at_least: float


def common_values(values: Values) -> dict[str, dict[str, float]]:
    """Return the values of the problems that all candidates have, in the order of the first one's."""
    shared = [problem for problem in next(iter(values.values()), {}) if all(problem in own for own in values.values())]
    return {name: {problem: own[problem] for problem in shared} for name, own in values.items()}


def behind(values: Values, *, population: int | None, error: float, ties: Values | None = None) -> dict[str, Lead]:
    """Return the candidates that cannot win any more.

    Args:
        values: Each candidate's values by problem; two are compared on the problems that both have.
        population: Problems in all, those to come included; None where all will be measured anew, so that what was seen
            is a sample however many there are.
        error: Chance of dropping the best that may be spent in this look, over all rivals, in (0, 0.5].
        ties: What decides who leads of those with equal means.

    Raises:
        ValueError: If ``error`` is out of range, or more problems were seen than there are.
    """
    if not 0 < error <= 0.5:
        raise ValueError(f"need 0 < error <= 0.5, got {error}")
    if population is not None and (most := max(map(len, values.values()), default=0)) > population:
        raise ValueError(f"need at most population={population} problems, got {most}")
    dropped: dict[str, Lead] = {}
    if len(values) < 2:
        return dropped
    leader = ranked(values, ties)[0]
    for name, mine in values.items():
        leads = [value - mine[problem] for problem, value in values[leader].items() if problem in mine]
        if name == leader or len(leads) < FEWEST_PROBLEMS:
            continue
        m = len(leads)
        t = t_quantile(1 - 2 * error / (len(values) - 1), degrees=m - 1)
        unseen = 1.0 if population is None else 1 - m / population
        at_least = fmean(leads) - t * stdev(leads) * sqrt(unseen / m)
        if at_least > 0:
            dropped[name] = Lead(leader, fmean(leads), at_least)
    return dropped


def worse_part(values: Values, *, keep: float, ties: Values | None = None) -> list[str]:
    """Return those outside the best ``keep`` of all (at least two stay), the worst last; none by too few problems."""
    if not 0 < keep <= 1:
        raise ValueError(f"need 0 < keep <= 1, got {keep}")
    if min(map(len, values.values()), default=0) < FEWEST_PROBLEMS:
        return []
    return ranked(values, ties)[max(2, ceil(keep * len(values))) :]


def ranked(values: Values, ties: Values | None = None) -> list[str]:
    """Return the candidates by their mean, best first, then by that of ``ties``, then as listed; without values last.

    >>> ranked({"a": {"p": 1.0}, "b": {"p": 1.0}}, ties={"a": {"p": 0.2}, "b": {"p": 0.6}})
    ['b', 'a']
    """
    means = [{name: fmean(own.values()) for name, own in each.items() if own} for each in (values, ties or {})]
    return sorted(values, key=lambda name: [-each.get(name, float("-inf")) for each in means])
