"""Code on numbers: rules from examples, chains, wheels, prices, bounds, cases, sums and digits."""

from functools import reduce
from random import Random

from vibethinker.data.families.draft import Draft, add, between, code_draft, over, signed, term, term_of, times


def linear_rule(rng: Random, level: int) -> Draft:
    """A line through two examples; at level 1 they are neighbours."""
    a = signed(rng, 2, (9, 9, 9, 12, 12)[level - 1], chance=0.0 if level < 4 else 0.5)
    b = signed(rng, 1, (20, 20, 20, 40, 60)[level - 1], chance=0.0 if level < 3 else 0.5)
    p = between(rng, 1, (5, 5, 9, 9, 12)[level - 1])
    q = p + (1 if level == 1 else between(rng, 2, (3, 5, 6, 9)[level - 2]))
    steps, brief = line_through((p, a * p + b), (q, a * q + b))
    return code_draft(
        f"f is linear. f({p})={a * p + b} and f({q})={a * q + b}. Write f(x).",
        f"x: return {a}*x{term(b)}",
        lambda x: a * x + b,
        (p, q, 0, -1, q + 7, 100),
        steps,
        brief,
    )


def line_through(first: tuple[int, int], second: tuple[int, int]) -> tuple[list[str], list[str]]:
    """The steps and the brief equations that give slope and intercept; both must be whole."""
    (p, at_p), (q, at_q) = first, second
    a = (at_q - at_p) // (q - p)
    steps = [] if q - p == 1 else [add(q, -p)]
    steps.append(add(at_q, -at_p))
    if q - p != 1:
        steps.append(over(at_q - at_p, q - p))
    steps += [times(a, p), add(at_p, -a * p)]
    rise = f"({at_q}{term_of(-at_p)})/({q}-{p})={a}"
    return steps, [rise, f"{at_p}{'-' if a > 0 else '+'}{abs(a)}*{p}={at_p - a * p}"]


def affine_chain(rng: Random, level: int) -> Draft:
    """A chain of additions and multiplications, to be collapsed into ``a*x+b``."""
    shape = ("+*+", "+*+", "*+*+", "+*+*", "+*+*+")[level - 1]
    top, factor = (9, 20, 12, 9, 15)[level - 1], (5, 9, 6, 5, 6)[level - 1]
    while True:
        chain = [
            (sign, between(rng, 2, factor) if sign == "*" else signed(rng, 1, top, chance=0.4 if level > 1 else 0.25))
            for sign in shape
        ]
        steps, a, b = collapse(chain)
        if b != 0 and all(not step.startswith("0") for step in steps):
            break
    factors = [str(value) for sign, value in chain if sign == "*"]
    constant = ""
    for sign, value in chain:
        if sign == "+":
            constant += term_of(value) if constant else str(value)
        elif constant:
            signed_part = "+" in constant or "-" in constant
            constant = f"{f'({constant})' if signed_part else constant}*{value}"
    words = [f"times {value}" if sign == "*" else f"{'plus' if value > 0 else 'minus'} {abs(value)}"
             for sign, value in chain]  # fmt: skip
    return code_draft(
        f"f takes x {', then '.join(words)}. Write f(x) as a*x+b.",
        f"x: return {a}*x{term(b)}",
        lambda x: reduce(lambda so_far, link: so_far * link[1] if link[0] == "*" else so_far + link[1], chain, x),
        (0, 1, -1, 2, 10, -25),
        steps,
        ([f"{'*'.join(factors)}={a}"] if len(factors) > 1 else []) + [f"{constant}={b}"],
    )


def collapse(chain: list[tuple[str, int]]) -> tuple[list[str], int, int]:
    """Collapse a chain of ``+`` and ``*`` into ``a*x+b``; return the steps that takes, a and b."""
    steps: list[str] = []
    a, b = 1, 0
    for sign, value in chain:
        if sign == "+":
            steps += [add(b, value)] if b or steps else []
            b += value
            continue
        steps += [times(a, value)] if a != 1 else []
        steps += [times(b, value)] if b else []
        a, b = a * value, b * value
    return steps, a, b


