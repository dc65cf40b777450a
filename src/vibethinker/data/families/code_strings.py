"""Code on strings: letters by place, shifted alphabets, columns and copies."""

from functools import reduce
from random import Random
from string import ascii_lowercase

from vibethinker.data.families.draft import Draft, add, between, code_draft, over, times


def letters(count: int, *, start: int = 0) -> str:
    """Return so many letters of the alphabet, over and over, each other than its neighbours.

    >>> letters(4, start=24)
    'yzab'
    """
    return "".join(ascii_lowercase[(start + place) % 26] for place in range(count))


def letters_between(rng: Random, level: int) -> Draft:
    """A stretch of a string: by place and length (levels 1, 2), inside a rest (3), or between dropped ends."""
    if level >= 4:
        return _dropped_ends(rng, level)
    a, count = between(rng, 2, (25, 40, 20)[level - 1]), between(rng, 2, (25, 30, 20)[level - 1])
    if level < 3:
        start, stop, dropped = a - 1, a - 1 + count, 0
        goal = f"the {count} letters of s from letter {a} on"
        steps = [add(a, -1), add(start, count)]
        brief = [f"{a}-1={start}", f"{a}-1+{count}={stop}"]
    else:
        dropped = between(rng, 2, 20)
        start, stop, count = dropped + a - 1, dropped + a + count, count + 1
        goal = f"s without its first {dropped} letters, and of that letter {a} to letter {a + count - 1}"
        steps = [add(dropped, a), add(dropped + a, -1), add(dropped, a + count - 1)]
        brief = [f"{dropped}+{a}-1={start}", f"{dropped}+{a + count - 1}={stop}"]
    return code_draft(
        f"Write f(s): {goal}.",
        f"s: return s[{start}:{stop}]",
        lambda s: s[dropped:][a - 1 :][:count],
        (letters(stop + 4), letters(stop, start=9), letters(stop - 1, start=3), letters(start + 1), letters(start)),
        steps,
        brief,
    )


def _dropped_ends(rng: Random, level: int) -> Draft:
    """First and last letters dropped twice (level 4), or several times and once more."""
    a, b, c, d = (between(rng, 2, (0, 0, 0, 20, 9)[level - 1]) for _ in range(4))
    rounds = between(rng, 2, 5) if level == 5 else 1
    start, end = a * rounds + c, b * rounds + d
    steps = [times(a, rounds), times(b, rounds)] if rounds > 1 else []
    steps += [add(a * rounds, c), add(b * rounds, d)]
    often = f", {rounds} times over" if rounds > 1 else ""
    repeat = f"*{rounds}" if rounds > 1 else ""
    return code_draft(
        f"Write f(s): s without its first {a} and last {b} letters{often}, and of that again without the first {c} "
        f"and last {d}.",
        f"s: return s[{start}:-{end}]",
        lambda s: reduce(lambda left, ends: left[ends[0] : -ends[1]], [(a, b)] * rounds + [(c, d)], s),
        (letters(start + end + 5), letters(start + end + 1, start=7), letters(start + end), letters(90, start=2), "ab"),
        steps,
        [f"{a}{repeat}+{c}={start}", f"{b}{repeat}+{d}={end}"],
    )


