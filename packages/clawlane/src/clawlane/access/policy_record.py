"""A policy as text, so that the next version can compare what it makes of the config with it."""

from __future__ import annotations

from typing import Any

import msgspec

from clawlane.access.policy import AccessPolicy
from clawlane.config.patterns import compile_pattern
from clawlane.config.re2_pattern import Pattern


def policy_text(policy: AccessPolicy) -> str:
    """The policy as JSON, with ids and names as the config has them."""
    return msgspec.json.encode(policy, enc_hook=_source).decode()


def policy_of(text: str) -> AccessPolicy | None:
    """The policy that was written so; None if this version cannot read it. What is new has its default."""
    try:
        return msgspec.json.decode(text, type=AccessPolicy, dec_hook=_compiled)
    except (msgspec.DecodeError, ValueError):
        return None


def _source(value: Any) -> str:
    if isinstance(value, Pattern):
        return value.source
    raise NotImplementedError


def _compiled(type_: type, value: Any) -> Any:
    if type_ is Pattern:
        return compile_pattern(value)
    raise NotImplementedError
