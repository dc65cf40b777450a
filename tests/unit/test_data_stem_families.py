"""Every STEM family draws exact answers and choices that the verifiers judge as they should, and nothing gives away."""

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

import vibethinker
from vibethinker.algos.ways import WAYS, way_of
from vibethinker.configs.data import ProceduralSource
from vibethinker.data.families import CODE_FAMILIES, DOMAINS, FAMILIES, LEVELS, STEM_DOMAINS, STEM_FAMILIES
from vibethinker.data.families.draft import Draft
from vibethinker.data.families.stem_chemistry import MASSES, acidity, burning, molar_mass
from vibethinker.data.families.stem_choices import LETTERS, options_of, posed
from vibethinker.data.families.stem_computing import gates, number_base
from vibethinker.data.families.stem_nature import inheritance
from vibethinker.data.procedural import choose_families, draw_drills, draw_problems, draw_traces, write_trace
from vibethinker.data.splits import BUCKETS
from vibethinker.verify import judge_responses, verify_answer

DRAWS = 60
MICRO_TOKENIZER = Path(vibethinker.__file__).parent / "assets" / "micro-base" / "tokenizer.json"

each_family = pytest.mark.parametrize("family", STEM_FAMILIES, ids=lambda family: family.name)
each_level = pytest.mark.parametrize("level", LEVELS)


def drafts(family, level, count=DRAWS):
    rng = Random(f"{family.name} {level}")
    return [family.draw(rng, level) for _ in range(count)]


def exact(expression):
    """Evaluate sums, products, quotients and small powers of whole numbers, all exactly."""
    assert re.fullmatch(r"[-+*/^()\d]+", expression), expression
    exact_numbers = re.sub(r"\d+", lambda number: f"Fraction({number[0]})", expression).replace("^", "**")
    return Fraction(eval(exact_numbers, {"Fraction": Fraction}))  # noqa: S307 - digits and signs only, see above


def options(draft):
    return {letter: Fraction(text) for letter, text in re.findall(r"\(([A-D])\) (\S+)", draft.question)}


def right_value(draft):
    return options(draft)[draft.answer] if draft.kind == "choice" else Fraction(draft.answer)


def off_by(answer, *amounts):
    return {str(Fraction(answer) + amount) for amount in amounts}


def calculation(draft):
    """Return the brief way's expression; of a choice without the value behind it."""
    return draft.expression.partition("=")[0]


@each_family
@each_level
def test_steps_and_expression_give_the_answer(family, level):
    for draft in drafts(family, level):
        for step in draft.steps:
            left, equals, right = step.partition("=")
            # A line of words or letters, such as ``F=m*a``, is no calculation.
            assert not equals or step[0].isalpha() or exact(left) == exact(right), (draft.question, step)
        assert exact(calculation(draft)) == right_value(draft), draft
        assert exact(draft.steps[-1].rpartition("=")[2]) == right_value(draft), draft


# Of these, numbers of the calculation are counted, read off bits or digits, or are powers: they stand in no question.
COUNTED = {"gates", "number_base", "half_life", "growth", "acidity", "inheritance", "burning"}

# Those of the laws (m*v^2/2, 10*m*h, 4 legs, 8 bits) and of H2O (2*1+16), and a count of 1 that no formula writes.
OF_THE_LAWS = {1, 2, 4, 8, 10, 16}


@pytest.mark.parametrize(
    "family", [family for family in STEM_FAMILIES if family.name not in COUNTED], ids=lambda f: f.name
)
@each_level
def test_all_other_numbers_of_the_calculation_stand_in_the_question(family, level):
    for draft in drafts(family, level, 20):
        stated = {int(number) for number in re.findall(r"\d+", draft.question.partition(" (A)")[0])}
        used = {int(number) for number in re.findall(r"\d+", calculation(draft))}
        assert used <= stated | OF_THE_LAWS, draft


@each_family
@each_level
def test_the_verifier_accepts_every_way_and_refuses_altered_answers(family, level):
    for draft in drafts(family, level, 12):
        gold = draft.answer_text
        for way in WAYS:
            trace = write_trace(draft, way)
            assert way_of(trace) == way
            assert verify_answer(gold, trace, draft.kind).correct is True
        altered = (
            set(LETTERS) - {gold} if draft.kind == "choice" else {str(draft.answer + 1), str(draft.answer + 1 / 3)}
        )
        for other in altered:
            assert verify_answer(gold, rf"\boxed{{{other}}}", draft.kind).correct is False
            assert verify_answer(other, write_trace(draft, "brief"), draft.kind).correct is False


@each_family
@each_level
def test_both_forms_come_up_and_a_choice_has_four_distinct_positive_options_of_one_look(family, level):
    drawn = drafts(family, level, 200)
    choices = [draft for draft in drawn if draft.kind == "choice"]
    assert 0.3 < len(choices) / len(drawn) < 0.7
    for draft in choices:
        listed = options(draft)
        assert list(listed) == list(LETTERS)
        assert len(set(listed.values())) == len(LETTERS)
        assert min(listed.values()) > 0
        assert len({value.denominator == 1 for value in listed.values()}) == 1, draft.question


