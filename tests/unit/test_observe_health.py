"""Health of reinforcement learning: each trouble is told once, with what to do; a healthy run hears nothing."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vibethinker.configs.health import HEALTH_NAMES, HealthConfig, HealthName
from vibethinker.configs.rl import RlConfig
from vibethinker.observe.health import ADVICE, Finding, HealthMonitor

WINDOW = HealthConfig().window

# The quickstart's RL on mathematics and on code as recorded on two cores: reward, entropy, length, no signal.
RECORDED = {
    "signal": """
        .508 .180 25.0 .000, .547 .227 23.0 .031, .605 .200 20.9 .000, .492 .250 23.3 .031, .559 .177 27.1 .094,
        .531 .218 23.9 .031, .547 .176 24.6 .062, .586 .163 26.6 .062, .594 .136 28.8 .062, .648 .120 27.1 .156,
        .707 .112 27.6 .094, .617 .110 26.7 .094, .641 .108 25.7 .219, .719 .084 30.4 .094, .742 .073 28.4 .188,
        .809 .053 29.1 .281, .762 .049 33.2 .406, .797 .059 26.6 .250, .766 .059 26.6 .375, .809 .048 30.0 .312,
        .832 .052 29.7 .344, .848 .034 30.0 .500, .773 .047 28.6 .188, .855 .043 26.0 .438, .891 .030 29.1 .594,
        .848 .027 29.3 .625, .922 .023 30.1 .594, .898 .027 30.4 .656, .836 .026 31.9 .531, .910 .022 31.1 .531,
        .930 .022 27.6 .625, .828 .031 30.0 .531""",
    "code": """
        .738 .044 47.8 .344, .699 .054 44.8 .156, .641 .053 43.4 .094, .723 .036 49.6 .250, .770 .034 48.0 .312,
        .762 .033 48.2 .188, .785 .026 47.6 .406, .844 .023 50.8 .406, .840 .022 49.3 .500, .902 .018 51.0 .500,
        .895 .015 48.6 .625, .926 .015 49.6 .656, .898 .015 48.2 .625, .855 .014 51.9 .625""",
}


def healthy(**changes: Any) -> dict[str, Any]:
    """Return the numbers of a step of which nothing is to be said."""
    step = {"reward": 0.5, "accuracy": 0.5, "entropy": 0.4, "length": 30.0, "truncated": 0.02, "grad_norm": 0.3}
    return (
        step
        | {"loss": 1e-8, "kl": 0.01, "clip_ratio": 0.0, "ratio_max": 1.1, "ungradable": 0.0, "no_signal": 0.3}
        | changes
    )


def watched(steps: Iterable[Mapping[str, Any]], config: HealthConfig | None = None) -> list[Finding]:
    """Return all findings of a run of these steps."""
    monitor = HealthMonitor(config or HealthConfig())
    return [finding for step, values in enumerate(steps, start=1) for finding in monitor.check(step, values)]


def told(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    return [(finding.name, finding.step) for finding in findings]


@pytest.mark.parametrize("stage", RECORDED)
def test_the_quickstart_as_it_was_recorded_hears_nothing(stage: str) -> None:
    rows = [[float(number) for number in row.split()] for row in RECORDED[stage].split(",")]
    keys = ("reward", "entropy", "length", "no_signal")
    assert watched(healthy(truncated=0.0, **dict(zip(keys, row, strict=True))) for row in rows) == []


def test_a_run_that_learns_while_entropy_falls_and_answers_grow_hears_nothing() -> None:
    shares = [step / 31 for step in range(32)]
    steps = [
        healthy(
            reward=0.48 + 0.27 * t, no_signal=0.5 * t, length=30 + 15 * t, entropy=0.6 / (1 + 2 * t), truncated=0.1 * t
        )
        for t in shares
    ]
    assert watched(steps) == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "reward": st.floats(0.02, 0.98) | st.none(),
                "entropy": st.floats(0.1, 1.0),
                "length": st.floats(50, 99),
                "truncated": st.floats(0, 0.5),
                "no_signal": st.floats(0, 0.9),
                "clip_ratio": st.floats(0, 0.3),
                "ratio_max": st.floats(1, 10),
                "ungradable": st.floats(0, 0.99),
                "kl": st.floats(-1, 100) | st.none(),
            }
        ),
        max_size=40,
    )
)
def test_whatever_stays_inside_the_thresholds_is_never_warned_of(steps: list[dict[str, Any]]) -> None:
    assert watched(healthy(**step) for step in steps) == []


TROUBLE: dict[HealthName, tuple[dict[str, Any], int]] = {
    # What a step shows after ten healthy ones, and the steps of it that are needed.
    "not_a_number": ({"grad_norm": math.inf}, 1),
    "nothing_judged": ({"reward": math.nan, "ungradable": 1.0}, WINDOW),
    "reward_stuck_at_0": ({"reward": 0.004}, WINDOW),
    "reward_stuck_at_1": ({"reward": 0.996}, WINDOW),
    "no_signal": ({"no_signal": 0.95}, WINDOW),
    "entropy_collapse": ({"entropy": 0.001}, WINDOW),
    "length_explosion": ({"length": 96.0, "truncated": 0.3}, 3),
    "truncated": ({"truncated": 0.9}, 3),
    "ratio_outliers": ({"ratio_max": math.inf}, 3),
}


@pytest.mark.parametrize("name", HEALTH_NAMES)
def test_each_trouble_is_told_once_when_it_begins_with_numbers_and_advice(name: HealthName) -> None:
    values, needed = TROUBLE[name]
    findings = watched([healthy()] * 10 + [healthy(**values)] * 30)
    assert told(findings) == [(name, 10 + needed)]
    assert re.search(r"\d|inf", findings[0].message)
    assert "\n" not in findings[0].message + findings[0].advice
    assert findings[0].advice == ADVICE[name]


@pytest.mark.parametrize("name", HEALTH_NAMES)
def test_trouble_is_told_again_only_after_more_than_a_window_without_it(name: HealthName) -> None:
    values, _ = TROUBLE[name]
    episode = [healthy(**values)] * WINDOW
    gone = [healthy()] * (2 * WINDOW + 1)  # a window is emptied of the trouble, and more than another one passes
    assert len(watched([healthy()] * 10 + episode + gone + episode)) == 2
    assert len(watched([healthy()] * 10 + episode + [healthy()] + episode)) == 1


@pytest.mark.parametrize("name", HEALTH_NAMES)
def test_what_stops_is_what_the_recipe_says(name: HealthName) -> None:
    values, _ = TROUBLE[name]
    steps = [healthy()] * 10 + [healthy(**values)] * WINDOW
    assert [finding.stop for finding in watched(steps)] == [name in ("not_a_number", "nothing_judged")]
    assert [finding.stop for finding in watched(steps, HealthConfig(stop_on=()))] == [False]
    assert [finding.stop for finding in watched(steps, HealthConfig(stop_on=(name,)))] == [True]


@pytest.mark.parametrize("key", ["loss", "grad_norm", "kl", "entropy"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_told_at_once_by_its_name(key: str, value: float) -> None:
    findings = watched([healthy(**{key: value})])
    assert told(findings) == [("not_a_number", 1)]
    assert findings[0].message == f"{key} is {value}"


def test_a_ratio_that_is_not_a_number_is_told_and_an_infinite_one_is_an_outlier() -> None:
    assert told(watched([healthy(ratio_max=math.nan)])) == [("not_a_number", 1)]
    assert told(watched([healthy(ratio_max=math.inf)] * WINDOW)) == [("ratio_outliers", WINDOW)]


def test_a_verifier_that_judges_nothing_from_the_start_is_told_at_the_first_step() -> None:
    assert told(watched([healthy(reward=math.nan, ungradable=1.0)] * 9)) == [("nothing_judged", 1)]


def test_one_step_that_could_not_be_judged_in_a_run_that_can_is_passed_over() -> None:
    assert watched([healthy(), healthy(reward=None, ungradable=1.0), healthy()] * 4) == []


@pytest.mark.parametrize("key", ["ratio_max", "clip_ratio"])
def test_one_step_with_an_outlier_among_others_is_passed_over(key: str) -> None:
    assert watched([*[healthy()] * 4, healthy(**{key: 1.0 if key == "clip_ratio" else 1e12})] * 5) == []


def test_clipping_alone_is_an_outlier_too() -> None:
    assert told(watched([healthy(clip_ratio=0.5)] * WINDOW)) == [("ratio_outliers", WINDOW)]


def test_answers_may_grow_as_long_as_the_token_limit_holds_them() -> None:
    assert watched([healthy()] * 10 + [healthy(length=300.0)] * 10) == []


def test_what_a_step_does_not_have_is_neither_trouble_nor_health() -> None:
    assert watched([{}, dict.fromkeys(healthy()), {"reward": True, "length": "0"}] * 20) == []
    with_gaps = [values for _ in range(WINDOW) for values in (healthy(reward=0.0), healthy(reward=None))]
    assert told(watched(with_gaps)) == [("reward_stuck_at_0", 2 * WINDOW - 1)]


def test_thresholds_are_the_recipes() -> None:
    steps = [healthy(no_signal=0.6)] * 3
    assert told(watched(steps, HealthConfig(window=3, no_signal=0.5))) == [("no_signal", 3)]
    assert watched(steps, HealthConfig(window=4, no_signal=0.5)) == []


ANY_STEP = st.fixed_dictionaries(
    {},
    optional={
        key: st.sampled_from([None, math.nan, math.inf, 0.0, 0.1, 1 / 3, 0.95, 1.0, 40.0, 1e300]) for key in healthy()
    },
)


@given(st.lists(ANY_STEP, max_size=40), st.integers(0, 40), st.integers(2, 6))
def test_a_resumed_run_warns_exactly_as_an_uninterrupted_one(
    steps: list[dict[str, Any]], stop: int, window: int
) -> None:
    config = HealthConfig(window=window, entropy_share=0.9)
    whole = HealthMonitor(config)
    expected = [whole.check(step, values) for step, values in enumerate(steps, start=1)]
    first = HealthMonitor(config)
    found = [first.check(step, values) for step, values in enumerate(steps[:stop], start=1)]
    saved = json.dumps(first.state(), allow_nan=False)
    for values in steps[stop:]:  # of the interrupted run, after its checkpoint
        first.check(0, values)
    second = HealthMonitor(config)
    second.restore(json.loads(saved))
    found += [second.check(step, values) for step, values in enumerate(steps[stop:], start=stop + 1)]
    assert found == expected
    assert second.state() == whole.state()


@given(st.lists(ANY_STEP, max_size=40))
def test_no_trouble_is_told_twice_within_a_window_and_a_step(steps: list[dict[str, Any]]) -> None:
    findings = watched(steps)
    for name in HEALTH_NAMES:
        at = [finding.step for finding in findings if finding.name == name]
        assert all(later - earlier > WINDOW + 1 for earlier, later in pairwise(at))


@given(st.lists(ANY_STEP, max_size=12))
def test_a_state_taken_is_not_changed_by_later_steps(steps: list[dict[str, Any]]) -> None:
    monitor = HealthMonitor(HealthConfig())
    monitor.check(1, healthy())
    state = monitor.state()
    before = json.dumps(state)
    for step, values in enumerate(steps, start=2):
        monitor.check(step, values)
    assert json.dumps(state) == before


@pytest.mark.parametrize(
    "state", [{}, {"series": []}, {"series": {"reward": {}}, "quiet": {}}, {"series": {}, "quiet": 3}]
)
def test_a_state_of_something_else_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need a state that"):
        HealthMonitor(HealthConfig()).restore(state)


def test_advice_names_only_keys_that_a_recipe_has() -> None:
    keys = {word for advice in ADVICE.values() for word in re.findall(r"\w+_\w+", advice)}
    assert {"learning_rate", "kl_coefficient"} <= keys
    assert keys - {"max_entropy"} <= set(RlConfig.model_fields)
    assert set(ADVICE) == set(HEALTH_NAMES)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"reward_low": 0.6, "reward_high": 0.4}, "need reward_low < reward_high, got reward_low=0.6, reward_high=0.4"),
        ({"window": 1}, "greater than or equal to 2"),
        ({"stop_on": ["entropy"]}, "entropy_collapse"),
        ({"length_factor": 1.0}, "greater than 1"),
        ({"treshold": 1.0}, "not permitted"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        HealthConfig.model_validate(given_)
