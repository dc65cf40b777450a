"""What can be told of Python programs by reading them: the functions they define, the imports they lack."""

import ast
import builtins
import re
from collections.abc import Iterable, Mapping

from vibethinker.data.code_golds import parsed

_MOST_SOLUTIONS = 10  # of a problem to look at
_MOST_BYTES = 1 << 20
_CLASS = re.compile(r"class\s+(\w+)")

_MODULES = (
    "bisect collections copy datetime decimal fractions functools heapq itertools math operator random re statistics "
    "string sys"
).split()
_NAMES: Mapping[str, str] = {
    name: module
    for module, names in {
        "typing": "Any Callable DefaultDict Deque Dict Generator Iterable Iterator List Optional Set Tuple Union",
        "collections": "Counter OrderedDict defaultdict deque namedtuple",
        "functools": "cache cmp_to_key lru_cache reduce",
        "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
        "bisect": "bisect bisect_left bisect_right insort",
        "itertools": "accumulate chain combinations count cycle groupby permutations product zip_longest",
        "math": "ceil comb factorial floor gcd inf isqrt log log2 sqrt",
        "string": "ascii_lowercase ascii_uppercase",
    }.items()
    for name in names.split()
}


def with_imports(program: str) -> str:
    """Put the imports before a program that it needs and does not have, of the modules that judges import beforehand.

    Published solutions lean on that; a program that stands alone must not. One that is not Python 3, or begins with a
    ``__future__`` import, stays as it is.

    >>> print(with_imports("def f(x: List[int]):\\n    return math.prod(x)"))
    import math
    from typing import List
    <BLANKLINE>
    def f(x: List[int]):
        return math.prod(x)
    """
    tree = parsed(program) if len(program) <= _MOST_BYTES else None
    if tree is None or "__future__" in program:
        return program
    used, defined = _names(tree)
    missing = sorted(used - defined)
    lines = [f"import {name}" for name in missing if name in _MODULES and name not in _NAMES]
    modules: dict[str, list[str]] = {}
    for name in missing:
        if name in _NAMES:
            modules.setdefault(_NAMES[name], []).append(name)
    lines += [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]
    return "\n".join([*lines, "", program]) if lines else program


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the names that a program reads, and those that it gives a meaning anywhere."""
    used: set[str] = set()
    defined: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.alias):
            defined.add((node.asname or node.name).split(".")[0])
    return used, defined


def choose_solution(solutions: Iterable[object], function: str | None) -> str | None:
    """Return the first of some solutions that is Python 3 and defines what the tests call, with its imports.

    Args:
        solutions: Programs; the first ten are looked at.
        function: ``f``, ``Solution.f``, or None for a whole program.
    """
    for number, solution in enumerate(solutions):
        if number == _MOST_SOLUTIONS:
            return None
        if not isinstance(solution, str) or not solution.strip() or len(solution) > _MOST_BYTES:
            continue
        tree = parsed(solution)
        if tree is not None and (function is None or _definition(tree, function) is not None):
            return with_imports(solution)
    return None


def signature(program: str | None, function: str) -> str:
    """Return how a function is called, ``f(a, b=2)`` as a program defines it, or its name alone.

    >>> signature("class A:\\n    def f(self, x: int) -> int: ...", "A.f")
    'f(self, x: int) -> int'
    """
    tree = parsed(program) if program is not None else None
    found = _definition(tree, function) if tree is not None else None
    if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        return function.split(".")[-1]
    returned = f" -> {ast.unparse(found.returns)}" if found.returns is not None else ""
    return f"{found.name}({ast.unparse(found.args)}){returned}"


def qualified(function: str, sources: Iterable[str | None]) -> str:
    """Return a function's name with the class that it is a method of, by the first source that has it.

    Sources need not be whole: starter code ends where the body would begin.

    >>> qualified("f", ["class Solution:\\n    def f(self, x):\\n"])
    'Solution.f'
    """
    start = re.compile(rf"(\s*)(?:async\s+)?def\s+{re.escape(function)}\b")
    for source in sources:
        owner = ""
        for line in (source or "")[:_MOST_BYTES].splitlines():
            if match := _CLASS.match(line):
                owner = match.group(1)
            elif match := start.match(line):
                return f"{owner}.{function}" if owner and match.group(1) else function
    return function


def called_function(asserts: str, solution: str | None) -> str | None:
    """Return which function some asserts are about: the first they call that the solution defines.

    Without a solution, the first name they call that is neither a builtin nor a usual module's.
    """
    tree = parsed(asserts)
    if tree is None:
        return None
    # Breadth first: in f(g(x)) and in set(f(x)) the outer call comes first.
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    body = parsed(solution) if solution is not None else None
    if body is not None:
        defined = {node.name for node in body.body if isinstance(node, ast.FunctionDef)}
        return next((name for name in called if name in defined), None)
    return next((name for name in called if name not in _NAMES and not hasattr(builtins, name)), None)


def _definition(tree: ast.Module, function: str) -> ast.AST | None:
    """Return where a function is defined, or anything else that has its name; the last one counts."""
    *owner, name = function.split(".")
    body = tree.body
    if owner:
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner[0]]
        body = classes[-1].body if classes else []
    for node in reversed(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Name) and item.id == name for item in node.targets
        ):
            return node
    return None
