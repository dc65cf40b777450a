"""Values survive the trip exactly, claims compare as Python values do, and hostile bytes are only ever refused."""

import json
import math
from collections import Counter, OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.sandbox import values
from vibethinker.sandbox.jobs import CallTest, Outcome
from vibethinker.sandbox.judging import judge_value


class Point(NamedTuple):
    x: int
    y: int


hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
plain = st.recursive(
    hashable | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(hashable, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4)
    ),
    max_leaves=12,
)


def claimed(value):
    return values.parse(values.encode(value))


@given(plain)
def test_what_is_encoded_decodes_to_the_same_value_of_the_same_type(value):
    back = values.decode(claimed(value))
    assert back == value
    assert type(back) is type(value)


@given(plain)
def test_every_value_equals_itself(value):
    assert values.equal(claimed(value), values.to_json(value))


@given(hashable, hashable)
def test_hashable_values_compare_as_python_compares_them_inside_sets(left, right):
    assert values.equal(claimed({left}), values.to_json({right})) == ({left} == {right})


scalars = st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -1.0, 2.5, math.inf])


@given(st.lists(scalars, max_size=3), st.lists(scalars, max_size=3))
def test_numbers_compare_across_types_as_in_python(left, right):
    assert values.equal(claimed(left), values.to_json(right)) == (left == right)


@given(plain)
def test_an_encoding_is_short_enough_to_be_parsed_when_the_value_is_right(value):
    assert values.may_equal(len(values.encode(value)), len(values.encode(value)))


@pytest.mark.parametrize(
    ("got", "wanted", "same"),
    [
        ((1, 2), [1, 2], True),
        ([1, 2], (1, 2), False),
        ([(1,), [2]], [[1], [2]], True),
        (Counter("aab"), {"a": 2, "b": 1}, True),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}, True),
        (Point(1, 2), (1, 2), True),
        (True, 1, True),
        ("1", 1, False),
        (None, False, False),
        ({1, 2}, frozenset({2, 1}), True),
        ({1}, [1], False),
        (range(3), [0, 1, 2], False),
        (range(0, 5, 2), range(0, 6, 2), True),
        (iter([1, 2]), [1, 2], False),
        ((x for x in [1]), [1], False),
        (b"ab", bytearray(b"ab"), True),
        (2**70, 2**70, True),
        (float(2**70), 2**70, True),
        (math.nan, math.nan, True),
        ({1: [0.1 + 0.2]}, {1: [0.3]}, False),
        (object(), 1, False),
        (0.0, -0.0, True),
    ],
)
def test_claims_compare_as_documented(got, wanted, same):
    assert values.equal(claimed(got), values.to_json(wanted)) is same


def test_a_tolerance_lets_floats_differ_by_that_much_and_integers_not():
    assert values.equal(claimed([0.1 + 0.2]), values.to_json([0.3]), float_tolerance=1e-9)
    assert not values.equal(claimed([0.31]), values.to_json([0.3]), float_tolerance=1e-3)
    assert not values.equal(claimed([10**9]), values.to_json([10**9 + 1]), float_tolerance=1e-3)


def test_an_opaque_claim_equals_nothing():
    opaque: Any = {"o": "Same"}
    others: list[Any] = [None, 0, "", [], {}, set(), "Same", opaque]
    assert not any(values.equal(opaque, values.to_json(value)) for value in others)
    assert not values.equal(opaque, opaque)


def test_a_cycle_and_a_deep_nesting_become_opaque_instead_of_endless():
    cycle: list[object] = []
    cycle.append(cycle)
    assert b'"o"' in values.encode(cycle)


HOSTILE = [
    b"",
    b"[" * 100_000,
    b"1e999999",
    b"9" * 5000,
    b'{"i":[]}',
    b'{"i":"zz"}',
    b'{"f":7}',
    b'{"s":7}',
    b'{"s":[[[]]]}',
    b'{"d":[[1]]}',
    b'{"d":7}',
    b'{"t":{"t":1}}',
    b'{"r":["x"]}',
    b'{"r":[0,1,0]}',
    b'{"b":"zz"}',
    b'{"c":[1]}',
    b'{"a":1,"b":2}',
    b"{}",
    b'{"o":"x"}',
    b'{"g":[1]}',
    b'{"unknown":1}',
    b"NaN",
    b"\xff\xfe",
    b'{"__class__":"os.system"}',
    b"cos\nsystem\n(S'true'\ntR.",
]
WANTED = [5, "x", 0.5, [1, [2]], (1,), {1, 2}, {"a": 1}, b"x", None, range(4), 2 + 1j, [], set(), {}]


@pytest.mark.parametrize("line", HOSTILE)
def test_hostile_claims_are_judged_wrong_or_malformed_and_never_raise(line):
    for wanted in WANTED:
        outcome = judge_value(CallTest("f", (), wanted), line).outcome
        assert outcome in (Outcome.WRONG_ANSWER, Outcome.PROTOCOL_ERROR)


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ifcbBrdtszgo"), inner, max_size=1),
    max_leaves=8,
)


@given(json_data, st.sampled_from(WANTED))
def test_no_json_makes_the_judge_raise(data, wanted):
    judgement = judge_value(CallTest("f", (), wanted), json.dumps(data).encode())
    assert judgement.outcome in {Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.PROTOCOL_ERROR}


def test_decoding_gives_exact_builtins_only():
    allowed = {
        type(None),
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        bytearray,
        list,
        tuple,
        set,
        frozenset,
        dict,
        range,
        type(iter([])),
    }
    for line in HOSTILE:
        try:
            value = values.decode(values.parse(line))
        except values.ValueFormatError:
            continue
        assert type(value) in allowed | {values.Opaque}
