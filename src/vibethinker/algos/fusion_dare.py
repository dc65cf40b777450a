"""DARE: most of the differences to the base are dropped at random, and the rest grows so that their sum is expected.

Source: Yu et al. 2024, "Language Models are Super Mario", arXiv 2311.03099, section 3.2, followed by task arithmetic
(section 3.3). With d_i = M_i - B and independent m in {0, 1}, P(m = 0) = ``drop``:

    M = B + scale * sum_i w_i m_i d_i / (1 - drop),  whose expectation is task arithmetic's M

What is dropped comes in as a mask, so that this is a formula without chance.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from math import isfinite

from vibethinker.algos.fusion import check_weights


def dare(
    base: Sequence[float],
    values: Sequence[Sequence[float]],
    weights: Sequence[float],
    kept: Sequence[Sequence[bool]],
    *,
    drop: float,
    scale: float,
) -> list[float]:
    """Return the base plus the scaled sum of the kept differences; exact before it is rounded.

    Args:
        base: The model that the others were trained from.
        values: The models, all as long as ``base``.
        weights: One per model, as ``check_weights`` wants them.
        kept: Of each model, which differences stay; shaped as ``values``.
        drop: Probability with which one does not, in [0, 1).
        scale: Of the summed differences; finite.

    Raises:
        ValueError: If shapes differ, a weight, ``drop`` or the scale is out of range, or a number is not finite.

    >>> dare([1.0, 1.0], [[2.0, 3.0]], [1.0], [[True, False]], drop=0.5, scale=1.0)
    [3.0, 1.0]
    """
    check_weights(weights)
    if not 0 <= drop < 1:
        raise ValueError(f"drop must lie in [0, 1), got {drop}")
    lengths = [len(row) for row in (*values, *kept)]
    if len(values) != len(weights) or len(kept) != len(weights) or any(length != len(base) for length in lengths):
        raise ValueError(f"need {len(weights)} models and masks of the base's length {len(base)}, got {lengths}")
    if not all(map(isfinite, chain([scale], base, *values))):
        raise ValueError("models and scale must be finite numbers")
    factors = [Fraction(scale) * Fraction(weight) / (1 - Fraction(drop)) for weight in weights]
    return [
        float(
            Fraction(b)
            + sum(
                factor * (Fraction(model[place]) - Fraction(b))
                for factor, model, mask in zip(factors, values, kept, strict=True)
                if mask[place]
            )
        )
        for place, b in enumerate(base)
    ]
