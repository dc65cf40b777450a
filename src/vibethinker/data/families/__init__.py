"""The problem families, by domain: algebra, geometry, calculus and statistics (VibeThinker-1.5B, section 3.3)."""

from vibethinker.data.families import algebra, calculus, geometry, statistics
from vibethinker.data.families.draft import LEVELS, Draft, Family

FAMILIES: tuple[Family, ...] = algebra.FAMILIES + geometry.FAMILIES + calculus.FAMILIES + statistics.FAMILIES
DOMAINS: tuple[str, ...] = ("algebra", "geometry", "calculus", "statistics")

__all__ = ["DOMAINS", "FAMILIES", "LEVELS", "Draft", "Family"]
