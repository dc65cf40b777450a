"""STEM, physics: speed, force, energy, circuits, density, levers and pressure.

Formulas are those of a first course. Questions name all units, so that answers are bare numbers, and g is 10. Where one
operation is all there is to it, the careful way names the law before.
"""

from fractions import Fraction
from math import lcm
from random import Random

from vibethinker.data.families.draft import Draft, add, between, over, times
from vibethinker.data.families.stem_choices import Mistakes, posed


def speed(rng: Random, level: int) -> Draft:
    """Distance, speed or time; a head start (2), two legs (3), meeting (4), average speed (5)."""
    wrong: Mistakes
    t, u = between(rng, 2, (12, 9, 5, 20, 6)[level - 1]), between(rng, 2, (12, 9, 5, 9, 6)[level - 1])
    v, w = between(rng, 5, (60, 30, 30, 11, 30)[level - 1]), between(rng, 2, 30)
    if level == 1:
        if rng.random() < 0.5:
            question = f"A car drives {v} m/s for {t} s. How many m does it go?"
            return posed(
                question, v * t, ["s=v*t", times(v, t)], f"{v}*{t}", (v + t, v * (t + 1), v * (t - 1), 10 * v * t)
            )
        question = f"A car drives {v * t} m in {t} s. Find its speed in m/s."
        return posed(question, v, ["v=s/t", over(v * t, t)], f"{v * t}/{t}", (v * t * t, v * t - t, v * t + t, v + t))
    if level == 2:
        question = (
            f"A car starts {w} m from a town and drives away at {v} m/s. How many m from the town is it after {t} s?"
        )
        steps = [times(v, t), add(v * t, w)]
        return posed(question, v * t + w, steps, f"{v}*{t}+{w}", (v * t, v * t - w, v + t + w, (v + w) * t))
    if level == 4:
        gap = (v + u) * t
        question = f"Two trains are {gap} m apart and meet at {v} and {u} m/s. After how many s?"
        steps = [add(v, u), over(gap, v + u)]
        return posed(question, t, steps, f"{gap}/({v}+{u})", (2 * t, Fraction(gap, abs(v - u) or 1), t + u, t + v))
    legs = f"A car drives {v} m/s for {t} s, then {w} m/s for {u} s."
    total = v * t + w * u
    steps = [times(v, t), times(w, u), add(v * t, w * u)]
    if level == 3:
        question = f"{legs} How many m does it go?"
        wrong = ((v + w) * (t + u), v * t, w * u, v * u + w * t, v + w + t + u)
        return posed(question, total, steps, f"{v}*{t}+{w}*{u}", wrong)
    steps += [add(t, u), over(total, t + u)]
    wrong = (Fraction(v + w, 2), v + w, total, Fraction(v * u + w * t, t + u))
    question = f"{legs} Find its average speed in m/s."
    return posed(question, Fraction(total, t + u), steps, f"({v}*{t}+{w}*{u})/({t}+{u})", wrong)


def force(rng: Random, level: int) -> Draft:
    """Newton's second law; with friction (3), two forces (4), and the speed reached (5)."""
    wrong: Mistakes
    m, a = between(rng, 2, (12, 12, 9, 9, 9)[level - 1]), between(rng, 2, (30, 60, 20, 20, 12)[level - 1])
    if level <= 2:
        if rng.random() < 0.5:
            question = f"A body of {m} kg speeds up by {a} m/s each second. Find the force in N."
            return posed(
                question, m * a, ["F=m*a", times(m, a)], f"{m}*{a}", (m + a, 10 * m * a, (m + 1) * a, (m - 1) * a)
            )
        question = f"A force of {m * a} N acts on {m} kg. Find the acceleration in m/s^2."
        return posed(question, a, ["a=F/m", over(m * a, m)], f"{m * a}/{m}", (m * m * a, m * a - m, a + m, 10 * a))
    friction = between(rng, 2, 60)
    push = m * a + friction
    after = f"against {friction} N of friction"
    if level == 3:
        question = f"A force of {push} N pushes {m} kg {after}. Find the acceleration in m/s^2."
        wrong = (Fraction(push, m), Fraction(push + friction, m), push - friction, m * a * m)
        return posed(question, a, [add(push, -friction), over(m * a, m)], f"({push}-{friction})/{m}", wrong)
    if level == 4:
        first = between(rng, 1, push - 1)
        question = f"Forces of {first} and {push - first} N push {m} kg {after}. Find the acceleration in m/s^2."
        steps = [add(first, push - first), add(push, -friction), over(m * a, m)]
        wrong = (Fraction(push, m), Fraction(push + friction, m), m * a, Fraction(max(first - friction, 0), m))
        return posed(question, a, steps, f"({first}+{push - first}-{friction})/{m}", wrong)
    t = between(rng, 2, 9)
    question = f"A force of {push} N pushes {m} kg from rest {after}. Find its speed in m/s after {t} s."
    steps = [add(push, -friction), over(m * a, m), times(a, t)]
    wrong = (a, Fraction(push * t, m), Fraction((push + friction) * t, m), a + t, Fraction(a * t * t, 2))
    return posed(question, a * t, steps, f"({push}-{friction})/{m}*{t}", wrong)


