r"""Patterns of the answer notation: numbers in every spelling, and typesetting that carries nothing."""

import re

# Between groups of three digits: a comma (followed by a negative space at will), a braced comma, a thin space.
GROUP_MARK = r"(?:,\\!\s?|\{,\}\s?|\\[,;: ]\s?|~)"
PLAIN_GROUP_MARK = r"(?:,\\!\s?|\{,\}\s?|\\[,;: ]\s?|~|[, ])"
# Where the comma is drawn close, groups of two digits are meant too, as in India.
GROUPED = r"[0-9]{{1,3}}(?:(?:{mark}[0-9]{{3}})+|(?:,\\![0-9]{{2,3}})+)(?![0-9])"
NUMBER = r"(?P<whole>{grouped}|[0-9]+)?(?:(?:\.|(?<=[0-9])\{{,\}})(?P<decimals>[0-9]+)|(?<=[0-9])\.(?![.0-9]))?"
REPEATING = re.compile(
    r"(?P<fixed>[0-9]*)(?:\\(?:overline|bar)\s*\{(?P<bar>[0-9]+)\}|\((?P<bracket>[0-9]+)\)"
    r"|\\dot\s*\{?(?P<first>[0-9])\}?(?P<between>[0-9]*)(?:\\dot\s*\{?(?P<last>[0-9])\}?)?)"
)
POINT = re.compile(r"(?P<whole>[0-9]*)\.(?=[0-9]*(?:\\(?:overline|bar|dot)\b|\([0-9]))")
DOTTED = re.compile(
    r"(?P<whole>[0-9]*)\.(?P<fixed>[0-9]*?)(?P<period>[0-9]{1,6}?)(?P=period){2,}(?:\.\.\.|\\l?dots|\\cdots)"
)
EXPONENT = re.compile(r"[eE](?P<exponent>[+-]?[0-9]+)(?!\.?[0-9A-Za-z])")
NUMBERS = {
    plain: re.compile(NUMBER.format(grouped=GROUPED.format(mark=PLAIN_GROUP_MARK if plain else GROUP_MARK)))
    for plain in (True, False)
}
PRIMES = re.compile(r"\^\s*\{?\s*((?:\\prime\s*)+)\}?")
DOUBLED_BACKSLASH = re.compile(r"\\\\(?=[A-Za-z])")
UPRIGHT_EXPONENT = re.compile(r"(?<=[0-9])\s*\\(?:mathrm|text)\{[Ee]\}(?=\s*[-+]?[0-9])")
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
ANSWER_IS = re.compile(r"(?:the )?(?:final )?answer(?: is)?:?", re.IGNORECASE)
DROPPED = re.compile(
    r"\\(?:(?:text)?color\s*\{[^{}]*\}|[hv]?phantom\s*\{[^{}]*\}|hspace\*?\s*\{[^{}]*\}|underline(?=\s*\{))"
)
GLUED_WORD = re.compile(r"(or|and)(?=[A-Z])")
# Digits of a number in a base that are typeset as text.
TYPESET_DIGITS = re.compile(r"\\(?:text|mathrm|textrm)\s*\{([0-9A-Z]+)\}(?=[0-9A-Z]*_\{?[0-9])")
BRACED_SIGN = re.compile(r"\{([:=<>])\}")
# The digits of a number in a base above ten, told by its subscript.
HIGH_DIGITS = re.compile(
    r"(?:[0-9]+[A-Z][0-9A-Z]*|[A-Z]+[0-9][0-9A-Z]*|[A-F]{2,})(?=_\{?(?:1[1-9]|2[0-9]|3[0-6])(?![0-9]))"
)
ROW_GAP = re.compile(r"\[-?[0-9.]+\s*(?:pt|em|ex|mm|cm)\]")
# What a text command holds is no mere words where it has signs, or no letters at all.
MATHEMATICAL = re.compile(r"[0-9\\$=^²³]|\A[^A-Za-z]*\Z")
LETTER_LIST = re.compile(r"\(?[A-Za-z]\)?(?:\s*(?:,|and|or|,\s*and)\s*\(?[A-Za-z]\)?)+")
COMMAND = re.compile(r"\\([A-Za-z]+)\*?|\\(.)", re.DOTALL)
LETTERS = re.compile(r"[A-Za-z]+")
SIGNS = re.compile(r"\*\*|<=|>=|!=|==|->|=>|\.\.\.|[-+*/^_!',;:|=<>()\[\]{}&%]")
SAME_SIGN = {"**": "^", "==": "=", "...": "dots", "!=": "!="}
NEGATIONS = {"=": "!=", "in": "notin", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
GLUED = ("qquad", "quad", "cdot", "times", "pm", "leq", "geq", "neq", "cup", "cap")
