"""pass@k: the chance that at least one of k responses to a problem is right.

Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", arXiv 2107.03374, section 2.1, equation 1.
VibeThinker-1.5B (arXiv 2511.06221), section 3.3, chooses checkpoints by it.

    pass@k = E over problems [ 1 - C(n - c, k) / C(n, k) ]

with n responses drawn per problem, c of them right. C(n - c, k) of the C(n, k) ways to take k of the n responses hold
no right one. The estimate is unbiased; 1 - (1 - c/n)^k is not.
"""

from collections.abc import Sequence
from math import comb
from statistics import fmean


def pass_at_k(n: int, c: int, *, k: int) -> float:
    """Return the unbiased estimate of one problem's pass@k, in [0, 1].

    Computed in whole numbers and rounded once, so that pass@1 is exactly ``c / n``.

    Args:
        n: Responses drawn.
        c: How many of them are right, 0 to ``n``.
        k: Responses of which one must be right, 1 to ``n``.

    Raises:
        ValueError: If ``k`` or ``c`` is out of range; more than n responses cannot be taken from n.

    >>> pass_at_k(4, 1, k=2)
    0.5
    >>> pass_at_k(16, 0, k=8), pass_at_k(16, 9, k=8)
    (0.0, 1.0)
    """
    if not 1 <= k <= n:
        raise ValueError(f"need 1 <= k <= n, got k={k}, n={n}: draw more samples or lower k")
    if not 0 <= c <= n:
        raise ValueError(f"need 0 <= c <= n, got c={c}, n={n}: c counts the right ones among n samples")
    subsets = comb(n, k)
    return (subsets - comb(n - c, k)) / subsets


def mean_pass_at_k(counts: Sequence[tuple[int, int]], *, k: int) -> float:
    """Return the mean of pass@k over problems, in [0, 1].

    Args:
        counts: ``(n, c)`` of each problem: responses drawn and right ones. n may differ between problems.
        k: Responses of which one must be right, at most the smallest n.

    Raises:
        ValueError: If there are no problems, or a count is out of range.

    >>> mean_pass_at_k([(4, 1), (4, 4)], k=2)
    0.75
    """
    if not counts:
        raise ValueError("need at least one problem, got none: a mean over nothing is undefined")
    return fmean(pass_at_k(n, c, k=k) for n, c in counts)
