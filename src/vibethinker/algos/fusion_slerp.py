"""SLERP: from one model to another along the arc between their directions instead of the straight line.

Source: Shoemake 1985, "Animating Rotation with Quaternion Curves", section 3.3, on whole tensors as is customary when
models are fused. With omega the angle between A and B:

    M = sin((1 - t) omega) / sin(omega) * A + sin(t omega) / sin(omega) * B

The angle is that of the directions; A and B keep their lengths, as models of the same length are what it is meant for.
"""

from collections.abc import Sequence
from math import acos, fsum, isfinite, pi, sin, sqrt

PARALLEL = 1e-4
"""Radians from 0 or pi within which the straight line is taken. Ours: arc and line differ there by at most omega^2 / 8,
about 1e-9 of the length, less than one rounding of a float32; nearer to pi the arc's plane is left to rounding."""


def slerp_factors(dot: float, square_a: float, square_b: float, t: float) -> tuple[float, float]:
    """Return the factors of A and B from their inner product and squared lengths.

    They are 1 - t and t, the straight line's, where one of the two is 0 or their directions are ``PARALLEL``.

    Raises:
        ValueError: If ``t`` lies outside [0, 1].

    >>> slerp_factors(0.0, 1.0, 1.0, 0.0)
    (1.0, 0.0)
    >>> slerp_factors(2.0, 1.0, 4.0, 0.25)
    (0.75, 0.25)
    """
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie in [0, 1], got {t}")
    length = sqrt(square_a) * sqrt(square_b)
    if length == 0:
        return 1 - t, t
    # Rounding can put the cosine beyond 1.
    omega = acos(max(-1.0, min(1.0, dot / length)))
    if not PARALLEL < omega < pi - PARALLEL:
        return 1 - t, t
    return sin((1 - t) * omega) / sin(omega), sin(t * omega) / sin(omega)


def slerp(a: Sequence[float], b: Sequence[float], t: float) -> list[float]:
    """Return the point at ``t`` in [0, 1] on the arc from A to B.

    Raises:
        ValueError: If lengths differ, a number is not finite, or ``t`` is out of range.

    >>> [round(number, 4) for number in slerp([1.0, 0.0], [0.0, 1.0], 0.5)]
    [0.7071, 0.7071]
    """
    if len(a) != len(b) or not all(map(isfinite, (*a, *b))):
        raise ValueError(f"need two models of one length and finite numbers, got lengths {len(a)} and {len(b)}")
    dot, square_a, square_b = (fsum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((a, b), (a, a), (b, b)))
    factor_a, factor_b = slerp_factors(dot, square_a, square_b, t)
    return [factor_a * x + factor_b * y for x, y in zip(a, b, strict=True)]
