"""Every code family draws problems whose program passes its tests, and whose tests tell it from its neighbours."""

import json
import re
from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from vibethinker.algos.ways import WAYS, way_of
from vibethinker.data.families import CODE_DOMAINS, CODE_FAMILIES, DOMAINS, FAMILIES, LEVELS
from vibethinker.data.families.draft import tests_of as calls_as_json
from vibethinker.data.procedural import choose_families, draw_drills, draw_problems, draw_traces, write_trace
from vibethinker.data.splits import BUCKETS

DRAWS = 40

each_family = pytest.mark.parametrize("family", CODE_FAMILIES, ids=lambda family: family.name)
each_level = pytest.mark.parametrize("level", LEVELS)


def drafts(family, level, count=DRAWS):
    rng = Random(f"{family.name} {level}")
    return [family.draw(rng, level) for _ in range(count)]


def calls_of(draft):
    return json.loads(draft.answer)["calls"]


def passes(program, draft):
    """Run our own generated text, or a mutation of it, on the draft's calls."""
    scope: dict[str, Any] = {}
    exec(program, scope)  # noqa: S102 - text of our own families
    try:
        results = [(scope["f"](*call["arguments"]), call["expected"]) for call in calls_of(draft)]
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return False
    return all(type(got) is type(expected) and got == expected for got, expected in results)


def mutations(program):
    """Yield the program with one constant off by one, one sign turned or one comparison loosened."""
    start = program.index("\n")
    for number in re.finditer(r"\d+", program):
        for change in (-1, 1):
            yield f"constant {change:+d}", splice(program, number, str(int(number[0]) + change))
    for sign in re.finditer(r"[-+](?=(\d+))", program):
        # An alphabet moved by half its length on or back is the same.
        if "ord" in program and int(sign[1]) % 13 == 0:
            continue
        yield "sign", splice(program, sign, "-" if sign[0] == "+" else "+")
    for comparison in re.finditer(r"[<>]", program):
        yield "loose comparison", splice(program, comparison, comparison[0] + "=")
        yield "turned comparison", splice(program, comparison, ">" if comparison[0] == "<" else "<")
    for bound in re.finditer(r"\bm(ax|in)\b", program):
        if bound.start() > start:
            yield "swapped bound", splice(program, bound, "min" if bound[0] == "max" else "max")


def splice(text, match, new):
    return text[: match.start()] + new + text[match.end() :]


def exact(expression):
    """Evaluate sums, products, quotients and remainders of whole numbers, all exactly."""
    assert re.fullmatch(r"[-+*/%()\d]+", expression), expression
    exact_numbers = re.sub(r"\d+", lambda number: f"Fraction({number[0]})", expression)
    return eval(exact_numbers, {"Fraction": Fraction})  # noqa: S307 - digits and signs only, see above


@each_family
@each_level
def test_the_program_passes_its_own_tests(family, level):
    for draft in drafts(family, level):
        assert passes(draft.program, draft), (draft.question, draft.program)


@each_family
@each_level
def test_four_to_seven_calls_none_twice_and_not_all_with_one_result(family, level):
    for draft in drafts(family, level):
        assert json.loads(draft.answer)["function"] == "f"
        calls = calls_of(draft)
        arguments = [json.dumps(call["arguments"]) for call in calls]
        assert 4 <= len(calls) <= 7
        assert len(set(arguments)) == len(arguments)
        assert len({json.dumps(call["expected"]) for call in calls}) > 1


@each_family
@each_level
def test_a_mutated_program_fails(family, level):
    tried: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    for draft in drafts(family, level):
        for kind, program in mutations(draft.program):
            tried[kind] += 1
            if passes(program, draft):
                survived[kind] += 1
    assert tried["constant +1"] >= DRAWS
    assert {kind: count for kind, count in survived.items() if count > 0.05 * tried[kind]} == {}


@each_family
@each_level
def test_a_program_that_knows_only_the_examples_fails(family, level):
    for draft in drafts(family, level):
        examples = dict(re.findall(r'[fg]\(("\w+"|\d+|\[[-\d,]+\])\)=("\w+"|-?\d+|\[[-\d,]+\])', draft.question))
        table = "".join(f"    if x=={given}:\n        return {result}\n" for given, result in examples.items())
        assert not passes(f"def f(x):\n{table}    return None", draft)
        for call in calls_of(draft):
            assert not passes(f"def f(x):\n    return {call['expected']!r}", draft)
        unseen = [call for call in calls_of(draft) if json.dumps(call["arguments"][0]) not in examples]
        assert len(unseen) >= 3


def test_families_that_show_examples_are_among_those_tried():
    shown = {family.name for family in CODE_FAMILIES if re.search(r"[fg]\(.+\)=", drafts(family, 1, 1)[0].question)}
    assert shown == {"linear_rule", "digit_sum", "letter_shift", "item_rule"}


