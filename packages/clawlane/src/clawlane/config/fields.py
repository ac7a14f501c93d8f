"""The types that config models are built from: blocks, optional keys, durations, lists of people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

from clawlane.config.duration import PATTERN, duration
from clawlane.config.errors import did_you_mean
from clawlane.config.senders import ListContext, access_group_in, read_entry


class Block(BaseModel):
    """An object of the config: written in camelCase, unknown keys refused, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("null is not allowed here; write a value, or remove the key")
    return value


_T = TypeVar("_T")


def _whole_path(value: str) -> str:
    if not PurePosixPath(value).is_absolute() and not value.startswith("~/"):
        raise ValueError("must be a whole path, such as '/etc/lane/cert.pem'")
    return value


WholePath = Annotated[StrictStr, AfterValidator(_whole_path)]
"""The path of a file: absolute, or below the home directory (`~/`)."""

Maybe = Annotated[_T | None, BeforeValidator(_not_null)]
"""A key that may be absent (None), but not be written as null."""

Count = Annotated[StrictInt, Field(ge=0)]
Limit = Annotated[StrictInt, Field(ge=1)]


Duration = Annotated[
    timedelta, BeforeValidator(duration, json_schema_input_type=Annotated[str, Field(pattern=PATTERN)])
]
"""A time written as `15m`."""


def _duration_or_none(value: object) -> timedelta:
    return timedelta(0) if value == 0 and not isinstance(value, bool) else duration(value)


OptionalDuration = Annotated[
    timedelta,
    BeforeValidator(
        _duration_or_none,
        json_schema_input_type=Annotated[str, Field(pattern=PATTERN)] | Literal[0],
    ),
]
"""The same, or 0 for none."""


def context_of(info: ValidationInfo) -> ListContext:
    """What the loader passed to a validation; an empty context without a loader."""
    return info.context if isinstance(info.context, ListContext) else ListContext()


def _check_list(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list, such as ['1471383327500481391']; [] is nobody")
    return value


def _check_sender(value: object, info: ValidationInfo) -> str:
    context = context_of(info)
    entry = read_entry(value, context)
    group = access_group_in(entry)
    if group is not None and group not in context.groups:
        hint = did_you_mean(group, context.groups) or "define it under accessGroups"
        raise ValueError(f"there is no access group '{group}'; {hint}")
    return entry


def _replace_groups(entries: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    groups = context_of(info).groups
    people: list[str] = []
    for entry in entries:
        group = access_group_in(entry)
        people += (entry,) if group is None else groups.get(group, (entry,))
    return tuple(dict.fromkeys(people))


def _check_member(value: object, info: ValidationInfo) -> str:
    entry = read_entry(value, context_of(info))
    if access_group_in(entry) is not None:
        raise ValueError("an access group cannot name another one; write its members here")
    return entry


SenderEntries = Annotated[
    tuple[Annotated[str, BeforeValidator(_check_sender, json_schema_input_type=str | int)], ...],
    BeforeValidator(_check_list, json_schema_input_type=tuple[str | int, ...]),
    AfterValidator(_replace_groups),
]
"""A sender list, with access groups replaced by their members: digits, `*` or names, none twice."""

MemberEntries = Annotated[
    tuple[Annotated[str, BeforeValidator(_check_member, json_schema_input_type=str | int)], ...],
    BeforeValidator(_check_list, json_schema_input_type=tuple[str | int, ...]),
]
"""The members of an access group: a list that must not name access groups."""
