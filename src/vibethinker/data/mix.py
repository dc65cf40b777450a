"""Prompts of several sets as one: each question once, and domains in given shares."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vibethinker.data.splits import question_hash
from vibethinker.errors import InputError
from vibethinker.records import Problem

# What a quotient of floats may fall short of the whole number that it stands for.
_ROUNDING = 1e-9


def distinct_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return the first problem of every question, in the order given, each under an id of its own.

    Where a file's ids are those of several questions, these are known by a hash of the question instead.
    """
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(question_hash(problem.question), problem)
    taken = Counter(problem.id for problem in first.values())
    return [problem if taken[problem.id] == 1 else replace(problem, id=key) for key, problem in first.items()]


def only_domains(problems: Sequence[Problem], shares: Mapping[str, float]) -> list[Problem]:
    """Return the problems of the domains that ``shares`` names, in the order given.

    Raises:
        InputError: If a named domain has no problem.
    """
    there = {problem.domain for problem in problems}
    if missing := sorted(set(shares) - there):
        raise InputError(
            f"mix names {', '.join(missing)}, of which there is no prompt: the domains are {', '.join(sorted(there))}"
        )
    return [problem for problem in problems if problem.domain in shares]


def mix_domains(
    problems: Sequence[Problem], shares: Mapping[str, float], *, at_most: int | None = None
) -> list[Problem]:
    """Return as many problems as the shares allow, the first of each domain, in the order given.

    In all they are the largest number n, at most ``at_most``, of which no domain's share is more than it has. Each
    domain gives its share of n, rounded up or down to a whole number. Domains that ``shares`` does not name are left
    out.

    Args:
        problems: Where they are taken from.
        shares: Share by domain, above 0; they need not sum to 1.
        at_most: Largest number in all; None for no limit.

    Raises:
        InputError: If a named domain has no problem.
    """
    there = Counter(problem.domain for problem in problems)
    if missing := sorted(set(shares) - set(there)):
        left = ", ".join(f"{domain} ({count})" for domain, count in sorted(there.items()))
        raise InputError(f"mix names {', '.join(missing)}, of which no prompt is left; left are: {left or 'none'}")
    whole = sum(shares.values())
    parts = {domain: share / whole for domain, share in shares.items()}
    # The domain that runs out first decides how many there are in all.
    total = int(min(there[domain] / part for domain, part in parts.items()) + _ROUNDING)
    total = total if at_most is None else min(total, at_most)
    wanted = {domain: int(total * part) for domain, part in parts.items()}
    # What rounding down leaves goes to those that lost most by it.
    losses = sorted(parts, key=lambda domain: total * parts[domain] - wanted[domain], reverse=True)
    for domain in losses[: total - sum(wanted.values())]:
        wanted[domain] += 1
    kept = []
    for problem in problems:
        if wanted.get(problem.domain, 0) > 0:
            wanted[problem.domain] -= 1
            kept.append(problem)
    return kept
