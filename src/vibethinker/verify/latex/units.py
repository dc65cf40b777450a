"""Units of measurement as they stand in answers: which texts mean the same one; nothing is converted."""

import re

_NAMES = {
    "in": "inch inches",
    "ft": "foot feet",
    "yd": "yard",
    "mi": "mile",
    "lb": "pound lbs",
    "oz": "ounce",
    "ton": "",
    "t": "tonne",
    "min": "minute mins",
    "h": "hour hr hrs",
    "day": "",
    "week": "",
    "month": "",
    "year": "yr",
    "gal": "gallon",
    "qt": "quart",
    "pt": "pint",
    "cup": "",
    "tbsp": "tablespoon",
    "tsp": "teaspoon",
    "acre": "",
    "ha": "hectare",
    "atm": "atmosphere",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "K": "kelvin",
    "rad": "radian",
    "°": "degree deg",
    "°C": "celsius",
    "°F": "fahrenheit",
    "$": "dollar USD",
    "¢": "cent",
    "€": "euro EUR",
    "£": "GBP",
    "yuan": "RMB",
    "rupee": "",
    "bit": "",
    "byte": "",
    "dozen": "",
}
_SI_UNITS = {
    "m": "meter metre", "g": "gram", "s": "second sec", "A": "ampere amp", "V": "volt", "W": "watt", "J": "joule",
    "N": "newton", "Hz": "hertz", "Pa": "pascal", "eV": "electronvolt", "mol": "mole", "M": "molar",
    "L": "liter litre l", "Ω": "ohm", "C": "coulomb", "F": "farad", "T": "tesla", "Wb": "weber", "H": "henry",
    "B": "", "bar": "", "Bq": "becquerel", "lm": "lumen",
}  # fmt: skip
_SI_PREFIXES = {
    "": "", "k": "kilo", "c": "centi", "d": "deci", "m": "milli", "M": "mega", "G": "giga", "T": "tera",
    "μ": "micro", "n": "nano", "p": "pico",
}  # fmt: skip
for _unit, _names in _SI_UNITS.items():
    for _prefix, _prefix_name in _SI_PREFIXES.items():
        _spellings = [_prefix_name + name if len(name) > 3 else _prefix + name for name in _names.split()]
        _NAMES.setdefault(_prefix + _unit, " ".join(_spellings))
# Symbols that need no upright type to be told from a product of variables, as GM does.
_BARE_SYMBOLS = frozenset(
    "mm cm dm km mg kg ft yd mi lb lbs oz ml mL ms min hr hrs sec day gal cal kcal kW kJ kPa".split()
)
_COMPOUNDS = {
    "mph": {"mi": 1, "h": -1},
    "kmh": {"km": 1, "h": -1},
    "kph": {"km": 1, "h": -1},
    "fps": {"ft": 1, "s": -1},
}
_SYMBOLS = {
    spelling: symbol
    for symbol, names in _NAMES.items()
    for spelling in (symbol, *names.split(), *(f"{name}s" for name in (symbol, *names.split()) if len(name) > 2))
}
# Words that count things, say what a number is, or join units: no unit of their own.
_PLAIN_WORDS = frozenset(
    "unit units square cubic sq cubed squared per of way ways people student students point points percent "
    "apple apples coin coins time times degrees ball balls integer integers solution solutions digit digits "
    "number numbers side sides triangle triangles square squares book books page pages person child children "
    "men women boys girls cats dogs cards marbles games cookies pieces total".split()
)
_WORD = re.compile(r"[A-Za-z°$¢€£Ωμ]+|\^-?[0-9]+|/|[²³]")


def is_unit_word(word: str) -> bool:
    """Tell whether a bare word beside a number is a unit's name, or one that only says what is counted."""
    lowered = word.lower()
    known = word in _BARE_SYMBOLS or (len(word) > 3 and _symbol(word) is not None)
    return known or lowered in _COMPOUNDS or lowered in _PLAIN_WORDS


def is_symbol(text: str) -> bool:
    """Tell whether the text is the name or symbol of a known unit, of any length."""
    return _symbol(text) is not None


def unit_powers(text: str) -> dict[str, int]:
    """Return the powers of the known units that the text names; other words are left out.

    >>> unit_powers("square centimeters"), unit_powers("km/h"), unit_powers("feet per second")
    ({'cm': 2}, {'km': 1, 'h': -1}, {'ft': 1, 's': -1})
    >>> unit_powers("apples")
    {}
    """
    powers: dict[str, int] = {}
    sign, next_power, last = 1, 1, None
    for word in _WORD.findall(text):
        lowered = word.lower()
        if word == "/" or lowered == "per":
            sign = -1
        elif lowered in {"square", "sq"}:
            next_power = 2
        elif lowered == "cubic":
            next_power = 3
        elif word[0] in "^²³" or lowered in {"squared", "cubed"}:
            if last is not None:
                raised = {"²": 2, "³": 3, "squared": 2, "cubed": 3}.get(lowered) or int(word[1:][:3])
                powers[last] = powers[last] * raised
            last = None
        elif lowered in _COMPOUNDS:
            powers.update(_COMPOUNDS[lowered])
        elif (symbol := _symbol(word)) is not None:
            if symbol in {"°C", "°F"}:
                powers.pop("°", None)  # "degrees Celsius" is one unit
            powers[symbol] = powers.get(symbol, 0) + sign * next_power
            next_power, last = 1, symbol
    return {symbol: power for symbol, power in powers.items() if power}


def _symbol(word: str) -> str | None:
    return _SYMBOLS.get(word) or (_SYMBOLS.get(word.lower()) if len(word) > 2 else None)
