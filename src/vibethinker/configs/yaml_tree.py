"""YAML that remembers where every key stands, so that an error can name the line.

What is read is a tree of PyYAML nodes with their marks. A ``--set`` override is grafted onto the tree with a mark of
its own, which names the option instead of a line.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from vibethinker.errors import InputError

_TAG = "tag:yaml.org,2002:"
_TAGS = {_TAG + name for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}
# Far more than a recipe holds; aliases that multiply one another would fill the memory otherwise.
_MOST_NODES = 100_000
# YAML 1.2's numbers: 1e-3 is one, which YAML 1.1 takes for text.
_FLOAT = re.compile(
    r"""^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)

Keys = Sequence[str | int]


class _Loader(yaml.SafeLoader):
    """Safe loading, in which dates stay text and a number is finite."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        try:
            return int(super().construct_yaml_int(node))
        except ValueError as error:
            raise ConstructorError(None, None, f"{_short(node.value)} is no whole number", node.start_mark) from error

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value = float(super().construct_yaml_float(node))
        if not math.isfinite(value):
            raise ConstructorError(None, None, f"need a finite number, got {_short(node.value)}", node.start_mark)
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_TAG + "timestamp", _TAG + "float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_TAG + "float", _FLOAT, list("-+.0123456789"))
_Loader.add_constructor(_TAG + "int", _Loader.construct_yaml_int)
_Loader.add_constructor(_TAG + "float", _Loader.construct_yaml_float)


def compose(text: str, name: str) -> yaml.Node | None:
    """Parse one YAML document into a checked tree, whose marks carry ``name``; None if there is nothing in it.

    Raises:
        InputError: If it is not valid YAML, gives a key twice, or holds something other than text, numbers, true,
            false, null, lists and mappings.
    """
    try:
        loader = _Loader(text)
        loader.name = name
        node: yaml.Node | None = loader.get_single_node()
        if node is not None:
            _check(node, [], [0])
            # Puts merged keys (<<) in their places.
            _Loader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, name) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{name}:{line}: not valid YAML: character {error.character!r} is not allowed") from error
    except RecursionError as error:
        raise InputError(f"{name}: not valid YAML: nested too deeply") from error
    return node


def to_data(node: yaml.Node) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the plain data of a tree that ``compose`` made."""
    return _Loader("").construct_document(node)


def place(root: yaml.Node, keys: Keys) -> str:
    """Say where the end of a path of keys stands: ``recipes/mine.yaml:14`` or the override that set it.

    The last key found counts where the path goes further than the tree.
    """
    mark, node = root.start_mark, root
    for key in keys:
        if isinstance(node, yaml.MappingNode) and (pair := _pair(node, key)) is not None:
            mark, node = pair[0].start_mark, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            mark = node.start_mark
        else:
            break
    return mark.name if mark.name.startswith("--set ") else f"{mark.name}:{mark.line + 1}"


def child(node: yaml.Node, keys: Keys) -> yaml.Node | None:
    """Return the node at the end of a path of keys; None if there is none."""
    here: yaml.Node | None = node
    for key in keys:
        if isinstance(here, yaml.MappingNode):
            pair = _pair(here, key)
            here = pair[1] if pair else None
        elif isinstance(here, yaml.SequenceNode) and isinstance(key, int) and key < len(here.value):
            here = here.value[key]
        else:
            return None
    return here


def keys_of(node: yaml.Node | None) -> list[str]:
    """Return a mapping's keys; none for any other node."""
    return [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []


def override_value(text: str, source: str) -> yaml.Node:
    """Parse the value of an override: a YAML scalar or a list in brackets; anything else is taken as text."""
    mark = _mark(source)
    if not text.strip():
        return yaml.ScalarNode(_TAG + "null", "", mark, mark)
    try:
        node = compose(text, source)
    except InputError:
        node = None
    if node is None or isinstance(node, yaml.MappingNode):
        return yaml.ScalarNode(_TAG + "str", text, mark, mark)
    return node


def graft(node: yaml.Node, keys: Keys, value: yaml.Node, source: str) -> yaml.Node:
    """Return a copy of a tree with ``value`` at the end of a path of keys; mappings on the way are made.

    Copies are made along the path only, since an alias may show the same node elsewhere.

    Raises:
        InputError: If the path leads through something that has no keys.
    """
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        items = list(node.value)
        items[key] = graft(items[key], rest, value, source)
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
    mark = _mark(source)
    if node.tag == _TAG + "null":
        node = yaml.MappingNode(_TAG + "map", [], mark, mark)
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f'{source}: there is no "{key}" to set: what is there is one value or a list; set that whole')
    found = _pair(node, key)
    key_node = found[0] if found and rest else yaml.ScalarNode(_TAG + "str", str(key), mark, mark)
    below = found[1] if found else yaml.ScalarNode(_TAG + "null", "", mark, mark)
    pairs = [pair for pair in node.value if pair[0].value != key]
    pairs.append((key_node, graft(below, rest, value, source)))
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)


def _mark(source: str) -> yaml.Mark:
    return yaml.Mark(source, 0, 0, 0, None, 0)


def _pair(node: yaml.MappingNode, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    # Merged keys come first and give way to the mapping's own.
    return next(((name, value) for name, value in reversed(node.value) if name.value == key), None)


def _check(node: yaml.Node, ancestors: list[yaml.Node], seen: list[int]) -> None:
    """Refuse what plain data cannot hold; ``seen`` counts the nodes, aliases as often as they are used."""
    seen[0] += 1
    if seen[0] > _MOST_NODES or any(node is ancestor for ancestor in ancestors):
        raise ConstructorError(None, None, "aliases make it endless or far too large", node.start_mark)
    if node.tag not in _TAGS:
        raise ConstructorError(None, None, f"tags such as {_short(node.tag)} are not allowed", node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, [*ancestors, node], seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag not in (_TAG + "str", _TAG + "merge"):
                raise ConstructorError(
                    None, None, f"need text as a key, got {_short(str(key.value))}: put it in quotes", key.start_mark
                )
            if key.value in lines:
                problem = f"key {_short(key.value)} is given twice, here and in line {lines[key.value]}"
                raise ConstructorError(None, None, problem, key.start_mark)
            lines[key.value] = key.start_mark.line + 1
            _check(value, [*ancestors, node], seen)


def _not_yaml(error: yaml.MarkedYAMLError, name: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}" if mark is not None else name
    problem = " ".join(str(error.problem or error.context).split())
    if isinstance(error, ConstructorError):
        return InputError(f"{where}: {problem}")
    begun = ""
    if error.context and error.context_mark is not None and mark is not None and error.context_mark.line != mark.line:
        begun = f" ({error.context} that begins in line {error.context_mark.line + 1})"
    return InputError(f"{where}: not valid YAML: {problem}{begun}")


def _short(text: str) -> str:
    shown = json.dumps(text, ensure_ascii=False)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
