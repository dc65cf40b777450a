"""Seeds: a generator of its own for every stage, run and step, all from the recipe's one seed.

Source: ours. Adding numbers to a seed makes the streams of neighbouring seeds collide (seed 1, step 2 and seed 2,
step 1). A cryptographic hash does not, and is the same on every machine and in every process, unlike ``hash``.

    seed' = first 63 bits of SHA-256(JSON of [seed, label, label, ...])
"""

import hashlib
import json

BITS = 63
"""The widest that fits a signed 64-bit integer, which is what tensor libraries take."""


def derive_seed(seed: int, *labels: str | int) -> int:
    """Return the seed of what the labels name, in [0, 2**63).

    Every label and their order matter; ``1`` and ``"1"`` are different labels, and so are ``"ab"`` and ``"a", "b"``.

    >>> derive_seed(7, "signal", 31) == derive_seed(7, "signal", 31)
    True
    >>> derive_seed(7, "signal", 31) == derive_seed(7, "signal", 32)
    False
    """
    digest = hashlib.sha256(json.dumps([seed, *labels]).encode()).digest()
    return int.from_bytes(digest, "big") >> (8 * len(digest) - BITS)
