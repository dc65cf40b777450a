"""Jobs that could not mean anything are refused when they are made."""

import os

import pytest

from vibethinker.sandbox import (
    AssertTest,
    CallTest,
    Job,
    Limits,
    Sandbox,
    SandboxUnavailableError,
    StdioTest,
    landlock,
    probe,
)
from vibethinker.sandbox.levels import advice, find_level
from vibethinker.sandbox.syscalls import CAP_KILL, CAP_SETGID, CAP_SETUID, held_capabilities

TEST = StdioTest("", "")


@pytest.mark.parametrize("program", [None, 5, b"print(1)", ["print(1)"]])
def test_a_program_that_is_not_text_is_the_callers_mistake(program):
    with pytest.raises(ValueError, match="must be text"):
        Job(program, [TEST])


def test_no_tests_would_pass_vacuously():
    with pytest.raises(ValueError, match="vacuously"):
        Job("print(1)", [])


@pytest.mark.parametrize(
    "tests", [["assert True"], [("1", "2")], [None], [{"stdin": "", "expected": ""}], "assert True", 5]
)
def test_tests_of_unknown_form_are_refused(tests):
    with pytest.raises(TypeError):
        Job("print(1)", tests)


@pytest.mark.parametrize("field", ["cpu_s", "wall_s", "memory_mb", "output_mb", "threads"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_under_which_nothing_runs_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        Limits(**{field: value})


def test_the_clock_allows_three_times_the_processor_time_by_default():
    assert Limits(cpu_s=2).wall_limit_s == 6
    assert Limits(cpu_s=2, wall_s=3).wall_limit_s == 3


@pytest.mark.parametrize("value", [object(), [print], {"f": len}, iter([]), map(str, [1])])
def test_values_that_are_not_builtin_data_are_refused(value):
    with pytest.raises(TypeError, match="builtin data"):
        CallTest("solve", (), value)
    with pytest.raises(TypeError, match="builtin data"):
        CallTest("solve", (value,), 1)


@pytest.mark.parametrize("name", ["", "a b", "f()", "f; import os", None, "a..b", "1f"])
def test_a_function_is_named_by_identifiers(name):
    with pytest.raises(ValueError, match="function name"):
        CallTest(name, (), 1)
    with pytest.raises(ValueError, match="function name"):
        AssertTest(name, "assert True")


def test_text_that_cannot_be_sent_is_refused():
    with pytest.raises(ValueError, match="surrogates"):
        StdioTest("\ud800", "")
    with pytest.raises(TypeError, match="text"):
        StdioTest(b"", "")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="arguments"):
        CallTest("f", "abc", 1)


def test_assert_code_must_be_there_and_compile():
    with pytest.raises(ValueError, match="vacuously"):
        AssertTest("f", "  \n")
    with pytest.raises(ValueError, match="compile"):
        AssertTest("f", "assert f(:")
    with pytest.raises(ValueError, match="compile"):
        AssertTest("f", "assert f()", setup="\0")


@pytest.mark.parametrize(
    "arguments", [{"workers": 0}, {"minimum_level": 4}, {"minimum_level": -1}, {"minimum_level": 3, "maximum_level": 2}]
)
def test_settings_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match="need"):
        Sandbox(**arguments)


def test_packages_are_a_sequence_of_names():
    with pytest.raises(TypeError, match="sequence"):
        Sandbox(packages="numpy")


def test_a_machine_below_the_minimum_is_told_in_one_line(monkeypatch):
    from vibethinker.sandbox import levels

    monkeypatch.setattr(levels, "_try", lambda number: levels.Attempt(number, False, "no Landlock here"))
    with pytest.raises(
        SandboxUnavailableError, match=r"needs level 2 or better .*no Landlock here.*lsm=landlock"
    ) as error:
        find_level(2, 3)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock, or a container forbids it")
def test_where_the_kernel_has_landlock_level_2_holds_what_its_self_check_tries():
    troubles = {attempt.number: attempt.trouble for attempt in probe().attempts if not attempt.works}
    assert "self-check" not in " ".join(troubles.values())
    if os.geteuid() != 0 or {CAP_SETUID, CAP_SETGID, CAP_KILL} <= held_capabilities():
        assert 2 not in troubles, troubles


def test_advice_names_what_to_type():
    assert "--security-opt" in advice(3, "unshare: Operation not permitted")
    assert "landlock" in advice(2, "no Landlock")
