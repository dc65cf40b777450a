"""STEM, chemistry: molar masses, moles, solutions, pH and counting atoms.

Atomic masses are rounded to whole numbers and given in every question that needs them, so that nothing has to be known
by heart. Formulas of compounds are drawn, not looked up: some of them do not exist.
"""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from vibethinker.data.families.draft import Draft, add, between, over, times
from vibethinker.data.families.stem_choices import Mistakes, posed

MASSES = {
    "H": 1, "C": 12, "N": 14, "O": 16, "F": 19, "Na": 23, "Mg": 24, "Al": 27, "S": 32, "K": 39, "Ca": 40, "Fe": 56,
}  # fmt: skip
"""Atomic masses in g/mol, rounded; those that no whole number comes near, such as Cl's 35.5, are left out."""

Part = tuple[str, int]


def molar_mass(rng: Random, level: int) -> Draft:
    """Of two elements (1, 2), of three (3), with a group in parentheses (4), with crystal water (5)."""
    wrong: Mistakes
    top = (4, 9, 9, 4, 6)[level - 1]
    parts = _compound(rng, 2 if level != 3 else 3, top)
    steps, total = _weighed(parts)
    name, table = _formula(parts), _table(parts)
    expression = "+".join(f"{count}*{MASSES[element]}" for element, count in parts)
    wrong = [sum(MASSES[e] for e, _ in parts), total + MASSES[parts[0][0]], total - MASSES[parts[-1][0]]]
    if level == 4:
        groups, (metal, atoms) = between(rng, 2, 4), _compound(rng, 1, 3, leave_out=parts)[0]
        name = f"{_formula([(metal, atoms)])}({name}){groups}"
        table = _table([(metal, atoms), *parts])
        metal_mass, inner = MASSES[metal] * atoms, total
        total = metal_mass + groups * inner
        steps += [times(groups, inner), times(atoms, MASSES[metal]), add(groups * inner, metal_mass)]
        expression = f"{groups}*({expression})+{atoms}*{MASSES[metal]}"
        wrong = [metal_mass + inner, groups * (metal_mass + inner), groups * inner, total + inner]
    if level == 5:
        water, salt = between(rng, 2, 10), total
        name = f"{name} with {water} H2O"
        table = _table([*parts, ("H", 2), ("O", 1)])
        total = salt + water * 18
        steps += [times(2, 1), add(2, 16), times(water, 18), add(salt, water * 18)]
        expression += f"+{water}*(2*1+16)"
        wrong = [salt, salt + 18, salt + water * 17, salt * water + 18, total + 18]
    return posed(f"{table}. Find the molar mass of {name} in g/mol.", total, steps, expression, wrong)


def moles(rng: Random, level: int) -> Draft:
    """Mass from moles (1), moles from mass (2), the same from a formula (3, 4), through a reaction (5)."""
    n = between(rng, 2, (12, 12, 9, 12, 6)[level - 1])
    if level <= 2:
        m = between(rng, 10, (60, 99)[level - 1])
        if level == 1:
            question = f"A gas has {m} g/mol. Find the mass of {n} mol in g."
            return posed(
                question, n * m, ["m=n*M", times(n, m)], f"{n}*{m}", (n + m, (n + 1) * m, (n - 1) * m, 10 * n * m)
            )
        question = f"A gas has {m} g/mol. How many mol are {n * m} g?"
        return posed(question, n, ["n=m/M", over(n * m, m)], f"{n * m}/{m}", (n * m - m, n * m * m, n * 2, n + 10))
    if level <= 4:
        parts = _compound(rng, 2, 4 if level == 3 else 6)
        steps, m = _weighed(parts)
        weight = "+".join(f"{count}*{MASSES[element]}" for element, count in parts)
        name, bare = _formula(parts), sum(MASSES[element] for element, _ in parts)
        if level == 3:
            question = f"{_table(parts)}. Find the mass of {n} mol of {name} in g."
            return posed(question, n * m, [*steps, times(n, m)], f"{n}*({weight})", (n * bare, m, n + m, n * m + m))
        question = f"{_table(parts)}. How many mol are {n * m} g of {name}?"
        return posed(
            question, n, [*steps, over(n * m, m)], f"{n * m}/({weight})", (Fraction(n * m, bare), m, n * m - m)
        )
    p, q = between(rng, 1, 5), between(rng, 2, 6)
    x, y = between(rng, 10, 60), between(rng, 10, 60)
    amount = p * n
    question = (
        f"{p} mol of X react with {q} mol of Y. X has {x} g/mol, Y {y}. How many g of Y react with {amount * x} g of X?"
    )
    steps = [over(amount * x, x), over(amount, p), times(n, q), times(n * q, y)]
    wrong = (amount * y, amount * q * y, Fraction(amount * p * y, q), n * q, n * q * x, amount * x * q)
    return posed(question, n * q * y, steps, f"{amount * x}/{x}/{p}*{q}*{y}", wrong)


