"""What a validation error of pydantic's means, in one line, for the one who wrote the recipe."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from vibethinker.configs.suggest import suggest

_BOUNDS = {"greater_than": ("gt", ">"), "greater_than_equal": ("ge", ">="), "less_than": ("lt", "<")} | {
    "less_than_equal": ("le", "<=")
}
_WANTED = {
    "missing": "more values",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "some text",
    "tuple_type": "a list, such as [a, b]",
    "dict_type": "keys and values",
    "model_type": "keys and values",
}
_PATTERNS = {
    r"^[a-z][a-z0-9_-]*$": 'a stage id of lower-case letters, digits, "-" and "_", a letter first',
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": 'letters, digits, ".", "-" and "_", a letter or digit first',
}
_LONGEST_VALUE = 60

# Which error to begin with: a misspelt key is also a missing one.
UNKNOWN, WRONG_VALUE, MISSING = range(3)


@dataclass(frozen=True)
class Explained:
    """One error.

    Attributes:
        keys: The keys that lead to it from the top.
        message: What is wrong there.
        rank: ``UNKNOWN``, ``WRONG_VALUE`` or ``MISSING``; errors of lower rank are better to begin with.
        depth: How many of the keys say what the message is about; the message names the others itself.
    """

    keys: tuple[str | int, ...]
    message: str
    rank: int
    depth: int


def explain(error: Mapping[str, Any], model: type[BaseModel]) -> Explained:
    """Explain one of the errors that validating ``model`` gave."""
    kind, context = error["type"], error.get("ctx", {})
    keys, here, choices = _follow(model, error["loc"])
    match kind:
        case "extra_forbidden":
            known = here.model_fields if here is not None else {}
            message = f'unknown key "{keys[-1]}"{suggest(str(keys[-1]), known)}'
            return Explained(keys, message, rank=UNKNOWN, depth=len(keys) - 1)
        case "union_tag_invalid":
            tag = context["discriminator"].strip("'")
            message = f'unknown {tag} "{context["tag"]}"{suggest(context["tag"], choices)}'
            return Explained((*keys, tag), message, rank=UNKNOWN, depth=len(keys))
        case "union_tag_not_found":
            tag = context["discriminator"].strip("'")
            message = f'key "{tag}" is missing; there are: {", ".join(sorted(choices))}'
            return Explained(keys, message, rank=UNKNOWN, depth=len(keys))
        case "missing" if isinstance(keys[-1], str):
            return Explained(keys, f'key "{keys[-1]}" is missing', rank=MISSING, depth=len(keys) - 1)
    return Explained(keys, _wrong_value(error, context), rank=WRONG_VALUE, depth=len(keys))


def shown(value: object) -> str:
    """Return a value as it stands in a recipe, cut to a part of a line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _wrong_value(error: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    kind, value = error["type"], error["input"]
    got = f"got {shown(value)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error" and isinstance(value, str):
        allowed = re.findall(r"'([^']*)'", context["expected"])
        return f'unknown value "{value}"; there are: {", ".join(allowed)}'
    if kind in _BOUNDS:
        name, sign = _BOUNDS[kind]
        return f"need {sign} {context[name]:g}, {got}"
    if kind == "string_pattern_mismatch":
        return f"need {_PATTERNS.get(context['pattern'], context['pattern'])}, {got}"
    if kind == "too_short":
        return f"need at least {context['min_length']}, got {context['actual_length']}"
    if kind == "too_long":
        return f"need at most {context['max_length']} values, {got}"
    if kind == "multiple_of":
        return f"need a multiple of {context['multiple_of']:g}, {got}"
    if kind in _WANTED:
        return f"need {_WANTED[kind]}, {got}"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, {got}"


def _follow(
    model: type[BaseModel], loc: Sequence[str | int]
) -> tuple[tuple[str | int, ...], type[BaseModel] | None, dict[str, type[BaseModel]]]:
    """Follow an error's location through the models.

    Returns the location without the tags that pydantic puts in for a union's choice, the model that holds the last
    key, and, where the last key holds a union, its models by tag.
    """
    keys: list[str | int] = []
    here: type[BaseModel] | None = model
    below: dict[str, type[BaseModel]] = {}
    for part in loc:
        if isinstance(part, int):
            keys.append(part)
        elif len(below) > 1 and part in below:
            below = {part: below[part]}
        else:
            if below:
                (here,) = below.values() if len(below) == 1 else (None,)
            keys.append(part)
            field = here.model_fields.get(part) if here is not None else None
            below = dict(_tagged(field.annotation)) if field is not None else {}
    return tuple(keys), here, below


def _tagged(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models in an annotation, each with its tag in a union, or its name where it has none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield _tag(annotation) or annotation.__name__, annotation
    for part in get_args(annotation):
        yield from _tagged(part)


def _tag(model: type[BaseModel]) -> str | None:
    """Return the one value that a model's discriminating field can have."""
    for name in ("kind", "source", "name"):
        if name in model.model_fields:
            values = get_args(model.model_fields[name].annotation)
            if len(values) == 1 and isinstance(values[0], str):
                return str(values[0])
    return None
