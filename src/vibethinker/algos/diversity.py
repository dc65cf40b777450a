"""How many different things a number of draws shows: the spectrum's breadth, beside how often it is right.

Source: Hurlbert 1971, "The Nonconcept of Species Diversity", Ecology 52(4), equation 6 (rarefaction). Ours: kinds are
answers or solutions, draws are responses to one problem.

    E[kinds among m draws] = sum_i [ 1 - C(n - n_i, m) / C(n, m) ]          n draws in all, n_i of them of kind i

Numbers of kinds among different numbers of draws cannot be compared; these can. Each term is the pass@m of
a problem that only kind i solves.
"""

from collections.abc import Iterable

from vibethinker.algos.pass_at_k import pass_at_k


def expected_distinct(counts: Iterable[int], *, draws: int) -> float:
    """Return how many kinds ``draws`` of the draws counted hold on average, in [1, draws].

    Args:
        counts: Draws of each kind, each at least 1.
        draws: 1 to the sum of the counts.

    Raises:
        ValueError: If a count is not positive, or there are fewer draws than asked for.

    >>> expected_distinct([2, 2], draws=4), expected_distinct([4], draws=2)
    (2.0, 1.0)
    >>> round(expected_distinct([2, 2], draws=2), 4)
    1.6667
    """
    kinds = list(counts)
    if any(count < 1 for count in kinds):
        raise ValueError(f"every kind must have been drawn, got counts {kinds}")
    total = sum(kinds)
    return sum(pass_at_k(total, count, k=draws) for count in kinds) if kinds else pass_at_k(total, 0, k=draws)
