"""Pass@K from as few responses as decide it: a problem that was solved often enough gets no more of them.

Source of the estimator: Girshick, Mosteller and Savage 1946, "Unbiased Estimates for Certain Binomial Sampling Problems
with Applications", Annals of Mathematical Statistics 17(1), section 3. The looks and when to stop are ours.

A problem is looked at after n_1 < n_2 < ... < n_max responses, and left at the first look with ``enough`` right ones.
All sequences of right and wrong that end at the same count (n, c) are equally likely, so that

    pass@k = 1 - W / A      A: sequences that end there;  W: those of them that begin with k wrong ones

is unbiased however small p is: P(first k wrong) = (1 - p)^k is what W / A estimates, and no sequence of fewer than
``enough`` right ones stops before n_max >= k. With a single look it is Chen et al.'s estimator (``pass_at_k``):
W / A = C(n - k, c) / C(n, c) = C(n - c, k) / C(n, k).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, comb

_LEAST_K = 4


@dataclass(frozen=True)
class Plan:
    """After how many responses a problem is looked at, the last number being the most it gets; and when it is left."""

    looks: tuple[int, ...]
    enough: int


def plan(k: int, samples: int) -> Plan:
    """Return the plan that stands for ``samples`` responses of every problem: half as many again where it is hard.

    Looks are after a quarter and a half of ``samples``, few because every look is a wave of its own. Three quarters of
    the first look's responses being right is enough, but never less than samples / k: chosen on recorded outcomes,
    where fewer choose wrongly more often than ``samples`` of every problem do. Below k = 4 there is little to spare.

    Raises:
        ValueError: Unless 1 <= k <= samples.

    >>> plan(8, 16), plan(4, 8)
    (Plan(looks=(4, 8, 24), enough=3), Plan(looks=(2, 4, 12), enough=2))
    """
    if not 1 <= k <= samples:
        raise ValueError(f"need 1 <= k <= samples, got k={k}, samples={samples}: draw more samples or lower k")
    if k < _LEAST_K:
        return Plan((samples,), samples + 1)
    first = ceil(samples / 4)
    return Plan((first, 2 * first, ceil(1.5 * samples)), max(ceil(0.75 * first), ceil(samples / k)))


def curtailed_pass_at_k(counts: Sequence[tuple[int, int]], *, k: int, enough: int) -> float:
    """Return the unbiased estimate of a problem's pass@k, in [0, 1].

    Args:
        counts: ``(judged, right)`` at every look made, in order. Where all looks were made, ``judged`` must have
            reached k. Responses that could not be judged are in neither number.
        k: Responses of which one must be right.
        enough: Right ones at which a look ends the problem.

    Raises:
        ValueError: If the counts are no such sequence, or too few to say anything of k responses.

    >>> curtailed_pass_at_k([(2, 0), (4, 2)], k=8, enough=2)
    1.0
    """
    _check_counts(counts, k, enough)
    judged, right = counts[-1]
    if right < enough and judged < k:
        raise ValueError(f"need at least k={k} judged responses of a problem that is not decided, got {judged}")
    everything = _sequences(counts, begun=0, enough=enough)
    # A sequence that begins with k wrong ones is past every look before k: nothing was right by then.
    wrong_first = _sequences(counts, begun=k, enough=enough) if judged >= k else 0
    return (everything - wrong_first) / everything


def _sequences(counts: Sequence[tuple[int, int]], *, begun: int, enough: int) -> int:
    """Return how many sequences, after ``begun`` wrong ones, end where the last look did and stop at none before."""
    ways, length = {0: 1}, begun
    for number, (judged, _) in enumerate(counts):
        if judged < length:
            continue
        drawn, length = judged - length, judged
        grown: dict[int, int] = {}
        for right, count in ways.items():
            for more in range(drawn + 1):
                grown[right + more] = grown.get(right + more, 0) + count * comb(drawn, more)
        last = number == len(counts) - 1
        ways = {right: count for right, count in grown.items() if last or right < enough}
    return ways.get(counts[-1][1], 0)


def _check_counts(counts: Sequence[tuple[int, int]], k: int, enough: int) -> None:
    if k < 1 or enough < 1 or not counts:
        raise ValueError(f"need k >= 1, enough >= 1 and a look, got k={k}, enough={enough}, {len(counts)} looks")
    steps = zip([(0, 0), *counts], counts, strict=False)
    if not all(0 <= c1 - c0 <= n1 - n0 for (n0, c0), (n1, c1) in steps):
        raise ValueError(f"need judged and right to grow from look to look, right by no more, got {list(counts)}")
    if any(right >= enough for _, right in counts[:-1]):
        raise ValueError(f"a look with enough={enough} right ones is the last, got {list(counts)}")
