"""What the operator should know about an account's configuration, in the log and in the status."""

from __future__ import annotations

from clawlane.access.decision import Rule
from clawlane.access.groups import sender_list
from clawlane.access.pins import Name, NameList, Pin, Pins, PinState
from clawlane.access.policy import Policy
from clawlane.channel import Account
from clawlane.config.load import Config
from clawlane.config.policy import DmPolicy, GroupPolicy


def findings(config: Config, account: Account, pins: Pins) -> list[str]:
    """One line each, the worst first. `pins` is what the look-ups of the account's names came to."""
    policy = Policy.of(config, account)
    names = [line for name in policy.names() if (line := _of_name(policy, name, pins.of_name(name)))]
    return [*_open_doors(policy), *_unresolved_denials(policy, pins), *_nobody(policy, account), *names]


def _open_doors(policy: Policy) -> list[str]:
    found = []
    if policy.dm is DmPolicy.OPEN:
        what = "anybody may write directly"
        found.append(f"critical: {_place(policy.dm_rule)} is 'open': {what}; write 'pairing'")
    if policy.groups is GroupPolicy.OPEN:
        what = "every group may call the agent"
        found.append(f"critical: {_place(policy.groups_rule)} is 'open': {what}; write 'allowlist'")
    return found


def _unresolved_denials(policy: Policy, pins: Pins) -> list[str]:
    """Names that shut a group out, while nobody knows which: groups without an entry stay out too."""
    if policy.groups is GroupPolicy.DISABLED:
        return []
    return [
        f"critical: {_place(rule.rule)} shuts out a group that is not known by this name, "
        "so every group without an entry stays out; write the id of that group as the key"
        for rule in policy.group_table.names
        if rule.denies and not _is_pinned(pins.of_name(Name(NameList.GROUPS, rule.key)))
    ]


def _nobody(policy: Policy, account: Account) -> list[str]:
    """Groups are allowlisted, and no sender is."""
    listed, _ = sender_list(policy)
    groups = (account.settings.groups or {}).values()
    heard = policy.groups is not GroupPolicy.DISABLED and any(one.allow and one.enabled for one in groups)
    if not heard or listed is None or not listed.empty:
        return []
    path = policy.group_allow_rule.path
    return [f"{path}: groups are allowlisted, but nobody in them; for anybody add groupAllowFrom: ['*']"]


def _is_pinned(pin: Pin | None) -> bool:
    return pin is not None and pin.state is PinState.PINNED


def _of_name(policy: Policy, name: Name, pin: Pin | None) -> str:
    """What is wrong with a name; nothing if it is pinned."""
    rules = {
        NameList.ALLOW_FROM: policy.allow_rule,
        NameList.GROUP_ALLOW_FROM: policy.group_allow_rule,
        NameList.GROUPS: policy.group_table_rule,
    }
    where, entry = _place(rules[name.where]), name.entry
    if pin is None:
        return f"{where}: {entry!r} is a name that has not been looked up yet; until then it matches nobody"
    if pin.state is PinState.AMBIGUOUS:
        return f"{where}: several are called {entry!r}, so it matches none; write one of {', '.join(pin.ids)}"
    if pin.state is PinState.UNRESOLVED:
        return f"{where}: nobody the account knows is called {entry!r}, so it matches nobody; write the id"
    return ""


def _place(rule: Rule) -> str:
    return rule.path if rule.line is None else f"{rule.path} (line {rule.line})"
