"""The problem families, by domain.

Algebra, geometry, calculus and statistics are the domains of VibeThinker-1.5B, section 3.3. Code, whose answers are
programs and which is verified by running them, and STEM, half of whose questions are choices (VibeThinker-3B, section
2.2.1), stand apart: they are drawn from only where they are asked for.
"""

from vibethinker.data.families import algebra, calculus, code, geometry, statistics, stem
from vibethinker.data.families.draft import LEVELS, Draft, Family

FAMILIES: tuple[Family, ...] = algebra.FAMILIES + geometry.FAMILIES + calculus.FAMILIES + statistics.FAMILIES
DOMAINS: tuple[str, ...] = ("algebra", "geometry", "calculus", "statistics")

CODE_FAMILIES: tuple[Family, ...] = code.FAMILIES
CODE_DOMAINS: tuple[str, ...] = ("code",)

STEM_FAMILIES: tuple[Family, ...] = stem.FAMILIES
STEM_DOMAINS: tuple[str, ...] = ("stem",)

__all__ = [
    "CODE_DOMAINS",
    "CODE_FAMILIES",
    "DOMAINS",
    "FAMILIES",
    "LEVELS",
    "STEM_DOMAINS",
    "STEM_FAMILIES",
    "Draft",
    "Family",
]
