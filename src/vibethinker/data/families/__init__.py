"""The problem families, by domain.

Algebra, geometry, calculus and statistics are the domains of VibeThinker-1.5B, section 3.3; code, whose answers are
programs and which is verified by running them, stands apart: it is drawn from only where it is asked for.
"""

from vibethinker.data.families import algebra, calculus, code, geometry, statistics
from vibethinker.data.families.draft import LEVELS, Draft, Family

FAMILIES: tuple[Family, ...] = algebra.FAMILIES + geometry.FAMILIES + calculus.FAMILIES + statistics.FAMILIES
DOMAINS: tuple[str, ...] = ("algebra", "geometry", "calculus", "statistics")

CODE_FAMILIES: tuple[Family, ...] = code.FAMILIES
CODE_DOMAINS: tuple[str, ...] = ("code",)

__all__ = ["CODE_DOMAINS", "CODE_FAMILIES", "DOMAINS", "FAMILIES", "LEVELS", "Draft", "Family"]
