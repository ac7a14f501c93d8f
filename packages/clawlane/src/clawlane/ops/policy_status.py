"""The policies of an account as they are in force, and where they were set."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING

from clawlane.ops.account_status import PolicyStatus

if TYPE_CHECKING:
    from clawlane.access.decision import Rule
    from clawlane.access.in_force import Rules
    from clawlane.access.outbound import Verdict
    from clawlane.access.policy import AccessPolicy
    from clawlane.channel import Account
    from clawlane.config.load import Config

_DMS = ("disabled", "allowlist", "pairing", "open")
_GROUPS = ("disabled", "allowlist", "open")
_RULES: dict[str, Callable[[AccessPolicy], tuple[int, object, Rule]]] = {
    "dmPolicy": lambda one: (_DMS.index(one.dm), one.dm, one.dm_rule),
    "groupPolicy": lambda one: (_GROUPS.index(one.groups), one.groups, one.groups_rule),
    "historyLimit": lambda one: (one.history_limit, one.history_limit, one.history_rule),
}
"""The keys of which the stricter value counts while an edit waits: how open each is, its value and place."""


def policy_status(config: Config, account: Account, key: str, rules: Rules | None = None) -> PolicyStatus:
    """The value of a channel key for an account, and where it was set.

    Of a key of access in `rules` that an edit narrows while it waits, it is the stricter one.
    """
    if rules is not None and rules.edited is not None and key in _RULES:
        _, value, rule = min(map(_RULES[key], rules), key=itemgetter(0))
        return PolicyStatus(str(value), str(rule.origin), rule.path, rule.line)
    effective = config.effective(account, key)
    origin = effective.origin
    return PolicyStatus(str(effective.value), str(origin.layer), origin.path, origin.line)


def outbound_status(rules: Rules) -> list[PolicyStatus]:
    """What may leave in direct messages, and in groups: the stricter mode while an edit waits."""
    from clawlane.access.outbound import strictest

    found = (strictest(one.outbound.dm for one in rules), strictest(one.outbound.group for one in rules))
    return list(map(_mode_status, found))


def own_outbound_status(rules: Rules) -> list[PolicyStatus]:
    """The people and groups in whose conversations another mode counts than in the rest, by their paths."""
    from clawlane.access.outbound import strictest

    dms = dict.fromkeys(id_ for one in rules for id_ in one.outbound.dms)
    found = [strictest(one.outbound.dms.get(id_, one.outbound.dm) for one in rules) for id_ in dms]
    keys = dict.fromkeys(group.key for one in rules for group in one.outbound.groups.all)
    groups = [strictest(one.outbound.of_entry(key) for one in rules) for key in keys]
    dm, group = (one.value for one in outbound_status(rules))
    return [
        *map(_mode_status, (one for one in found if one[0] != dm)),
        *map(_mode_status, (one for one in groups if one[0] != group)),
    ]


def _mode_status(verdict: Verdict) -> PolicyStatus:
    mode, rule = verdict
    return PolicyStatus(str(mode), str(rule.origin), rule.path, rule.line)