def wheel(rng: Random, level: int) -> Draft:
    """A wheel of numbers, of which one later position is known; the start has to be found modulo its size."""
    while True:
        size = between(rng, *((5, 20), (5, 30), (5, 12), (7, 20), (11, 40))[level - 1])
        move = 1 if level < 3 else between(rng, 2, min(size - 1, (5, 9, 12)[level - 3]))
        turns = between(rng, 2, min(size - 1, (9, 20, 6, 9, 12)[level - 1]))
        shown = between(rng, 0, size - 1)
        behind = shown - move * turns
        start = behind % size
        if start:
            break
    steps = [add(size - 1, 1)]
    steps += [times(turns, move)] if move > 1 else []
    steps.append(add(shown, -move * turns))
    laps = -(behind // size)
    if laps > 1:
        steps.append(times(laps, size))
    if laps > 0:
        steps.append(add(behind, laps * size))
    moved = f"{turns}*{move}" if move > 1 else str(turns)
    return code_draft(
        f"A wheel has the numbers 0 to {size - 1}. A turn moves it on by {move}. After {turns} turns it shows {shown}. "
        f"Write f(n): what it shows after n turns.",
        f"n: return ({f'{move}*' if move > 1 else ''}n+{start})%{size}",
        lambda n: (shown + move * (n - turns)) % size,
        (0, 1, turns, size - start, 2 * size + 1, 97),
        steps,
        [f"{size - 1}+1={size}", f"({shown}-{moved})%{size}={start}"],
    )


def price(rng: Random, level: int) -> Draft:
    """A price of one from the price of several; from level 3 with a voucher, from level 4 with a rise."""
    each = between(rng, 2, (9, 12, 12, 15, 25)[level - 1])
    bought = between(rng, 2, (9, 9, 9, 12, 12)[level - 1])
    postage = between(rng, 1, (9, 20, 20, 30, 50)[level - 1])
    rise = between(rng, 1, 9) if level >= 4 else 0
    voucher = 0
    while level >= 3 and voucher in (0, postage):
        voucher = between(rng, 1, (0, 0, 20, 30, 50)[level - 1])
    total, base, now = each * bought + postage, postage - voucher, each + rise
    steps = [add(total, -postage), over(total - postage, bought)]
    steps += [add(each, rise)] if rise else []
    steps += [add(postage, -voucher)] if voucher else []
    said = [f"{bought} pens with postage cost {total}, the postage is {postage}."]
    said += [f"Now a pen costs {rise} more."] if rise else []
    goal = f"the cost of n pens with postage{f', less {voucher}' if voucher else ''}"
    return code_draft(
        f"{' '.join(said)} Write f(n): {goal}.",
        f"n: return {now}*n{term(base)}",
        lambda n: (each + rise) * n + postage - voucher,
        (bought, 1, 2, 0, 10, 75),
        steps,
        [f"({total}-{postage})/{bought}{term(rise)}={now}"] + ([f"{postage}-{voucher}={base}"] if voucher else []),
    )


def clamp(rng: Random, level: int) -> Draft:
    """A number kept near a centre; from level 3 the centre is a mean, at level 5 the distance is halved too."""
    reach = between(rng, 2, (9, 20, 20, 40, 40)[level - 1])
    top = (90, 120, 60, 90, 150)[level - 1]
    if level < 3:
        centre, steps, middle = between(rng, 1, top), [], ""
        near = f"{reach} of {centre}"
    else:
        a, b = between(rng, 1, top), between(rng, 1, top)
        b += (a + b) % 2
        centre = (a + b) // 2
        steps, middle = [add(a, b), over(a + b, 2)], f"({a}+{b})/2"
        near = f"{reach} of the mean of {a} and {b}"
    distance = str(reach)
    if level == 5:
        near = f"half of {2 * reach}" + near.removeprefix(str(reach))
        steps, distance = [*steps, over(2 * reach, 2)], f"{2 * reach}/2"
    low, high = centre - reach, centre + reach
    return code_draft(
        f"Write f(x): x, but kept within {near}.",
        f"x: return max({low},min({high},x))",
        lambda x: x if abs(x - centre) <= reach else centre + (reach if x > centre else -reach),
        (low - 1, low, high, high + 1, centre, -500, 500),
        [*steps, add(centre, -reach), add(centre, reach)],
        [f"{middle or centre}{sign}{distance}={end}" for sign, end in (("-", low), ("+", high))],
    )


def cases(rng: Random, level: int) -> Draft:
    """Two cases, parted where an equation holds; from level 3 with the unknown on both sides."""
    while True:
        t = between(rng, 2, (9, 15, 15, 20, 30)[level - 1])
        factor, shift = between(rng, 2, 9), signed(rng, 1, 20, chance=0.0 if level == 1 else 0.5)
        # Where both cases agree, a bound off by one would not show.
        if all(factor * x != x + shift for x in (t - 1, t)):
            break
    a = between(rng, 2, (5, 9, 9, 9, 12)[level - 1])
    b = signed(rng, 1, (9, 20, 20, 30, 50)[level - 1], chance=0.0 if level == 1 else 0.5)
    c = between(rng, 1, (1, 1, 5, 9, 9)[level - 1]) if level >= 3 else 0
    right = a * t + b
    steps = ([add(a + c, -c)] if c else []) + [add(right, -b), over(right - b, a)]
    moved = f"{'' if c == 1 else c}t{term(right)}" if c else str(right)
    return code_draft(
        f"Let {a + c}t{term(b)}={moved}. Write f(x): {factor}*x for x below t, else x{term(shift)}.",
        f"x: return {factor}*x if x<{t} else x{term(shift)}",
        lambda x: factor * x if (a + c) * x + b < c * x + right else x + shift,
        (t - 1, t, t + 1, 1, -3, 90),
        steps,
        [f"({right}{term(-b)})/{f'({a + c}-{c})' if c else a}={t}"],
    )


def multiples_sum(rng: Random, level: int) -> Draft:
    """The sum of the multiples of a number up to a bound or below it, as a constant."""
    factor = between(rng, 2, 9)
    count = between(rng, 2, (6, 9, 12, 15, 25)[level - 1])
    last = factor * count + between(rng, 0, factor - 1)
    below = rng.random() < 0.5
    total = factor * count * (count + 1) // 2
    less = rng.random() < 0.5
    sign = -1 if less else 1
    extra = between(rng, 2, (9, 20, 20, 30, 40)[level - 1])
    constant = total + extra
    bound = f"below {last + 1}" if below else f"up to {last}"
    steps = [add(last + 1, -1)] if below else []
    steps += [f"{last}//{factor}={count}", times(count, count + 1), over(count * (count + 1), 2)]
    steps += [times(count * (count + 1) // 2, factor), add(total, extra)]
    return code_draft(
        f"Let m be {extra} plus the sum of the multiples of {factor} {bound}. "
        f"Write f(x): x {'minus' if less else 'plus'} m.",
        f"x: return x{term(sign * constant)}",
        lambda x: x + sign * (extra + sum(range(factor, last + 1, factor))),
        (0, 1, -7, constant, -constant),
        steps,
        [f"{factor}*{count}*{count + 1}/2+{extra}={constant}"],
    )


def digit_sum(rng: Random, level: int) -> Draft:
    """A multiple of the digit sum plus a number, from an example; from level 4 both unknown, from two."""
    a = between(rng, 2, (5, 9, 9, 9, 12)[level - 1])
    b = signed(rng, 1, (9, 20, 30, 20, 40)[level - 1], chance=0.0 if level == 1 else 0.4)
    low, high = (11, 99) if level in (1, 2, 4) else (101, 999)
    n = between(rng, low, high)
    digits = sum(map(int, str(n)))
    steps = add_digits(n)
    if level < 4:
        shown = a * digits + b
        steps += [add(shown, -b), over(shown - b, digits)]
        known = f"{a_times_digits(b)} f({n})={shown}."
        calls: tuple[int, ...] = (n,)
        brief = [f"({shown}{term(-b)})/({'+'.join(str(n))})={a}"]
    else:
        m = n
        while sum(map(int, str(m))) <= digits:
            n = between(rng, low, high)
            digits = sum(map(int, str(n)))
            m = between(rng, low, high)
        more = sum(map(int, str(m)))
        low_line, brief = line_through((digits, a * digits + b), (more, a * more + b))
        steps = [*add_digits(n), *add_digits(m), *low_line]
        known = f"f(n) is a number times the digit sum of n, plus a number. f({n})={a * digits + b} and "
        known += f"f({m})={a * more + b}."
        calls = (n, m)
    return code_draft(
        f"{known} Write f(n).",
        f"n: return {a}*sum(map(int,str(n))){term(b)}",
        lambda n: a * sum(map(int, str(n))) + b,
        (*calls, 0, 7, 10, 999, 5208),
        steps,
        brief,
    )


def a_times_digits(b: int) -> str:
    """Say the rule whose factor is unknown."""
    return f"f(n) is a number times the digit sum of n, {'plus' if b > 0 else 'minus'} {abs(b)}."


def add_digits(n: int) -> list[str]:
    """The steps that add up a number's digits from the left."""
    first, *rest = map(int, str(n))
    steps = []
    for digit in rest:
        steps.append(add(first, digit))
        first += digit
    return steps


DRAWS = (linear_rule, affine_chain, wheel, price, clamp, cases, multiples_sum, digit_sum)