def energy(rng: Random, level: int) -> Draft:
    """Work (1), height (2), motion (3), both (4), speeding up against friction (5); in J."""
    wrong: Mistakes
    m, v = between(rng, 2, (60, 25, 60, 12, 12)[level - 1]), between(rng, 2, (12, 25, 10, 8, 8)[level - 1])
    if level == 1:
        question = f"A force of {m} N moves a box by {v} m. Find the work in J."
        return posed(question, m * v, ["W=F*s", times(m, v)], f"{m}*{v}", (m + v, 10 * m * v, m * (v + 1), m * (v - 1)))
    if level == 2:
        question = f"How many J does it take to lift {m} kg by {v} m? Take g=10."
        wrong = (m * v, m + v, 5 * m * v, 10 * m * v * v, 10 * (m + v))
        return posed(question, 10 * m * v, [times(m, v), times(10, m * v)], f"10*{m}*{v}", wrong)
    motion = Fraction(m * v * v, 2)
    if level == 3:
        question = f"A body of {m} kg moves at {v} m/s. Find its kinetic energy in J."
        steps = [times(v, v), times(m, v * v), over(m * v * v, 2)]
        return posed(question, motion, steps, f"{m}*{v}^2/2", (m * v * v, Fraction(m * v, 2), m * v, motion + m))
    if level == 4:
        h = between(rng, 2, 9)
        question = f"A bird of {m} kg flies at {v} m/s and height {h} m. Find its energy in J. Take g=10."
        steps = [times(v, v), times(m, v * v), over(m * v * v, 2), times(m, h), times(10, m * h)]
        steps.append(add(motion, 10 * m * h))
        wrong = (m * v * v + 10 * m * h, motion + m * h, motion, 10 * m * h, Fraction(m * v, 2) + 10 * m * h)
        return posed(question, motion + 10 * m * h, steps, f"{m}*{v}^2/2+10*{m}*{h}", wrong)
    faster, friction, way = v + between(rng, 1, 4), between(rng, 2, 9), between(rng, 2, 20)
    gain, loss = Fraction(m * (faster**2 - v**2), 2), friction * way
    question = (
        f"A body of {m} kg speeds up from {v} to {faster} m/s over {way} m against {friction} N of friction. "
        "How many J does that take?"
    )
    steps = [times(faster, faster), times(v, v), add(faster**2, -(v**2)), times(m, faster**2 - v**2)]
    steps += [over(2 * gain.numerator // gain.denominator, 2), times(friction, way), add(gain, loss)]
    wrong = (2 * gain + loss, gain, gain - loss, Fraction(m * (faster - v) ** 2, 2) + loss)
    return posed(question, gain + loss, steps, f"{m}*({faster}^2-{v}^2)/2+{friction}*{way}", wrong)


def circuit(rng: Random, level: int) -> Draft:
    """Ohm's law; in series (2, 3), in parallel (4), and both (5)."""
    wrong: Mistakes
    r, i = between(rng, 2, (60, 30, 12, 12, 12)[level - 1]), between(rng, 2, (12, 9, 20, 9, 9)[level - 1])
    s = between(rng, 2, (60, 30, 12, 12, 12)[level - 1])
    if level == 1:
        if rng.random() < 0.5:
            question = f"A current of {i} A runs through {r} ohm. Find the voltage in V."
            return posed(
                question, r * i, ["U=R*I", times(r, i)], f"{r}*{i}", (r + i, r * (i + 1), r * (i - 1), 10 * r * i)
            )
        question = f"At {r * i} V a current of {i} A runs. Find the resistance in ohm."
        return posed(question, r, ["R=U/I", over(r * i, i)], f"{r * i}/{i}", (r * i * i, r * i - i, r + i, 2 * r))
    series = f"Resistors of {r} and {s} ohm are in series"
    if level == 2:
        question = f"{series} and carry {i} A. Find the voltage in V."
        wrong = (r * i, s * i, r + s + i, abs(r - s) * i, r * s * i)
        return posed(question, (r + s) * i, [add(r, s), times(r + s, i)], f"({r}+{s})*{i}", wrong)
    if level == 3:
        volts = (r + s) * i
        question = f"{series} at {volts} V. Find the voltage in V over the resistor of {r} ohm."
        steps = [add(r, s), over(volts, r + s), times(i, r)]
        return posed(question, i * r, steps, f"{volts}/({r}+{s})*{r}", (i, i * s, volts, Fraction(volts, 2), i + r))
    if level == 4:
        volts = lcm(r, s) * between(rng, 1, 6)
        question = f"Resistors of {r} and {s} ohm are in parallel at {volts} V. Find the total current in A."
        first, second = volts // r, volts // s
        steps = [over(volts, r), over(volts, s), add(first, second)]
        wrong = (Fraction(volts, r + s), first, second, abs(first - second), volts * (r + s))
        return posed(question, first + second, steps, f"{volts}/{r}+{volts}/{s}", wrong)
    third = between(rng, 1, 30)
    pair = Fraction(r * s, r + s)
    question = f"Resistors of {r} and {s} ohm are in parallel, with {third} ohm in series. Find the resistance in ohm."
    steps = [times(r, s), add(r, s), over(r * s, r + s), add(pair, third)]
    wrong = (
        r + s + third,
        pair,
        Fraction((r + s) * third, r + s + third),
        Fraction(r + s, r * s) + third,
        r * s + third,
    )
    return posed(question, pair + third, steps, f"{r}*{s}/({r}+{s})+{third}", wrong)


def density(rng: Random, level: int) -> Draft:
    """Mass and volume; displaced water (2), a box (3), its density (4), a mixture (5); in g and cm^3."""
    wrong: Mistakes
    d, volume = between(rng, 2, (60, 20, 9, 20, 20)[level - 1]), between(rng, 2, (12, 12, 9, 9, 5)[level - 1])
    mass = d * volume
    if level == 1:
        if rng.random() < 0.5:
            question = f"A stone of {volume} cm^3 has {d} g in each cm^3. Find its mass in g."
            return posed(
                question,
                mass,
                ["m=d*V", times(d, volume)],
                f"{d}*{volume}",
                (d + volume, mass - d, mass + d, 10 * mass),
            )
        question = f"A stone of {mass} g has {volume} cm^3. Find its density in g/cm^3."
        return posed(
            question,
            d,
            ["d=m/V", over(mass, volume)],
            f"{mass}/{volume}",
            (mass * volume, mass - volume, d + volume, 2 * d),
        )
    if level == 2:
        low = between(rng, 10, 60)
        question = f"A stone of {mass} g lifts water from {low} to {low + volume} cm^3. Find its density in g/cm^3."
        steps = [add(low + volume, -low), over(mass, volume)]
        wrong = (mass * volume, Fraction(mass, low), Fraction(mass, low + volume), mass - volume, d + volume)
        return posed(question, d, steps, f"{mass}/({low + volume}-{low})", wrong)
    if level == 5:
        e, other = between(rng, 2, 20), between(rng, 2, 7)
        total, amount = d * volume + e * other, volume + other
        question = (
            f"{volume} cm^3 of {d} g/cm^3 are melted with {other} cm^3 of {e} g/cm^3. Find the density in g/cm^3."
        )
        steps = [times(d, volume), times(e, other), add(mass, e * other), add(volume, other), over(total, amount)]
        wrong = (Fraction(d + e, 2), d + e, total, Fraction(d * other + e * volume, amount))
        return posed(question, Fraction(total, amount), steps, f"({d}*{volume}+{e}*{other})/({volume}+{other})", wrong)
    a, b, c = (between(rng, 2, 9 if level == 3 else 5) for _ in range(3))
    sides, box = f"A box of {a}, {b} and {c} cm", a * b * c
    if level == 3:
        steps = [times(a, b), times(a * b, c), times(box, d)]
        wrong = ((a + b + c) * d, box, a * b * d, box + d, Fraction(box, d))
        question = f"{sides} has {d} g in each cm^3. Find its mass in g."
        return posed(question, box * d, steps, f"{a}*{b}*{c}*{d}", wrong)
    steps = [times(a, b), times(a * b, c), over(box * d, box)]
    wrong = (Fraction(box * d, a + b + c), c * d, box, d * box - box, d + c)
    question = f"{sides} has {box * d} g. Find its density in g/cm^3."
    return posed(question, d, steps, f"{box * d}/({a}*{b}*{c})", wrong)


def lever(rng: Random, level: int) -> Draft:
    """Torque (1), balance (2, 3), two weights (4), weights on both sides (5)."""
    wrong: Mistakes
    f, d = between(rng, 2, (60, 20, 60, 15, 15)[level - 1]), between(rng, 2, (12, 9, 9, 9, 9)[level - 1])
    if level == 1:
        question = f"A force of {f} N acts {d} m from the pivot. Find its torque in N m."
        return posed(question, f * d, ["M=F*l", times(f, d)], f"{f}*{d}", (f + d, f * (d + 1), f * (d - 1), 10 * f * d))
    far = between(rng, 2, (9, 9, 9, 9)[level - 2])
    if level <= 3:
        question = f"A lever holds {f} N at {d} m from the pivot. Which force in N balances it at {far} m?"
        wrong = (f * d, Fraction(f * far, d), abs(f + d - far), f, f * d * far)
        return posed(question, Fraction(f * d, far), [times(f, d), over(f * d, far)], f"{f}*{d}/{far}", wrong)
    g, e = between(rng, 2, 12), between(rng, 2, 9)
    steps = [times(f, d), times(g, e), add(f * d, g * e)]
    total = f * d + g * e
    weights = f"A lever holds {f} N at {d} m and {g} N at {e} m"
    if level == 4:
        question = f"{weights} left of the pivot. Which force in N balances it at {far} m right of it?"
        wrong = (
            total,
            Fraction(f * d, far),
            f + g,
            Fraction((f + g) * (d + e), far),
            Fraction(abs(f * d - g * e), far),
        )
        return posed(question, Fraction(total, far), [*steps, over(total, far)], f"({f}*{d}+{g}*{e})/{far}", wrong)
    h = between(rng, 1, min(9, (total - 1) // 2))
    rest = total - 2 * h
    question = (
        f"{weights} left of the pivot, {h} N at 2 m right of it. Which force in N at {far} m right of it balances it?"
    )
    steps += [times(h, 2), add(total, -2 * h), over(rest, far)]
    wrong = (Fraction(total, far), Fraction(total + 2 * h, far), rest, Fraction(total - h, far), f + g - h)
    return posed(question, Fraction(rest, far), steps, f"({f}*{d}+{g}*{e}-{h}*2)/{far}", wrong)


def pressure(rng: Random, level: int) -> Draft:
    """Force over area (1, 2), weight (3), a hydraulic press (4), a table with a load (5)."""
    wrong: Mistakes
    p, area = between(rng, 2, (60, 30, 30, 20, 12)[level - 1]), between(rng, 2, (12, 6, 6, 12, 4)[level - 1])
    if level == 1:
        if rng.random() < 0.5:
            question = f"A pressure of {p} N/m^2 acts on {area} m^2. Find the force in N."
            return posed(
                question, p * area, ["F=p*A", times(p, area)], f"{p}*{area}", (p + area, p * (area + 1), p * (area - 1))
            )
        question = f"A force of {p * area} N acts on {area} m^2. Find the pressure in N/m^2."
        return posed(
            question, p, ["p=F/A", over(p * area, area)], f"{p * area}/{area}", (p * area * area, p + area, 2 * p)
        )
    b = between(rng, 2, (6, 6, 30, 4)[level - 2])
    plate = area * b
    if level == 2:
        question = f"A force of {p * plate} N acts on a plate of {area} by {b} m. Find the pressure in N/m^2."
        wrong = (Fraction(p * plate, area + b), p * area, p * b, p * plate, Fraction(p * plate, 2 * (area + b)))
        return posed(question, p, [times(area, b), over(p * plate, plate)], f"{p * plate}/({area}*{b})", wrong)
    if level == 4:
        push, large = p * area, b
        question = f"A press takes {push} N on {area} cm^2. Which force in N does it give on {large} cm^2?"
        wrong = (push * large, Fraction(push * area, large), push, p, push + large - area)
        return posed(question, p * large, [over(push, area), times(p, large)], f"{push}/{area}*{large}", wrong)
    legs = 4 if level == 5 else 1
    # Tenfold, the mass gives a weight that the whole area divides.
    mass = p * plate * legs
    if level == 3:
        question = f"A box of {mass} kg stands on {area} by {b} m. Find the pressure in N/m^2. Take g=10."
        steps = [times(10, mass), times(area, b), over(10 * mass, plate)]
        wrong = (p, Fraction(10 * mass, area + b), 10 * p * area, 10 * p * b, 10 * mass)
        return posed(question, 10 * p, steps, f"10*{mass}/({area}*{b})", wrong)
    load = between(rng, 1, mass - 1)
    question = (
        f"A table of {mass - load} kg carries {load} kg on 4 legs of {area} by {b} cm. "
        "Find the pressure in N/cm^2. Take g=10."
    )
    steps = [add(mass - load, load), times(10, mass), times(area, b), times(4, plate), over(10 * mass, 4 * plate)]
    wrong = (p, 40 * p, Fraction(10 * load, 4 * plate), Fraction(10 * (mass - load), 4 * plate), 10 * p * area)
    return posed(question, 10 * p, steps, f"10*({mass - load}+{load})/(4*{area}*{b})", wrong)


DRAWS = (speed, force, energy, circuit, density, lever, pressure)
