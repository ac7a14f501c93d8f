"""A digest of who may write to an account: rules that let in the same people have the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy
from clawlane.config.re2_pattern import Pattern

ELSEWHERE = frozenset(
    {
        "acks",
        "backlog_max_age_ms",
        "history_limit",
        "merge_ms",
        "pairing_text",
        "revision",
        "takeover_ms",
        "tools",
    }
)
"""The fields of a policy that do not say who may write. A field that is not listed here counts."""

_DIGITS = 16


def fingerprint(rules: Rules) -> str:
    """16 hexadecimal digits. Comments, the order of a list and the lines of the file change nothing.

    An edit that waits counts only if it keeps somebody out already.
    """
    counting = tuple(rules) if rules.narrowed else (rules.policy,)
    told = "\n".join(json.dumps(_plain(_who(one)), sort_keys=True) for one in counting)
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]


def _who(policy: AccessPolicy) -> dict[str, Any]:
    """The fields of a policy that say who may write."""
    return {one.name: getattr(policy, one.name) for one in fields(policy) if one.name not in ELSEWHERE}


def _plain(value: Any) -> Any:
    """A value as JSON holds it, without the places in the file that it was read from."""
    if isinstance(value, Rule):
        return None
    if isinstance(value, Pattern):
        return value.source
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | tuple | list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
