"""STEM, computing: bits and bytes, number bases and logic gates."""

from collections.abc import Callable
from fractions import Fraction
from operator import and_, or_, xor
from random import Random

from vibethinker.data.families.draft import Draft, add, between, over, times
from vibethinker.data.families.stem_choices import Mistakes, posed


def memory(rng: Random, level: int) -> Draft:
    """Bits and bytes (1), text (2), a picture (3), several pictures (4), their time over a line (5)."""
    wrong: Mistakes
    if level == 1:
        n = between(rng, 2, 400)
        if rng.random() < 0.5:
            wrong = (Fraction(n, 8), n * 10, n * 4, n * 16, n + 8)
            return posed(f"How many bits are {n} bytes?", n * 8, ["bits=bytes*8", times(n, 8)], f"{n}*8", wrong)
        wrong = (n * 64, n * 4, n * 2, Fraction(n, 2), n * 8 - 8)
        return posed(f"How many bytes are {n * 8} bits?", n, ["bytes=bits/8", over(n * 8, 8)], f"{n * 8}/8", wrong)
    if level == 2:
        bits, signs = between(rng, 3, 12), 8 * between(rng, 1, 12)
        if rng.random() < 0.9:
            signs = between(rng, 10, 90)
        total = bits * signs
        wrong = (total, total * 8, signs + bits, Fraction(total, 4), Fraction(total, 10), signs)
        question = f"A text has {signs} letters of {bits} bits. How many bytes is that?"
        return posed(question, Fraction(total, 8), [times(bits, signs), over(total, 8)], f"{bits}*{signs}/8", wrong)
    wide, high = between(rng, 2, (20, 9, 9)[level - 3]), between(rng, 2, (20, 9, 9)[level - 3])
    bits = rng.choice((4, 8, 12, 16))
    pictures = 1 if level == 3 else between(rng, 2, 9)
    points = wide * high
    if points * pictures % 2:
        # Points of 4 or 12 bits fill whole bytes in pairs only.
        bits = 8 * between(rng, 1, 2)
    size = points * bits * pictures // 8
    steps = [times(wide, high), times(points, bits)]
    expression = f"{wide}*{high}*{bits}"
    if level > 3:
        steps.append(times(points * bits, pictures))
        expression += f"*{pictures}"
    steps.append(over(size * 8, 8))
    expression += "/8"
    shape = f"of {wide} by {high} points with {bits} bits each"
    wrong = (
        size * 8,
        points * pictures,
        2 * (wide + high) * bits,
        size * 2,
        Fraction(size, 2),
    )
    if level == 3:
        return posed(f"A picture is {shape}. How many bytes is that?", size, steps, expression, wrong)
    many = f"{pictures} pictures are {shape}."
    if level == 4:
        return posed(
            f"{many} How many bytes is that?",
            size,
            steps,
            expression,
            (size * 8, points * pictures, size // pictures, 2 * size),
        )
    rate = between(rng, 2, 12)
    steps.append(over(size, rate))
    wrong = (Fraction(size * 8, rate), Fraction(size, 8 * rate), size * rate, Fraction(size, rate * pictures), size)
    question = f"{many} How many s does a line need for them at {rate} bytes a s?"
    return posed(question, Fraction(size, rate), steps, f"{expression}/{rate}", wrong)


def number_base(rng: Random, level: int) -> Draft:
    """From a base to decimal and, every second time from level 2 on, back."""
    base = between(rng, *((4, 9), (5, 9), (3, 5), (5, 9), (3, 5))[level - 1])
    length = (3, 3, 4, 4, 5)[level - 1]
    if level > 1 and rng.random() < 0.5:
        return _from_decimal(rng, base, (2, 2, 3, 3, 3)[level - 1])
    digits = [between(rng, 1, base - 1), *(between(rng, 0, base - 1) for _ in range(length - 1))]
    number = "".join(map(str, digits))
    steps, value = [], digits[0]
    for digit in digits[1:]:
        steps += [times(value, base)] + ([add(value * base, digit)] if digit else [])
        value = value * base + digit
    places = [f"{digit}*{base}^{place}" for place, digit in zip(range(length - 1, -1, -1), digits, strict=True)]
    slipped = sum(digit * base ** (place + 1) for place, digit in enumerate(reversed(digits)))
    mirrored = sum(digit * base**place for place, digit in enumerate(digits))
    wrong = (int(number), int(number) * base, sum(digits) * base, slipped, mirrored, value + base, value - base)
    return posed(f"Write {number} of base {base} as a decimal number.", value, steps, "+".join(places), wrong)


def _from_decimal(rng: Random, base: int, length: int) -> Draft:
    """Take out powers of the base from the largest down, and put the digits together."""
    digits = [between(rng, 1, base - 1) for _ in range(length)]
    number = int("".join(map(str, digits)))
    value = sum(digit * base**place for place, digit in enumerate(reversed(digits)))
    steps, rest = [], value
    for place, digit in zip(range(length - 1, 0, -1), digits, strict=False):
        steps += [times(digit, base**place), add(rest, -digit * base**place)]
        rest -= digit * base**place
    parts = [digit * 10**place for place, digit in zip(range(length - 1, -1, -1), digits, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        steps.append(add(total, part))
        total += part
    wrong = (value, int("".join(map(str, digits[::-1]))), number + 1, number - 1, number + 10, number - 10, number * 10)
    return posed(f"Write the decimal number {value} in base {base}.", number, steps, "+".join(map(str, parts)), wrong)


_GATES: dict[str, Callable[[int, int], int]] = {"AND": and_, "OR": or_, "XOR": xor}


def gates(rng: Random, level: int) -> Draft:
    """Bits of two words through a gate (1, 2), with NOT (3), of three words (4), and both (5); as a decimal number."""
    width = (5, 6, 5, 5, 5)[level - 1]
    while True:
        words = [between(rng, 1, 2**width - 1) for _ in range(2 if level <= 3 else 3)]
        negated = level in (3, 5)
        names = [rng.choice(list(_GATES)) for _ in words[1:]]
        steps, value, asked = [], words[0], _bits(words[0], width)
        if negated:
            value = 2**width - 1 - words[0]
            steps.append(f"NOT {asked} is {_bits(value, width)}")
            asked = f"NOT {asked}"
        for name, word in zip(names, words[1:], strict=True):
            result = _GATES[name](value, word)
            # After the first gate the line above ends in the left word.
            left = "" if steps else f"{asked} "
            steps.append(f"{left}{name} {_bits(word, width)} is {_bits(result, width)}")
            asked = f"({asked}) {name} {_bits(word, width)}" if " " in asked else f"{asked} {name} {_bits(word, width)}"
            value = result
        powers = [2**place for place in range(width - 1, -1, -1) if value >> place & 1]
        if len(powers) >= 2:
            break
    total = powers[0]
    for power in powers[1:]:
        steps.append(add(total, power))
        total += power
    wrong = [gate(words[-2], words[-1]) for gate in _GATES.values()]
    wrong += [2**width - 1 - value, len(powers), words[0], words[-1]]
    question = f"Find {asked} bit by bit and write it as a decimal number."
    return posed(question, value, steps, "+".join(map(str, powers)), wrong)


def _bits(value: int, width: int) -> str:
    """Write a number in base 2 with leading zeros."""
    return f"{value:0{width}b}"


DRAWS = (memory, number_base, gates)
