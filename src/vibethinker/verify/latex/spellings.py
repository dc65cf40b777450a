r"""Tables of the answer notation: Unicode signs, LaTeX commands, functions, and words that are signs."""

_SUPERSCRIPTS = {
    **{
        chr(code): digit
        for code, digit in zip((0x2070, 0xB9, 0xB2, 0xB3, *range(0x2074, 0x207A)), "0123456789", strict=True)
    },
    "⁻": "-",
    "ⁿ": "n",
}
_SUBSCRIPTS = {chr(0x2080 + digit): str(digit) for digit in range(10)}
_FULL_WIDTH = {chr(0xFF01 + offset): chr(0x21 + offset) for offset in range(94)}
_INVISIBLE = dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", "")

UNICODE = str.maketrans(
    {
        **_FULL_WIDTH,
        **_INVISIBLE,
        **{sign: f"^{{{digit}}}" for sign, digit in _SUPERSCRIPTS.items()},
        **{sign: f"_{{{digit}}}" for sign, digit in _SUBSCRIPTS.items()},
        "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-",
        "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "∗": "*", "÷": r"\div ",
        "√": r"\sqrt ", "∛": r"\sqrt[3]", "π": r"\pi ", "∞": r"\infty ", "≤": "<=", "⩽": "<=", "≥": ">=", "⩾": ">=",
        "≠": "!=", "≈": r"\approx ", "≅": r"\cong ", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "∈": r"\in ", "∉": r"\notin ",
        "∅": r"\emptyset ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
        "°": r"^\circ ", "º": r"^\circ ", "±": r"\pm ", "∓": r"\mp ", "′": "'", "’": "'", "″": "''", "…": r"\ldots ", "⋯": r"\cdots ",
        "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}",
        "⟨": r"\langle ", "⟩": r"\rangle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
        "€": r"\text{€}", "£": r"\text{£}", "¢": r"\text{¢}", "℃": r"^\circ\text{C}", "∠": r"\angle ", "△": r"\triangle ",
        "，": ",", "、": ",", "；": ";", "：": ":", "。": ".", "≡": r"\equiv ", "→": r"\to ", "∣": "|", "⁄": "/", "∕": "/", "∶": ":",
        **{letter: f"\\{name} " for letter, name in zip("αβγδεθλμνρστφχψωΔΓΘΛΣΦΨΩ",
            "alpha beta gamma delta epsilon theta lambda mu nu rho sigma tau phi chi psi omega "
            "Delta Gamma Theta Lambda Sigma Phi Psi Omega".split(), strict=True)},
    }
)  # fmt: skip
"""One LaTeX spelling for every Unicode sign."""

SPACES = frozenset([" ", "\n", "\t"]).union(
    ", ; : ! / > ( ) [ ] quad qquad thinspace enspace enskip space nobreak left right middle big Big bigg Bigg bigl bigr Bigl Bigr "
    "biggl biggr Biggl Biggr displaystyle textstyle scriptstyle limits nolimits nonumber hfill mathstrut "
    "large Large LARGE huge small normalsize bf rm it cal boldmath".split()
)
"""Commands that only space or size."""

TEXT_COMMANDS = frozenset(
    "text textbf textit textrm textsf textnormal texttt textup mbox hbox mathrm mathbf mathit mathsf mathtt mathbb mathcal "
    "operatorname boldsymbol bm emph vec hat overrightarrow overline bar widehat tilde underline underset overset".split()
)
"""Commands whose argument is words, or a letter in a certain type."""

_FUNCTION_NAMES = (
    "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc "
    "arcsinh arccosh arctanh log ln exp gcd lcm max min"
)
FUNCTIONS = {
    **{name: name for name in _FUNCTION_NAMES.split()},
    **{f"a{name}": f"arc{name}" for name in "sin cos tan sinh cosh tanh".split()},
    "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh", "lg": "lg", "cosec": "csc", "tg": "tan", "ctg": "cot", "arctg": "arctan",
    "sgn": "sgn", "cis": "cis",
}  # fmt: skip
"""Known functions by every spelling."""

LETTERS_WITH_MEANING = frozenset({"max", "min", "lg", "tg"})
"""Function names that are more often something else where they stand without a backslash."""

GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma tau upsilon phi "
    "varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega Pi ell hbar partial".split()
) - {"partial"}
"""Letters by command; pi is a constant."""

WORD_SIGNS = {
    "and": "and", "or": "or", ",": ",", ";": ";", "in": "in", "percent": "%", "per cent": "%", "pct": "%", "percentage": "%", ", and": "and", ", or": "or", "and/or": "or",
    "degrees": "deg", "degree": "deg", "deg": "deg", "mod": "mod", "to": ":",
}  # fmt: skip
"""Words that are signs."""

_SIGNS = {
    "*": "cdot times ast bullet", "/": "div", ":": "colon", "pm": "pm", "mp": "mp", "'": "prime", "%": "%", "_": "_", "deg": "circ degree",
    "<": "lt", ">": "gt", "<=": "le leq leqslant leqq", ">=": "ge geq geqslant geqq", "!=": "ne neq", "=": "cong",
    "approx": "approx simeq doteq approxeq", "in": "in", "notin": "notin", "to": "to", "equiv": "equiv",
    "and": "land wedge &", "or": "lor vee", "dots": "ldots dots cdots dotsc dotsb vdots ddots", "newline": "\\ newline",
    "cup": "cup bigcup", "cap": "cap", "setminus": "setminus backslash", "|": "mid vert lvert rvert | Vert lVert rVert",
    r"\{": "{ lbrace", r"\}": "} rbrace", "[": "lbrack", "]": "rbrack", "langle": "langle", "rangle": "rangle",
    "lfloor": "lfloor", "rfloor": "rfloor", "lceil": "lceil", "rceil": "rceil",
}  # fmt: skip
_WITH_ARGUMENTS = {
    "frac": "frac dfrac tfrac cfrac nicefrac sfrac flatfrac", "binom": "binom dbinom tbinom", "sqrt": "sqrt", "begin": "begin", "end": "end",
    "sum": "sum", "prod": "prod", "pmod": "pmod mod", "bmod": "bmod", "choose": "choose", "over": "over", "angle": "angle measuredangle triangle",
}  # fmt: skip
_NAMES = {
    "const": {"pi": "pi", "infinity": "infty", "i": "imath"},
    "var": {"T": "top intercal", "partial": "partial", "star": "star", "square": "square"},
    "func": {"Re": "Re", "Im": "Im"},
    "numbers": {"empty": "emptyset varnothing"},
    "text": {"$": "$"},
}

COMMANDS = {
    name: (kind, value)
    for kind, table in {"sign": _SIGNS, "cmd": _WITH_ARGUMENTS, **_NAMES}.items()
    for value, names in table.items()
    for name in names.split()
}
"""Commands with a meaning of their own: kind and value of their token."""
