r"""What every answer obeys, by generated numbers and structures: the oracle is Fraction, Decimal or the construction.

An answer that is left to the slow path (None) counts as no match.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from hypothesis import assume, example, given
from hypothesis import strategies as st

from vibethinker.verify.math_answer import judge_math


def same(gold: str, answer: str) -> bool:
    verdict = judge_math(gold, answer)
    return verdict is not None and verdict.correct is True


def other(gold: str, answer: str) -> bool:
    """Tell whether the gold answer is accepted as one, and the answer is not it."""
    verdict = judge_math(gold, answer)
    return same(gold, gold) and (verdict is None or verdict.correct is False)


def frac(number: Fraction) -> str:
    r"""Write a number with \frac where it needs one, its sign before it."""
    sign = "-" if number < 0 else ""
    if number.denominator == 1:
        return str(number.numerator)
    return rf"{sign}\frac{{{abs(number.numerator)}}}{{{number.denominator}}}"


def repeating(number: Fraction) -> str:
    """Write a number as a decimal, with a bar over what repeats."""
    whole, rest = divmod(abs(number.numerator), number.denominator)
    digits, places = "", {}
    while rest and rest not in places:
        places[rest] = len(digits)
        digit, rest = divmod(10 * rest, number.denominator)
        digits += str(digit)
    if rest:
        digits = rf"{digits[: places[rest]]}\overline{{{digits[places[rest] :]}}}"
    return f"{'-' if number < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def mixed(number: Fraction) -> str:
    whole, rest = divmod(abs(number.numerator), number.denominator)
    sign = "-" if number < 0 else ""
    return rf"{sign}{whole}\frac{{{rest}}}{{{number.denominator}}}" if whole and rest else frac(number)


RATIONAL_FORMS = [
    frac,
    repeating,
    mixed,
    lambda q: f"{q.numerator}/{q.denominator}",
    lambda q: rf"\dfrac{{{3 * q.numerator}}}{{{3 * q.denominator}}}",
    lambda q: rf"\left(\tfrac{{{-q.numerator}}}{{{-q.denominator}}}\right)",
    lambda q: rf"{{{q.numerator} \over {q.denominator}}}",
    lambda q: rf"{q.numerator}\cdot {q.denominator}^{{-1}}",
    lambda q: rf"\frac{{{q.numerator - q.denominator}}}{{{q.denominator}}}+1",
    lambda q: rf"${q.numerator} \div {q.denominator}$",
    lambda q: (
        rf"\sqrt{{{q.numerator**2}}}/{q.denominator}"
        if q >= 0
        else rf"-\frac{{\sqrt{{{q.numerator**2}}}}}{{{q.denominator}}}"
    ),
]

rationals = st.builds(Fraction, st.integers(-400, 400), st.integers(1, 60))
entries = st.builds(Fraction, st.integers(-40, 40), st.integers(1, 9))
forms = st.sampled_from(RATIONAL_FORMS)
distinct = st.lists(entries, min_size=2, max_size=5, unique=True)


@given(rationals, forms, forms)
def test_a_rational_in_any_form_equals_itself(number, one, another):
    assert same(one(number), another(number))


@given(rationals, rationals, forms, forms)
def test_two_rationals_differ_in_any_form(number, different, one, another):
    assume(number != different)
    # A decimal with three digits stands for all that rounds to it; the next law is about those.
    assume(not (one is repeating and re.search(r"\.\d*$", one(number))))
    assert other(one(number), another(different))


@given(st.integers(-999_999, 999_999), st.integers(1, 5), st.integers(-200, 200), st.integers(0, 2))
@example(1415, 3, 0, 0)
@example(250, 3, 5, 1)
def test_a_decimal_of_three_digits_stands_for_all_that_rounds_to_it(digits, places, offset, finer):
    gold = Decimal(digits).scaleb(-places)
    answer = gold + Decimal(offset).scaleb(-places - finer)
    unit = Decimal(1).scaleb(-places)
    assume(abs(digits) >= 100)
    assume(abs(answer - answer.quantize(unit, ROUND_HALF_EVEN)) * 2 != unit)
    expected = answer.quantize(unit, ROUND_HALF_EVEN) == gold
    assert same(f"{gold:f}", f"{answer:f}") is expected
    assert same(f"{gold:f}", frac(Fraction(answer))) is expected


@given(st.integers(-99, 99), st.integers(1, 2), st.integers(-99, 99), st.integers(0, 3))
def test_a_decimal_of_two_digits_is_exact(digits, places, offset, finer):
    gold = Decimal(digits).scaleb(-places)
    answer = gold + Decimal(offset).scaleb(-places - finer)
    assert same(f"{gold:f}", f"{answer:f}") is (offset == 0)


@given(st.integers(100, 99_999), st.integers(1, 4))
def test_a_decimal_with_fewer_digits_than_the_gold_one_is_not_it(digits, places):
    assume(digits % 10 != 0)
    gold = Decimal(digits).scaleb(-places)
    assert other(f"{gold:f}", f"{gold.quantize(Decimal(1).scaleb(1 - places), ROUND_HALF_EVEN):f}")


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", "{,}", r"\,", " ", r",\!"]), st.integers(-2000, 2000))
def test_the_thousands_may_be_grouped(number, separator, offset):
    grouped = f"{number:,}".replace(",", separator)
    assert same(str(number), grouped)
    assert same(grouped, f"{number}.0")
    assert same(str(number + offset), grouped) is (offset == 0)


@given(
    st.integers(-9999, 9999), st.integers(-12, 12), st.integers(-12, 12), st.sampled_from([r"\times", r"\cdot", "*"])
)
def test_powers_of_ten_count(digits, exponent, wrong, times):
    assume(digits and wrong != exponent)
    text = rf"{Decimal(digits) / 100} {times} 10^{{{exponent}}}"
    assert same(frac(Fraction(digits, 100) * Fraction(10) ** exponent), text)
    assert other(frac(Fraction(digits, 100) * Fraction(10) ** wrong), text)


@given(st.integers(1, 9999), st.integers(0, 2), st.sampled_from([r"\%", "%", r" \%", r"\text{ percent}"]))
def test_a_percentage_is_a_hundredth_and_may_lose_its_sign(digits, places, sign):
    number = Fraction(digits, 10**places)
    text = f"{Decimal(digits).scaleb(-places):f}{sign}"
    exact = rf"{frac(number)}\%" if number.denominator == 1 else text
    assert same(frac(number / 100), text)
    assert same(exact, frac(number / 100))
    assert same(exact, text.removesuffix(sign))
    assert other(exact, frac(10 * number) + r"\%")
    assert number / 100 == number or other(frac(number), text)


@given(distinct, st.randoms(use_true_random=False), forms)
def test_a_set_has_no_order_and_a_tuple_has_one(numbers, rng, form):
    shuffled = rng.sample(numbers, len(numbers))
    gold, answer = ", ".join(map(frac, numbers)), ", ".join(map(form, shuffled))
    assert same(rf"\{{{gold}\}}", rf"\left\{{{answer}\right\}}")
    assert same(rf"\{{{gold}\}}", answer)
    assert same(gold, answer)
    assert same(gold, answer.replace(", ", r" \text{ or } "))
    assert same(f"({gold})", rf"\left({answer}\right)") is (numbers == shuffled)
    assert same(f"({gold})", answer) is (numbers == shuffled)
    assert other(f"({gold})", rf"\{{{answer}\}}")
    assert other(rf"\{{{gold}\}}", f"({answer})")


@given(distinct, entries, st.data())
def test_a_member_changed_missing_or_added_is_another_set(numbers, stranger, data):
    place = data.draw(st.integers(0, len(numbers) - 1))
    assume(stranger not in numbers)
    replaced = [*numbers[:place], stranger, *numbers[place + 1 :]]
    for wrong in (replaced, [*numbers, stranger], numbers[:place] + numbers[place + 1 :]):
        for opening, closing in ((r"\{", r"\}"), ("(", ")"), ("", "")):
            gold = opening + ", ".join(map(frac, numbers)) + closing
            assert other(gold, opening + ", ".join(map(frac, wrong)) + closing)


@given(st.lists(st.lists(entries, min_size=2, max_size=2, unique=True), min_size=2, max_size=3, unique_by=tuple))
def test_points_may_change_places_but_not_their_coordinates(points):
    texts = [f"({frac(x)}, {frac(y)})" for x, y in points]
    assert same(", ".join(texts), ", ".join(reversed(texts)))
    turned = [[y, x] for x, y in points]
    if sorted(turned) != sorted(points):
        assert other(", ".join(texts), ", ".join(f"({frac(x)}, {frac(y)})" for x, y in turned))


def interval(low, high, closed, style):
    """Write an interval of which either end is closed or not; None is an end at infinity."""
    left = r"-\infty" if low is None else frac(low)
    right = r"\infty" if high is None else frac(high)
    opening, closing = "[" if closed[0] and low is not None else "(", "]" if closed[1] and high is not None else ")"
    if style == "brackets" or low is high:
        return f"{opening}{left},{right}{closing}"
    if style == "stretched":
        return rf"x \in \left{opening}{left}, {right}\right{closing}"
    below, above = (r"\le " if opening == "[" else "<"), (r"\leq " if closing == "]" else "<")
    if low is None:
        return f"x {above} {right}"
    if high is None:
        turned = ">" if below == "<" else r"\geq"
        return f"{left} {below} x" if style == "relation" else f"x {turned} {left}"
    return f"{left} {below} x {above} {right}"


ends = st.lists(entries, min_size=2, max_size=2, unique=True).map(sorted)
bounds = st.tuples(ends, st.sampled_from(["both", "low", "high"])).map(
    lambda drawn: (drawn[0][0] if drawn[1] != "high" else None, drawn[0][1] if drawn[1] != "low" else None)
)
kinds = st.tuples(st.booleans(), st.booleans())
styles = st.sampled_from(["brackets", "stretched", "relation", "turned"])


@given(bounds, kinds, kinds, styles, styles)
def test_an_interval_is_its_ends_and_whether_they_belong_to_it(pair, closed, wrong, one, another):
    low, high = pair
    gold = interval(low, high, closed, one)
    assert same(gold, interval(low, high, closed, another))
    if interval(low, high, closed, "brackets") != interval(low, high, wrong, "brackets"):
        assert other(gold, interval(low, high, wrong, another))
    moved = (low if low is None else low - 1, high if low is not None else high + 1)
    assert other(gold, interval(*moved, closed, another))


@given(st.lists(entries, min_size=4, max_size=4, unique=True).map(sorted), kinds, styles)
def test_a_union_has_no_order(ends, closed, style):
    first, second = ((ends[0], ends[1]), (ends[2], ends[3]))
    one, two = interval(*first, closed, "brackets"), interval(*second, closed, "brackets")
    gold = rf"{one}\cup{two}"
    assert same(gold, rf"{two} \cup {one}")
    assert same(gold, rf"{interval(*second, closed, 'relation')} \text{{ or }} {interval(*first, closed, 'relation')}")
    assert other(gold, one)
    assert other(gold, rf"{one}\cap{two}")
    assert other(gold, interval(ends[0], ends[3], closed, style))


ENVIRONMENTS = [
    (r"\begin{pmatrix}", r"\end{pmatrix}"),
    (r"\begin{bmatrix} ", r" \end{bmatrix}"),
    (r"\left(\begin{array}{ccc}", r"\end{array}\right)"),
    (r"\left[ \begin{matrix}", r" \\ \end{matrix} \right]"),
]
environments = st.sampled_from(ENVIRONMENTS)
matrices = st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda shape: st.lists(
        st.lists(entries, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


def matrix(rows, environment):
    return r" \\ ".join(" & ".join(map(frac, row)) for row in rows).join(environment)


@given(matrices, environments, environments, entries, st.data())
def test_a_matrix_is_its_entries_in_their_places(rows, one, another, stranger, data):
    gold = matrix(rows, one)
    assert same(gold, matrix(rows, another))
    i, j = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    assume(stranger != rows[i][j])
    changed = [list(row) for row in rows]
    changed[i][j] = stranger
    assert other(gold, matrix(changed, another))
    turned = [list(column) for column in zip(*rows, strict=True)]
    if turned != rows:
        assert other(gold, matrix(turned, another))
    if len(rows) == 1 < len(rows[0]) or len(rows[0]) == 1 < len(rows):
        assert same(gold, f"({', '.join(frac(entry) for row in rows for entry in row)})")


def linear(a, b, c):
    """Write ax + by + c with its coefficients, all signs shown as a reader would."""
    text = "".join(f"{'-' if q < 0 else '+'}{frac(abs(q))}{name}" for q, name in ((a, "x"), (b, "y"), (c, "")) if q)
    return text.removeprefix("+") or "0"


nonzero = entries.filter(bool)


@given(nonzero, nonzero, entries, nonzero, nonzero)
def test_an_equation_may_be_multiplied_and_turned_but_not_changed(a, b, c, factor, change):
    gold = f"{linear(a, b, c)}=0"
    assert same(gold, f"0={linear(factor * a, factor * b, factor * c)}")
    assert same(gold, f"y={linear(-a / b, Fraction(0), -c / b)}")
    assert other(gold, f"{linear(a, b, c + change)}=0")
    assert other(gold, f"{linear(a, -b, c)}=0")


@given(entries, st.sampled_from("<>"), nonzero)
def test_a_negative_factor_turns_an_inequality(end, sign, factor):
    gold, turned = f"x{sign}{frac(end)}", {"<": ">", ">": "<"}[sign]
    left, right = linear(factor, Fraction(0), Fraction(0)), frac(factor * end)
    assert same(gold, f"{left} {sign if factor > 0 else turned} {right}")
    assert other(gold, f"{left} {turned if factor > 0 else sign} {right}")


@given(entries, nonzero, st.sampled_from([r"{1}i", r"{1}\mathrm{{i}}", r"i\cdot {1}", r"{1} i"]))
def test_a_complex_number_is_not_its_conjugate(real, imaginary, style):
    part = style.format("", rf"\frac{{{abs(imaginary).numerator}}}{{{abs(imaginary).denominator}}}")
    sign, opposite = ("-", "+") if imaginary < 0 else ("+", "-")
    gold = f"{frac(real)}{sign}{frac(abs(imaginary))}i"
    assert same(gold, f"{frac(real)} {sign} {part}")
    assert same(gold, rf"{sign}{part}+\left({frac(real)}\right)")
    assert other(gold, f"{frac(real)} {opposite} {part}")


@given(entries, nonzero, st.integers(2, 30))
def test_plus_minus_is_both(middle, half, radicand):
    for step in (frac(abs(half)), rf"\sqrt{{{radicand}}}"):
        gold = rf"{frac(middle)}\pm{step}"
        assert same(gold, f"{frac(middle)}-{step}, {frac(middle)}+{step}")
        assert same(f"{frac(middle)}+{step}, {frac(middle)}-{step}", gold)
        assert other(gold, f"{frac(middle)}+{step}")
        assert other(f"{frac(middle)}-{step}", gold)
        assert other(gold, rf"{frac(middle + 1)}\pm{step}")


UNITS = {
    "cm": ("cm", "centimeters", "centimetres", "centimeter"),
    "m": ("m", "meters", "metres"),
    "km": ("km", "kilometers", "kilometres"),
    "in": ("inches", "inch"),
    "ft": ("ft", "feet"),
    "kg": ("kg", "kilograms"),
    "g": ("g", "grams"),
    "h": ("hours", "hour", "h"),
    "min": ("minutes", "min"),
    "s": ("seconds", "s"),
    "$": ("dollars",),
    "l": ("liters", "L", "litres"),
}
units = st.sampled_from(sorted(UNITS))


@given(
    st.integers(1, 9999),
    units,
    units,
    st.sampled_from([r"\text{{ {}}}", r"\,\mathrm{{{}}}", r"~\text{{{}}}"]),
    st.data(),
)
def test_a_unit_may_be_left_out_but_not_be_another(number, unit, different, style, data):
    draw = lambda name: style.format(data.draw(st.sampled_from(UNITS[name])))  # noqa: E731
    gold = f"{number}{draw(unit)}"
    assert same(gold, f"{number}{draw(unit)}")
    assert same(gold, str(number))
    assert same(str(number), gold)
    assert other(gold, f"{number + 1}{draw(unit)}")
    assert other(gold, f"{number}{draw(unit)}^2")
    assert unit == different or other(gold, f"{number}{draw(different)}")


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(1, 9), st.data())
def test_a_ratio_may_be_multiplied_but_not_reordered(terms, factor, data):
    gold = ":".join(map(str, terms))
    assume(len(terms) > 2 or not re.fullmatch(r"\d{1,2}:\d\d", gold))
    scaled = ":".join(str(factor * term) for term in terms)
    assume(len(terms) > 2 or not re.fullmatch(r"\d{1,2}:\d\d", scaled))
    assert same(gold, scaled)
    shuffled = data.draw(st.permutations(terms))
    if shuffled != terms and not (len(terms) == 2 and re.fullmatch(r"\d{1,2}:\d\d", ":".join(map(str, shuffled)))):
        assert other(gold, ":".join(map(str, shuffled)))


@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_a_base_may_be_left_out_but_not_be_another(base, different, data):
    digits = str(data.draw(st.integers(1, base - 1))) + data.draw(st.text("012345678"[:base], min_size=1, max_size=8))
    gold = f"{digits}_{base}"
    assert same(gold, f"{digits}_{{{base}}}")
    assert same(gold, digits)
    assert other(digits, gold)
    assert other(gold, str(int(digits, base)))
    assert base == different or other(gold, f"{digits}_{{{different}}}")


names = st.sampled_from(
    ["x", "y", "n", "k", "S", "a_1", r"\theta", "AB", r"\angle ABC", "f(3)", "P(A)", r"\text{Area}"]
)


@given(rationals, rationals, names, forms)
def test_a_name_before_a_value_may_be_left_out_but_not_change(number, wrong, name, form):
    named = f"{name} = {form(number)}"
    assert same(frac(number), named)
    assert same(f"{name}={frac(number)}", form(number))
    assert same(f"{name}={frac(number)}", named)
    assert same(frac(number), f"{name}={frac(number - 1)}+1={form(number)}")
    assert other(f"z={frac(number)}", named)
    assert number == wrong or other(f"{name}={frac(wrong)}", f"{name}={frac(number)}")
