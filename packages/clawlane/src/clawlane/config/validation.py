"""Turns pydantic's validation errors into problems that a person can act on."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from clawlane.config.agents import KINDS
from clawlane.config.errors import KeyPath, did_you_mean

_KINDS = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list: [ … ]",
    "tuple_type": "a list: [ … ]",
    "dict_type": "an object: { … }",
    "model_type": "an object: { … }",
}

_BY_KIND = ("brain",)
"""Keys with several possible blocks, told apart by their `kind`."""

_OF_A_KEY = "[key]"
"""The last step to a key that is wrong itself, as pydantic writes it."""

Located = tuple[KeyPath, str, str, bool]
"""Path, message, hint, and whether the problem is the key itself rather than its value."""


def located_errors(
    error: ValidationError,
    model: type[BaseModel],
    refused: Container[str] = (),
    refusal: tuple[str, str] = ("", ""),
) -> Iterator[Located]:
    """All problems in a validation error, with paths relative to the validated object.

    An unknown key in `refused` gets the message and hint in `refusal`.
    """
    for detail in error.errors(include_url=False):
        path = tuple(detail["loc"])
        if detail["type"] == "extra_forbidden" and len(path) == 1 and path[0] in refused:
            yield path, *refusal, True
        elif detail["type"] == "extra_forbidden":
            known = _known_keys(model, path[:-1])
            listed = f"known here: {', '.join(sorted(known))}" if known else ""
            yield _without_kinds(path), "unknown key", did_you_mean(str(path[-1]), known) or listed, True
        else:
            message, _, hint = _explain(detail).partition("; ")
            is_key = path[-1:] == (_OF_A_KEY,)
            if is_key:
                path, message = path[:-1], f"as a name it {message}"
            yield _without_kinds(path), message, hint, is_key


def _explain(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {what_is(value)}"
    if kind == "enum":
        return _not_one_of(value, str(context["expected"]))
    if kind == "value_error":
        return str(context["error"])
    if kind == "greater_than_equal":
        return f"must be {context['ge']:g} or more"
    if kind == "greater_than":
        return f"must be more than {context['gt']:g}"
    if kind == "less_than_equal":
        return f"must be {context['le']:g} or less"
    if kind == "missing":
        return "must be set"
    if kind == "too_short" and context["min_length"] == 1:
        return "must have an entry"
    if kind == "too_long":
        return f"must have at most {context['max_length']} entries, not {context['actual_length']}"
    return detail["msg"]


def _not_one_of(value: object, expected: str) -> str:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if not isinstance(value, str):
        return f"must be one of {', '.join(words)}, not {what_is(value)}"
    hint = did_you_mean(value, words)
    shown = value if len(value) <= 40 else value[:40] + "…"
    return f"'{shown}' is not one of {', '.join(words)}" + (f"; {hint}" if hint else "")


def what_is(value: object) -> str:
    """The kind of a value in words, without the value itself, which may be a secret."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
    return "an object" if isinstance(value, Mapping) else type(value).__name__


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that a model has at a path below it, in the order they are declared."""
    models = [model]
    for part in path:
        if tagged := [one for one in models if _kind(one) == part]:
            models = tagged
        elif not (models := [inner for one in models for inner in _inner(one, part)]):
            return []
    return [field.alias or name for name, field in models[0].model_fields.items()]


def _kind(model: type[BaseModel]) -> object:
    """The `kind` by which a block is told from the others that may stand in its place."""
    field = model.model_fields.get("kind")
    return field.default if field else None


def _without_kinds(path: KeyPath) -> KeyPath:
    """A path without the kinds that pydantic names behind a key with several possible blocks."""
    return tuple(
        part
        for place, part in enumerate(path)
        if not (place and path[place - 1] in _BY_KIND and part in KINDS)
    )


def _inner(model: type[BaseModel], key: str | int) -> list[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return _models_in(field.annotation)
    # A key that is no field is one of a mapping whose values are this very model.
    return [model]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        return [found for arg in get_args(annotation) for found in _models_in(arg)]
    return []