@each_family
def test_neither_the_letter_nor_the_size_of_an_option_gives_the_right_one_away(family):
    letters: Counter[str] = Counter()
    ranks: Counter[int] = Counter()
    for level in LEVELS:
        for draft in drafts(family, level, 300):
            if draft.kind == "choice":
                letters[draft.answer] += 1
                ranks[sorted(options(draft).values()).index(right_value(draft))] += 1
    total = letters.total()
    for count in (*(letters[letter] for letter in LETTERS), *(ranks[place] for place in range(len(LETTERS)))):
        # A quarter, give or take four standard deviations at the 700 choices or so that there are.
        assert 0.18 < count / total < 0.33, (letters, ranks)


@each_family
@each_level
def test_a_question_has_one_form_and_one_order_of_options(family, level):
    forms: dict[str, Draft] = {}
    for draft in drafts(family, level, 400):
        stem = draft.question.partition(" (A)")[0]
        assert forms.setdefault(stem, draft) == draft


DISTINCT = 500


@each_family
@each_level
def test_there_are_enough_distinct_questions_at_every_level(family, level):
    rng = Random(9)
    seen: set[str] = set()
    draws = 0
    while len(seen) < DISTINCT and draws < 20_000:
        seen.add(family.draw(rng, level).question)
        draws += 1
    assert len(seen) >= DISTINCT


@each_family
def test_numbers_and_traces_are_of_the_size_of_the_other_domains(family):
    tokenizer = Tokenizer.from_file(str(MICRO_TOKENIZER))
    for level in LEVELS:
        for draft in drafts(family, level):
            for way in WAYS:
                assert len(tokenizer.encode(write_trace(draft, way)).ids) <= 96, draft
            assert len(tokenizer.encode(draft.question).ids) <= 120, draft.question
            assert right_value(draft).denominator <= 120


