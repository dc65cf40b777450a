"""Prompts of several sets become one: each question once, domains in the shares asked for, nothing else changed."""

import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vibethinker.data.mix import distinct_problems, mix_domains, only_domains
from vibethinker.errors import InputError
from vibethinker.records import Problem

DOMAINS = ("algebra", "code", "stem")


def problem(number, domain="algebra", name=None):
    return Problem(name or f"{domain}-{number}", f"{domain} {number}?", str(number), domain, "test")


def order(problems):
    """A subsequence keeps what it has of these in this order."""
    return {each.id: place for place, each in enumerate(problems)}


sets = st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=60).map(
    lambda domains: [problem(number, domain) for number, domain in enumerate(domains)]
)
# Whole numbers, so that what the shares ask for is known exactly.
weights = st.dictionaries(st.sampled_from(DOMAINS), st.integers(1, 12), min_size=1)


@st.composite
def mixes(draw):
    """A set and shares of domains that it has."""
    problems = draw(sets)
    there = {each.domain for each in problems}
    shares = {domain: share for domain, share in draw(weights).items() if domain in there}
    return problems, shares or {problems[0].domain: 1}


@given(mixes(), st.floats(0.001, 1000))
def test_every_domain_has_its_share_to_less_than_one_prompt(mix, scale):
    problems, shares = mix
    kept = mix_domains(problems, {domain: share * scale for domain, share in shares.items()})
    counts = Counter(each.domain for each in kept)
    assert counts.keys() <= shares.keys()
    for domain, share in shares.items():
        assert abs(counts[domain] - Fraction(len(kept) * share, sum(shares.values()))) < 1


@given(mixes(), st.none() | st.integers(1, 70))
def test_there_are_as_many_as_the_shares_allow_and_no_more_than_asked_for(mix, at_most):
    problems, shares = mix
    there = Counter(each.domain for each in problems)
    whole = sum(shares.values())
    largest = int(min(Fraction(there[domain] * whole, share) for domain, share in shares.items()))
    assert len(mix_domains(problems, shares, at_most=at_most)) == min(largest, at_most or largest)


@given(mixes())
def test_the_first_of_each_domain_are_kept_in_the_order_given(mix):
    problems, shares = mix
    kept = mix_domains(problems, shares)
    places = [order(problems)[each.id] for each in kept]
    assert places == sorted(places)
    for domain in shares:
        of_domain = [each for each in kept if each.domain == domain]
        assert of_domain == [each for each in problems if each.domain == domain][: len(of_domain)]


# As floats 9 / (9/14) is less than 14.
@example([problem(number, "algebra" if number < 9 else "code") for number in range(14)])
@given(sets)
def test_the_shares_that_a_set_has_keep_all_of_it(problems):
    assert mix_domains(problems, Counter(each.domain for each in problems)) == problems


def test_a_smaller_set_takes_from_every_domain_not_from_the_first():
    problems = [problem(number, domain) for domain in DOMAINS for number in range(30)]
    kept = mix_domains(problems, Counter(each.domain for each in problems), at_most=12)
    assert Counter(each.domain for each in kept) == dict.fromkeys(DOMAINS, 4)


@given(sets)
def test_domains_that_are_not_named_are_left_out(problems):
    shares = {problems[0].domain: 1.0}
    kept = only_domains(problems, shares)
    assert kept == [each for each in problems if each.domain in shares]
    assert mix_domains(problems, shares) == kept


def test_a_domain_that_is_not_there_is_named_with_those_that_are():
    problems = [problem(1, "stem"), problem(2, "algebra"), problem(3, "algebra")]
    line = "mix names chemistry, geometry, of which there is no prompt: the domains are algebra, stem"
    with pytest.raises(InputError, match=line):
        only_domains(problems, {"geometry": 1, "stem": 1, "chemistry": 2})
    line = re.escape("mix names geometry, of which no prompt is left; left are: algebra (2), stem (1)")
    with pytest.raises(InputError, match=line):
        mix_domains(problems, {"geometry": 1, "stem": 1})
    with pytest.raises(InputError, match="left are: none"):
        mix_domains([], {"geometry": 1})


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_every_question_stands_once_and_every_id_is_of_one_question(pairs):
    problems = [problem(number, name=str(name)) for number, name in pairs]
    kept = distinct_problems(problems)
    first = list(dict.fromkeys(each.question for each in problems))
    assert [each.question for each in kept] == first
    assert len({each.id for each in kept}) == len(kept)


def test_an_id_stays_unless_several_questions_have_it():
    alone, one, other = problem(1, name="7"), problem(2, name="8"), problem(3, name="8")
    kept = distinct_problems([alone, one, alone, other])
    assert [each.answer for each in kept] == ["1", "2", "3"]
    assert kept[0] == alone
    assert "8" not in {each.id for each in kept}
    # Whatever else is in the set: a rerun, and another stage, know it by the same id.
    assert kept[1:] == distinct_problems([other, one])[::-1]
