"""Code: small functions whose constants have to be worked out from a description or from examples.

A program is one function ``f`` of one argument, without imports. Its shape is set by the question's wording; what can
go wrong is its constants, which take arithmetic of one step a line, as in the other domains. Every problem comes with
calls that tell the program from its neighbours: constants off by one, wrong signs, bounds left out. The calls depend
on the question alone. What they are to return is computed as the question says it, not with the program's constants,
so that a wrong calculation here would show as a program that fails its own tests.
"""

from vibethinker.data.families import code_lists, code_numbers, code_parsing, code_strings
from vibethinker.data.families.draft import Family

FAMILIES = tuple(
    Family(draw.__name__, "code", draw)
    for draw in code_numbers.DRAWS + code_strings.DRAWS + code_lists.DRAWS + code_parsing.DRAWS
)