def dilution(rng: Random, level: int) -> Draft:
    """Amount and concentration (1), diluted (2), water to add (3), mixed (4), mixed and diluted (5)."""
    wrong: Mistakes
    c, v = between(rng, 2, (60, 20, 30, 20, 20)[level - 1]), between(rng, 2, (12, 9, 9, 6, 5)[level - 1])
    salt = c * v
    if level == 1:
        if rng.random() < 0.5:
            question = f"{v} L of water hold {c} g of salt in each L. How many g is that?"
            return posed(
                question, salt, ["m=c*V", times(c, v)], f"{c}*{v}", (c + v, c * (v + 1), c * (v - 1), 10 * salt)
            )
        question = f"{v} L of water hold {salt} g of salt. Find the concentration in g/L."
        return posed(question, c, ["c=m/V", over(salt, v)], f"{salt}/{v}", (salt * v, salt - v, salt + v, c + v))
    opening = f"{v} L of water hold {c} g/L of salt"
    if level == 2:
        water = between(rng, 1, 12 - v)
        question = f"{opening}. {water} L of water are added. Find the concentration in g/L."
        steps = [times(c, v), add(v, water), over(salt, v + water)]
        wrong = (Fraction(salt, water), c, Fraction(c * (v + water), v), salt, Fraction(c, water))
        return posed(question, Fraction(salt, v + water), steps, f"{c}*{v}/({v}+{water})", wrong)
    if level == 3:
        thin = between(rng, 1, 9)
        volume, c = v + between(rng, 1, 30), thin
        # Swapped so that all comes out whole: the strong solution has thin*volume g/L in v L.
        strong = thin * volume
        question = f"{v} L of water hold {strong} g/L of salt. How many L of water make that {c * v} g/L?"
        steps = [times(strong, v), over(strong * v, c * v), add(volume, -v)]
        wrong = (volume, volume + v, Fraction(strong, c * v), strong - c * v, volume - 1)
        return posed(question, volume - v, steps, f"{strong}*{v}/{c * v}-{v}", wrong)
    d, w = between(rng, 2, 20), between(rng, 2, 6)
    total, water = salt + d * w, between(rng, 1, 5) if level == 5 else 0
    volume = v + w + water
    end = f", with {water} L of water" if water else ""
    question = f"{opening}. They are mixed with {w} L that hold {d} g/L{end}. Find the concentration in g/L."
    steps = [times(c, v), times(d, w), add(salt, d * w), add(v, w)]
    steps += [add(v + w, water)] if water else []
    steps.append(over(total, volume))
    wrong = (
        Fraction(c + d, 2),
        c + d,
        total,
        Fraction(c * w + d * v, volume),
        Fraction(total, v + w),
        Fraction(salt, volume),
    )
    bottom = f"{v}+{w}" + (f"+{water}" if water else "")
    return posed(question, Fraction(total, volume), steps, f"({c}*{v}+{d}*{w})/({bottom})", wrong)


def acidity(rng: Random, level: int) -> Draft:
    """How the pH of a strong acid (1, 2) or base (3) moves when diluted by a power of ten; twice (4); pOH (5)."""
    volume = between(rng, 2, 120)
    tens = between(rng, *((1, 1), (1, 2), (1, 2), (2, 3), (3, 3))[level - 1])
    base = level == 3 or (level == 5 and rng.random() < 0.5)
    # A strong acid stays below pH 7 and a base above it, or the water itself would count.
    start = between(rng, 8 + tens, 13) if base else between(rng, 1, 6 - tens)
    end = start - tens if base else start + tens
    sign, kind = ("-", "base") if base else ("+", "acid")
    first = tens if level <= 3 else between(rng, 1, tens - 1)
    parts = [first] if first == tens else [first, tens - first]
    stations = [volume]
    for part in parts:
        stations.append(stations[-1] * 10**part)
    steps: list[str] = []
    value, expression = start, str(start)
    for before, after, part in zip(stations, stations[1:], parts, strict=False):
        steps += [over(after, before), f"{10**part} is 10^{part}", add(value, -part if base else part)]
        value += -part if base else part
        expression += f"{sign}{part}"
    then = f", then to {stations[2]} mL" if len(stations) > 2 else ""
    wrong: Sequence[int] = (start, start - tens, start + tens, start * tens, end + 1, end - 1, 14 - end, 7)
    asked = "Find the pH."
    if level == 5:
        asked = "OH- is 10^-x mol/L. Find x."
        steps.append(add(14, -end))
        expression = f"14-({expression})"
        end, wrong = 14 - end, (end, 14 - start, 14 - start + tens, 14 - start - tens, 14, 7)
    question = f"{volume} mL of a strong {kind} of pH {start} are diluted to {stations[1]} mL{then}. {asked}"
    return posed(question, end, steps, expression, wrong)


