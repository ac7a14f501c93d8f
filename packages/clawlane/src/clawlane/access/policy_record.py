"""A policy as text, so that the next version can compare what it makes of the config with it."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from threading import Lock
from typing import Any, get_type_hints

import msgspec

from clawlane.access.decision import Rule
from clawlane.access.policy import AccessPolicy
from clawlane.config.patterns import compile_pattern
from clawlane.config.re2_pattern import Pattern

_LEFT_OUT = "tools"
"""What agents may do is not who may write; its lists are compared as settings."""


_OF_RULE = {one.name for one in fields(Rule)}
_READING_TYPES = Lock()
"""msgspec crashes where several threads read a type for the first time (0.22)."""


def policy_text(policy: AccessPolicy) -> str:
    """The policy as JSON, with ids and names as the config has them."""
    told = {one.name: getattr(policy, one.name) for one in fields(policy) if one.name != _LEFT_OUT}
    return msgspec.json.encode(told, enc_hook=_source).decode()


def say_the_same(one: str, other: str) -> bool:
    """Whether two policies that were written so differ in no more than where they stand in a file."""
    return one == other or _substance(one) == _substance(other)


def _substance(text: str) -> Any:
    return _without_lines(msgspec.json.decode(text) | {"revision": ""})


def _without_lines(told: Any) -> Any:
    if isinstance(told, dict):
        lines = {"line": None} if told.keys() == _OF_RULE else {}
        return {key: _without_lines(one) for key, one in (told | lines).items()}
    return [_without_lines(one) for one in told] if isinstance(told, list) else told


def policy_of(text: str) -> AccessPolicy | None:
    """The policy that was written so; None if this version cannot read it. What is new has its default."""
    with _READING_TYPES:
        decoders = _decoders()
    try:
        told = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        values = {name: decoders[name].decode(raw) for name, raw in told.items() if name in decoders}
    except (msgspec.DecodeError, ValueError):
        return None
    return AccessPolicy(**values)


@cache
def _decoders() -> dict[str, msgspec.json.Decoder[Any]]:
    types = get_type_hints(AccessPolicy, localns={"ThreadTools": Any})
    return {name: msgspec.json.Decoder(type_, dec_hook=_compiled) for name, type_ in types.items()}


def _source(value: Any) -> str:
    if isinstance(value, Pattern):
        return value.source
    raise NotImplementedError


def _compiled(type_: type, value: Any) -> Any:
    if type_ is Pattern:
        return compile_pattern(value)
    raise NotImplementedError
