"""Prompts in given shares of their domains."""

from collections.abc import Mapping, Sequence

from vibethinker.errors import InputError
from vibethinker.records import Problem


def mix_domains(problems: Sequence[Problem], shares: Mapping[str, float]) -> list[Problem]:
    """Return as many problems as the shares allow, the first of each domain, in the order given.

    Domains that ``shares`` does not name are left out.

    Raises:
        InputError: If a named domain has no problem.
    """
    there: dict[str, int] = {}
    for problem in problems:
        there[problem.domain] = there.get(problem.domain, 0) + 1
    if missing := sorted(set(shares) - set(there)):
        raise InputError(
            f"mix names {', '.join(missing)}, of which there is no prompt: the domains are {', '.join(sorted(there))}"
        )
    # The domain that runs out first decides how many there are in all.
    total = min(there[domain] / share for domain, share in shares.items())
    left = {domain: int(total * share + 1e-9) for domain, share in shares.items()}
    kept = []
    for problem in problems:
        if left.get(problem.domain, 0) > 0:
            left[problem.domain] -= 1
            kept.append(problem)
    return kept