def burning(rng: Random, level: int) -> Draft:
    """Counting atoms (1), water (2), O2 per molecule (3), of several molecules (4), and with O in them (5)."""
    wrong: Mistakes
    n = between(rng, 2, 12)
    c = between(rng, 1, (9, 12, 14, 12, 12)[level - 1])
    if level == 1:
        h = between(rng, 1, 9)
        question = f"How many atoms are in {n} molecules of {_formula([('C', c), ('H', h)])}?"
        return posed(
            question, n * (c + h), [add(c, h), times(n, c + h)], f"{n}*({c}+{h})", (n * c, n * h, n + c + h, c + h)
        )
    h = 2 * between(rng, 1, c + 1)
    if level == 2:
        fuel = f"{n} molecules of {_formula([('C', c), ('H', h)])}"
        question = f"{fuel} burn to CO2 and H2O. How many H2O come out?"
        wrong = (n * h, n * c, h // 2, n * h // 2 + n, n * (c + h))
        return posed(question, n * h // 2, [times(n, h), over(n * h, 2)], f"{n}*{h}/2", wrong)
    if level == 3:
        h = 4 * between(rng, 1, (c + 1) // 2)
        fuel = f"{n} molecules of {_formula([('C', c), ('H', h)])}"
        question = f"{fuel} burn to CO2 and H2O. How many O2 does that take?"
        per = c + h // 4
        wrong = (n * (c + h // 2), n * (c + h), per, n * c, n * (2 * c + h // 2))
        return posed(question, n * per, [over(h, 4), add(c, h // 4), times(n, per)], f"{n}*({c}+{h}/4)", wrong)
    oxygen = between(rng, 1, min(2 * c, 6)) if level == 5 else 0
    atoms = 2 * c + h // 2 - oxygen
    # Half of the O atoms is the number of O2: an even number of molecules keeps it whole.
    n += n * atoms % 2
    parts = [("C", c), ("H", h)] + ([("O", oxygen)] if oxygen else [])
    question = f"{n} molecules of {_formula(parts)} burn to CO2 and H2O. How many O2 does that take?"
    steps = [times(2, c), over(h, 2), add(2 * c, h // 2)]
    steps += [add(2 * c + h // 2, -oxygen)] if oxygen else []
    steps += [times(n, atoms), over(n * atoms, 2)]
    inner = f"2*{c}+{h}/2" + (f"-{oxygen}" if oxygen else "")
    wrong = (
        n * atoms,
        Fraction(n * (atoms + oxygen), 2) + n,
        Fraction(n * (atoms + 2 * oxygen), 2),
        n * (c + h),
        n * c,
    )
    return posed(question, n * atoms // 2, steps, f"{n}*({inner})/2", wrong)


def _compound(rng: Random, elements: int, top: int, *, leave_out: Sequence[Part] = ()) -> list[Part]:
    """Draw different elements in the table's order, each with a count from 1 to ``top``."""
    free = [element for element in MASSES if element not in {part[0] for part in leave_out}]
    chosen = sorted(rng.sample(free, elements), key=list(MASSES).index)
    return [(element, between(rng, 1, top)) for element in chosen]


def _formula(parts: Sequence[Part]) -> str:
    """Write a formula; a count of 1 is left out."""
    return "".join(element + (str(count) if count > 1 else "") for element, count in parts)


def _table(parts: Sequence[Part]) -> str:
    """Write the masses of the elements, each once."""
    return ", ".join(f"{element}={MASSES[element]}" for element in dict(parts))


def _weighed(parts: Sequence[Part]) -> tuple[list[str], int]:
    """Return the steps to a compound's molar mass, and the mass."""
    steps, total = [], 0
    for element, count in parts:
        mass = count * MASSES[element]
        steps.append(times(count, MASSES[element]))
        if total:
            steps.append(add(total, mass))
        total += mass
    return steps, total


DRAWS = (molar_mass, moles, dilution, acidity, burning)
