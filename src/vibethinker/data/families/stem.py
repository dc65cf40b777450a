"""STEM: physics, chemistry, nature and computing, as exact answers and as choices.

Source: VibeThinker-3B, section 2.2.1, trains on STEM questions with answer match and option check; the questions are
ours. Half of them ask for an exact answer and are judged as mathematics, half are choices (``stem_choices``). All units
stand in the question, every constant that is needed too, and the arithmetic is that of the other domains.
"""

from vibethinker.data.families import stem_chemistry, stem_computing, stem_nature, stem_physics
from vibethinker.data.families.draft import Family

FAMILIES = tuple(
    Family(draw.__name__, "stem", draw)
    for draw in stem_physics.DRAWS + stem_chemistry.DRAWS + stem_nature.DRAWS + stem_computing.DRAWS
)