def test_there_are_many_families_and_levels_get_harder():
    assert len(STEM_FAMILIES) >= 10
    assert {family.domain for family in STEM_FAMILIES} == set(STEM_DOMAINS) == {"stem"}
    names = [family.name for family in FAMILIES + CODE_FAMILIES + STEM_FAMILIES]
    assert len(set(names)) == len(names)
    lengths = [
        sum(len("".join(draft.steps)) for family in STEM_FAMILIES for draft in drafts(family, level, 20))
        for level in LEVELS
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 2 * lengths[0]


def test_stem_is_drawn_only_where_it_is_asked_for():
    assert choose_families(DOMAINS, None) == list(FAMILIES)
    assert choose_families(["stem"], None) == list(STEM_FAMILIES)
    assert "stem" not in ProceduralSource(count=1).domains
    assert ProceduralSource(count=1, domains=("stem",), families=("lever",)).domains == ("stem",)


def test_problems_of_both_kinds_are_judged_by_their_own_verifier():
    drawn = draw_problems(STEM_FAMILIES, LEVELS, BUCKETS["rl"], count=400, rng=Random(2))
    assert {item.problem.kind for item in drawn} == {"math", "choice"}
    assert {item.problem.domain for item in drawn} == {"stem"}
    traces = draw_traces(drawn, {"careful": 1, "brief": 1, "direct": 1}, per_problem=1, rng=Random(3))
    verdicts = judge_responses(
        [item.problem.kind for item in drawn],
        [item.problem.answer for item in drawn],
        [trace.text for trace in traces],
    )
    assert {verdict.status for verdict in verdicts} == {"match"}


def test_steps_are_fit_for_drills():
    drawn = draw_problems(STEM_FAMILIES, LEVELS, BUCKETS["train"], count=300, rng=Random(2))
    for pieces in draw_drills(drawn, count=300, rng=Random(4)):
        for given_part, learned in zip(pieces[::2], pieces[1::2], strict=True):
            assert exact(given_part.strip().removesuffix("=")) == exact(learned), (given_part, learned)


positive = st.builds(Fraction, st.integers(1, 500), st.integers(1, 12))


@given(positive, st.lists(st.builds(Fraction, st.integers(-50, 500), st.integers(1, 12)), max_size=8), st.integers())
def test_options_hold_the_value_once_and_are_distinct_positive_and_of_its_look(value, mistakes, seed):
    found = options_of(value, mistakes, Random(seed))
    assert len(set(found)) == len(found) == len(LETTERS)
    assert found.count(value) == 1
    assert min(found) > 0
    assert len({option.denominator == 1 for option in found}) == 1


@given(st.integers(50, 500), st.integers())
def test_typical_mistakes_come_before_near_misses(value, seed):
    mistakes = [value - 25, value - 26, value - 27, value + 25, value + 26, value + 27]
    assert set(options_of(value, mistakes, Random(seed))) <= {value, *mistakes}


@pytest.mark.parametrize("value", [0, -3, Fraction(-1, 2)])
def test_a_value_that_is_not_positive_is_refused(value):
    with pytest.raises(ValueError, match="need a value above 0, got"):
        options_of(value, [], Random(0))


def test_a_choice_is_answered_by_its_letter_and_nothing_else():
    draft = next(found for found in (posed(f"Find {n}.", n, [f"{n}+0={n}"], f"{n}+0", [n + 7]) for n in range(50, 90))
                 if found.kind == "choice")  # fmt: skip
    value = right_value(draft)
    assert verify_answer(draft.answer_text, rf"The answer is \boxed{{{draft.answer}}}.", "choice").correct is True
    assert verify_answer(draft.answer_text, rf"\boxed{{{value}}}", "choice").correct is False
    assert write_trace(draft, "brief") == f"{value}+0={value}\n\\boxed{{{draft.answer}}}"


# What follows works the questions out a second time, from their text alone.


@each_level
def test_molar_masses_are_those_of_the_formula_in_the_question(level):
    def weight(formula):
        total = 0
        for group, times, element, count in re.findall(r"\(([A-Za-z\d]+)\)(\d*)|([A-Z][a-z]?)(\d*)", formula):
            total += weight(group) * int(times or 1) if group else MASSES[element] * int(count or 1)
        return total

    for draft in drafts_of(molar_mass, level):
        formula, water = found(r"molar mass of (\S+)(?: with (\d+) H2O)? in", draft.question)
        assert right_value(draft) == weight(formula) + int(water or 0) * weight("H2O"), draft.question


@pytest.mark.parametrize("level", [3, 4, 5])
def test_oxygen_is_balanced_when_a_compound_burns(level):
    for draft in drafts_of(burning, level):
        molecules = int(draft.question.split()[0])
        c, h, o = (int(count or 1) if element else 0 for element, count in counts_of(draft.question.split()[3]))
        o2 = right_value(draft)
        assert 2 * o2 + molecules * o == molecules * c * 2 + Fraction(molecules * h, 2), draft.question


def counts_of(formula):
    found = dict(re.findall(r"([CHO])(\d*)", formula))
    return [(element if element in found else "", found.get(element, "")) for element in "CHO"]


@each_level
def test_diluting_tenfold_moves_the_ph_by_one_towards_seven(level):
    for draft in drafts_of(acidity, level):
        kind, start, *_ = found(r"strong (\w+) of pH (\d+)", draft.question)
        volumes = [int(volume) for volume in re.findall(r"(\d+) mL", draft.question)]
        tens = len(str(volumes[-1] // volumes[0])) - 1
        assert volumes[-1] == volumes[0] * 10**tens
        end = int(start) + (tens if kind == "acid" else -tens)
        assert (end < 7) == (kind == "acid")
        assert right_value(draft) == (14 - end if "OH-" in draft.question else end), draft.question


@each_level
def test_children_are_counted_by_listing_the_punnett_square(level):
    for draft in drafts_of(inheritance, level):
        first, second = found(r"Parents (\w+) and (\w+)", draft.question)
        shown = found(r"show ([\w ]+?)[.?]", draft.question)[0].split(" and ")
        share = Fraction(1)
        for gene, wanted in enumerate(shown):
            fields = [a + b for a in first[2 * gene : 2 * gene + 2] for b in second[2 * gene : 2 * gene + 2]]
            share *= Fraction(sum((wanted.upper() in field) == wanted.isupper() for field in fields), len(fields))
        number = int(found(r"(\d+) children", draft.question)[0])
        expected = number / share if "in all" in draft.question else number * share
        assert right_value(draft) == expected, draft.question


@each_level
def test_number_bases_agree_with_pythons_own_reading(level):
    for draft in drafts_of(number_base, level):
        if "of base" in draft.question:
            number, base = found(r"Write (\d+) of base (\d)", draft.question)
            assert right_value(draft) == int(number, int(base))
        else:
            value, base = map(int, found(r"number (\d+) in base (\d)", draft.question))
            assert int(str(right_value(draft)), base) == value


@each_level
def test_gates_agree_with_pythons_own_bits(level):
    for draft in drafts_of(gates, level):
        asked = found(r"Find (.+) bit by bit", draft.question)[0]
        width = len(found(r"([01]+)", asked)[0])
        python = re.sub(r"([01]{4,})", r"0b\1", asked)
        for name, sign in (("XOR", "^"), ("AND", "&"), ("OR", "|"), ("NOT", f"{2**width - 1} ^")):
            python = python.replace(name, sign)
        assert re.fullmatch(r"[01b&|^() \d]+", python)
        assert right_value(draft) == eval(python), draft.question  # noqa: S307 - digits and signs only, see above


def found(pattern, text):
    """Return the groups of a pattern that must be in the text."""
    match = re.search(pattern, text)
    assert match, text
    return match.groups()


def drafts_of(draw, level):
    rng = Random(level)
    return [draw(rng, level) for _ in range(DRAWS)]