def letter_shift(rng: Random, level: int) -> Draft:
    """A shifted alphabet from an example; level 4 undoes it, level 5 does it several times."""
    while True:
        shift = between(rng, 1, (9, 15, 25, 25, 25)[level - 1])
        one, other = rng.sample(range(26), 2)
        rounds = between(rng, 2, 4) if level == 5 else 1
        # Past z only from level 3 on; no shift that does nothing in the end, or leaves a constant below 0.
        if (level > 2 or one + shift < 26) and shift * rounds % 26 and shift * rounds < 97:
            break
    to = (one + shift) % 26
    steps = [f"{ascii_lowercase[one]}={one}, {ascii_lowercase[to]}={to}", add(to, -one)]
    steps += [add(to - one, 26)] if to < one else []
    steps += [times(shift, rounds)] if rounds > 1 else []
    moved = -shift if level == 4 else shift * rounds
    steps.append(add(97, -moved))
    wrapped = "+26" if to < one else ""
    worked = f"97{'+' if level == 4 else '-'}({to}-{one}{wrapped}){f'*{rounds}' if rounds > 1 else ''}"
    name = "f" if level < 4 else "g"
    shown = " and ".join(
        f'{name}("{ascii_lowercase[place]}")="{ascii_lowercase[(place + shift) % 26]}"' for place in (one, other)
    )
    goal = ("f(s)", "f(s)", "f(s)", "f(s), which undoes g", f"f(s), which is g done {rounds} times")[level - 1]
    return code_draft(
        f"{name} moves every letter of s on by the same number, after z comes a. {shown}. Write {goal}.",
        f's: return "".join(chr((ord(c)-{97 - moved})%26+97)for c in s)',
        lambda s: "".join(ascii_lowercase[(ascii_lowercase.index(c) + moved) % 26] for c in s),
        (ascii_lowercase[one], "abcxyz", "hello", "", ascii_lowercase),
        steps,
        [f"{worked}={97 - moved}"],
    )


def columns(rng: Random, level: int) -> Draft:
    """A string filled up to the width of a column, which a line's width and gaps give."""
    count = 2 if level < 3 else between(rng, 3, (4, 6, 9)[level - 3])
    width = between(rng, 3, (20, 40, 20, 30, 40)[level - 1])
    gap = between(rng, 1, (5, 9, 5, 6, 9)[level - 1])
    gaps = (count - 1) * gap
    line = count * width + gaps
    fill, side = rng.choice(".-*_"), rng.choice(("left", "right"))
    steps = [] if count == 2 else [add(count, -1), times(count - 1, gap)]
    steps += [add(line, -gaps), over(line - gaps, count)]
    right = side == "right"
    return code_draft(
        f"A line of {line} letters has {count} columns with {'a gap' if count == 2 else 'gaps'} of {gap}. "
        f'Write f(s): s at the {side} of a column, filled up with "{fill}".',
        f's: return s.{"rjust" if right else "ljust"}({width},"{fill}")',
        lambda s: s.rjust(width, fill) if right else s.ljust(width, fill),
        ("", "ab", letters(width - 1), letters(width), letters(width + 2, start=5)),
        steps,
        [f"({line}-{gap if count == 2 else f'{count - 1}*{gap}'})/{count}={width}"],
    )


def copies(rng: Random, level: int) -> Draft:
    """Copies of a string with an end (levels 1, 2), joined by a sign (3), by several (4), or both (5)."""
    top = (9, 12, 12, 12, 12)[level - 1]
    size, count = between(rng, 2, top), between(rng, 2, top)
    joint = "" if level < 3 else rng.choice("-+/.:*") * (1 if level == 3 else between(rng, 2, 3))
    end = "" if level in (3, 4) else rng.choice("!?#") * between(rng, 1, (3, 5, 0, 0, 4)[level - 1])
    inside = count * (size + len(joint))
    total = inside - len(joint) + len(end)
    steps = [add(total, -len(end))] if end else []
    if joint:
        steps += [add(inside - len(joint), len(joint)), add(size, len(joint))]
    steps.append(over(inside, size + len(joint)))
    how = f'joined by "{joint}"' if joint else "one after another"
    ending = f', then "{end}"' if end else ""
    above = f"{total}{f'-{len(end)}' if end else ''}{f'+{len(joint)}' if joint else ''}"
    built = f'"{joint}".join([s]*{count})' if joint else f"s*{count}"
    return code_draft(
        f"f(s) is some copies of s {how}{ending}. For s of {size} letters it has {total} letters. Write f(s).",
        f"s: return {built}" + (f'+"{end}"' if end else ""),
        lambda s: joint.join([s] * count) + end,
        (letters(size), "a", "", letters(size + 1, start=4), "xy"),
        steps,
        [f"({above})/{f'({size}+{len(joint)})' if joint else size}={count}"],
    )


DRAWS = (letters_between, letter_shift, columns, copies)
