"""STEM, biology and earth: inheritance, half-lives and growth."""

from fractions import Fraction
from math import prod
from random import Random

from vibethinker.data.families.draft import Draft, Number, add, between, over, times
from vibethinker.data.families.stem_choices import Mistakes, posed

# Letters whose two cases are told apart at a glance.
_GENES = "ABDEGH"

# The second parent of one gene, whose first is Aa, and the chance that a child is aa, by the Punnett square.
_CROSSES = (("{0}{1}", Fraction(1, 4)), ("{1}{1}", Fraction(1, 2)))


def inheritance(rng: Random, level: int) -> Draft:
    """How many children show what, by Punnett squares: one gene (1, 2), two (3), backwards (4), three (5)."""
    genes = sorted(rng.sample(_GENES, (1, 1, 2, 2, 3)[level - 1]))
    crosses = [_CROSSES[rng.randrange(2)] for _ in genes]
    if level == 2:
        crosses = [_CROSSES[0]]
    first = "".join(gene + gene.lower() for gene in genes)
    second = "".join(cross[0].format(gene, gene.lower()) for gene, cross in zip(genes, crosses, strict=True))
    shown = [level == 2 or (level > 2 and rng.random() < 0.6) for _ in genes]
    chances = [1 - cross[1] if dominant else cross[1] for cross, dominant in zip(crosses, shown, strict=True)]
    whole = prod(chance.denominator for chance in chances)
    births = whole * between(rng, 1, (300, 150, 60, 60, 30)[level - 1])
    steps, value, expression = [], births, str(births)
    if level == 1:
        steps.append(f"{genes[0].lower()} shows in {chances[0]}")
    for chance in chances:
        steps.append(over(value, chance.denominator))
        value //= chance.denominator
        expression += f"/{chance.denominator}"
        if chance.numerator > 1:
            steps.append(times(value, chance.numerator))
            value *= chance.numerator
            expression += f"*{chance.numerator}"
    others: list[Number]
    what = " and ".join(gene if dominant else gene.lower() for gene, dominant in zip(genes, shown, strict=True))
    opening = f"Capitals are dominant. Parents {first} and {second} have"
    if level != 4:
        others = [births * (1 - chances[0]), births * chances[0], births - value, births // 2, value * 3, value * 2]
        question = f"{opening} {births} children. How many are expected to show {what}?"
        return posed(question, value, steps, expression, others)
    backwards, back, total = [], value, str(value)
    for chance in reversed(chances):
        if chance.numerator > 1:
            backwards.append(over(back, chance.numerator))
            total += f"/{chance.numerator}"
        back = back // chance.numerator * chance.denominator
        backwards.append(times(back // chance.denominator, chance.denominator))
        total += f"*{chance.denominator}"
    others = [value, value * 4, value * 16, value * 2, births - value, births + value]
    question = f"{opening} {value} children who show {what}. How many children are expected in all?"
    return posed(question, births, backwards, total, others)


def half_life(rng: Random, level: int) -> Draft:
    """What is left (1, 2), how long it took (3), what there was (4), what has decayed (5)."""
    wrong: Mistakes
    period = between(rng, 2, 12)
    halvings = between(rng, *((1, 2), (2, 3), (2, 4), (3, 4), (3, 5))[level - 1])
    rest = between(rng, 2, (30, 30, 20, 30, 20)[level - 1])
    start, time = rest * 2**halvings, period * halvings
    known = f"A substance has a half-life of {period} days."
    down = [over(rest * 2**k, 2) for k in range(halvings, 0, -1)]
    count = over(time, period)
    if level <= 2:
        question = f"{known} How many g of {start} g are left after {time} days?"
        wrong = (
            start // 2,
            2 * rest,
            Fraction(rest, 2),
            start - rest,
            Fraction(start, period),
            Fraction(start, 2 * halvings),
        )
        return posed(question, rest, [count, *down], f"{start}/2^{halvings}", wrong)
    if level == 3:
        question = f"{known} After how many days are {rest} g of {start} g left?"
        wrong = (halvings, time + period, time - period, period * (start - rest), period * 2**halvings, 2 * period)
        return posed(question, time, [*down, times(halvings, period)], f"{halvings}*{period}", wrong)
    if level == 4:
        up = [times(rest * 2**k, 2) for k in range(halvings)]
        question = f"{known} There are {rest} g. How many g were there {time} days ago?"
        wrong = (start // 2, start * 2, rest * halvings, rest * 2 * halvings, rest + time, rest * period)
        return posed(question, start, [count, *up], f"{rest}*2^{halvings}", wrong)
    question = f"{known} How many g of {start} g have decayed after {time} days?"
    wrong = (rest, start // 2, start - 2 * rest, start - Fraction(rest, 2), Fraction(start, halvings), start)
    return posed(question, start - rest, [count, *down, add(start, -rest)], f"{start}-{start}/2^{halvings}", wrong)


def growth(rng: Random, level: int) -> Draft:
    """Cells that double or grow faster: how many (1, 2), how long (3), with losses (4), after a second start (5)."""
    wrong: Mistakes
    factor = between(rng, 2, (3, 4, 3, 3, 3)[level - 1])
    rounds = between(rng, 2, (2, 3, 4, 3, 3)[level - 1])
    period, start = between(rng, 2, 12), between(rng, 2, (30, 20, 15, 20, 12)[level - 1])
    time, end = period * rounds, start * factor**rounds
    up = [times(start * factor**k, factor) for k in range(rounds)]
    speed = f"Cells grow to {factor} times their number every {period} h."
    count, power = over(time, period), f"{start}*{factor}^{rounds}"
    if level <= 2:
        question = f"{speed} How many do {start} cells become in {time} h?"
        wrong = (
            start * factor,
            start * factor * rounds,
            end * factor,
            end // factor,
            start * factor * time,
            start + end,
        )
        return posed(question, end, [count, *up], power, wrong)
    if level == 3:
        question = f"{speed} After how many h are {start} cells {end}?"
        wrong = (rounds, time + period, time - period, Fraction(end * period, start), factor * period, end - start)
        return posed(question, time, [*up, times(rounds, period)], f"{rounds}*{period}", wrong)
    lost = between(rng, 1, min(end - 1, 60))
    if level == 4:
        question = f"{speed} {start} cells grow for {time} h, then {lost} die. How many are left?"
        wrong = (
            end,
            end + lost,
            start * factor * rounds - lost,
            end // factor - lost,
            abs(start - lost) * factor**rounds,
        )
        return posed(question, end - lost, [count, *up, add(end, -lost)], f"{power}-{lost}", wrong)
    more, left = between(rng, 2, 30), end - lost
    final = (left + more) * factor
    question = (
        f"{speed} {start} cells grow for {time} h, then {lost} die and {more} are added. "
        f"How many are there {period} h later?"
    )
    steps = [count, *up, add(end, -lost), add(left, more), times(left + more, factor)]
    wrong = (left + more, left * factor + more, (end + more) * factor, (left - more) * factor, end * factor)
    return posed(question, final, steps, f"({power}-{lost}+{more})*{factor}", wrong)


DRAWS = (inheritance, half_life, growth)