@each_family
@each_level
def test_steps_and_brief_equations_are_true_and_lead_to_the_program(family, level):
    for draft in drafts(family, level):
        equations = [*draft.steps, *draft.expression.split(", ")]
        if family.name == "letter_shift":
            letters = equations.pop(0)
            assert all(ord(one[0]) - 97 == int(one[2:]) for one in letters.split(", "))
        for equation in equations:
            left, _, right = equation.partition("=")
            assert exact(left) == exact(right), (draft.question, equation)
        constants = set(re.findall(r"\d+", draft.program))
        ends = [draft.steps[-1], *draft.expression.split(", ")]
        for end in ends:
            assert re.findall(r"\d+", end)[-1] in constants, (draft.question, end, draft.program)


@each_family
@each_level
def test_questions_are_distinct_enough(family, level):
    rng = Random(level)
    assert len({family.draw(rng, level).question for _ in range(3000)}) >= 500


@each_family
def test_draws_follow_from_the_seed_and_calls_from_the_question(family):
    for level in LEVELS:
        assert drafts(family, level) == drafts(family, level)
        tests: dict[str, str] = {}
        for draft in drafts(family, level, 400):
            assert tests.setdefault(draft.question, draft.answer) == draft.answer


@each_family
def test_programs_are_small_and_need_no_imports(family):
    for level in LEVELS:
        for draft in drafts(family, level):
            lines = draft.program.split("\n")
            assert lines[0] in {f"def f({name}):" for name in "xnsa"}
            assert 2 <= len(lines) <= 4
            assert all(line.startswith("    ") for line in lines[1:])
            assert len(re.findall(r"[A-Za-z]+|\d|[^\sA-Za-z\d]+", draft.program)) <= 60
            assert "import" not in draft.program
            assert "--" not in draft.program.replace('"--', "").replace('-"', "")


@each_family
def test_traces_end_in_the_fenced_program_and_show_their_way(family):
    for level in LEVELS:
        for draft in drafts(family, level):
            for way in WAYS:
                trace = write_trace(draft, way)
                assert way_of(trace) == way, trace
                assert trace.endswith(f"```python\n{draft.program}\n```")
            assert write_trace(draft, "careful").startswith("\n".join(draft.steps) + "\n```python\n")
            assert write_trace(draft, "brief").startswith(draft.expression + "\n```python\n")


def test_there_are_many_families_of_every_kind_and_levels_get_harder():
    assert len(CODE_FAMILIES) >= 16
    assert {family.domain for family in CODE_FAMILIES} == set(CODE_DOMAINS) == {"code"}
    assert len({family.name for family in FAMILIES + CODE_FAMILIES}) == len(FAMILIES + CODE_FAMILIES)
    parameters = Counter(drafts(family, 1, 1)[0].program[6] for family in CODE_FAMILIES)
    assert min(parameters["s"], parameters["a"], parameters["x"] + parameters["n"]) >= 4
    lengths = [
        sum(len("".join(draft.steps)) for family in CODE_FAMILIES for draft in drafts(family, level))
        for level in LEVELS
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 1.5 * lengths[0]


def test_code_is_drawn_only_where_it_is_asked_for():
    assert choose_families(DOMAINS, None) == list(FAMILIES)
    assert choose_families(["code"], None) == list(CODE_FAMILIES)
    assert choose_families([*DOMAINS, "code"], None) == [*FAMILIES, *CODE_FAMILIES]
    assert [family.name for family in choose_families(["code", "algebra"], ["linear", "wheel"])] == ["linear", "wheel"]


def test_problems_of_both_kinds_say_which_verifier_judges_them():
    families = choose_families(["algebra", "code"], None)
    drawn = draw_problems(families, LEVELS, BUCKETS["train"], count=300, rng=Random(2))
    assert {(item.problem.domain, item.problem.kind) for item in drawn} == {("algebra", "math"), ("code", "code")}
    for item in drawn:
        if item.problem.kind == "code":
            assert passes(item.draft.program, item.draft)
            assert item.problem.answer == item.draft.answer
    traces = draw_traces(drawn, {"careful": 1, "direct": 1}, per_problem=2, rng=Random(3))
    assert {trace.text.endswith("```") for trace in traces if trace.domain == "code"} == {True}
    assert {way_of(trace.text) == trace.way for trace in traces} == {True}


def test_steps_of_programs_are_fit_for_drills():
    drawn = draw_problems(CODE_FAMILIES, LEVELS, BUCKETS["train"], count=200, rng=Random(2))
    for pieces in draw_drills(drawn, count=200, rng=Random(4)):
        for given, learned in zip(pieces[::2], pieces[1::2], strict=True):
            assert exact(given.strip().removesuffix("=")) == exact(learned), (given, learned)


def test_expected_values_come_from_the_reference_and_are_written_compactly():
    written = calls_as_json(lambda a: [x + 1 for x in a], ([1, 2], [], [1, 2]))
    assert (
        written == '{"function":"f","calls":[{"arguments":[[1,2]],"expected":[2,3]},{"arguments":[[]],"expected":[]}]}'
    )
