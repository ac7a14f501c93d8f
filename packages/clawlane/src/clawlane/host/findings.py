"""What the operator should know about an account's configuration, in the log and in the status."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.access.groups import sender_list
from clawlane.access.pins import Name, NameList, Pin, Pins, PinState
from clawlane.access.policy import Policy
from clawlane.channel import Account
from clawlane.config.load import Config
from clawlane.config.phone_entries import PHONE_NUMBER
from clawlane.config.phones import is_phone_number
from clawlane.config.policy import DmPolicy, GroupPolicy
from clawlane.host.finding import Finding, Severity, merged


def findings(config: Config, account: Account, pins: Pins) -> list[Finding]:
    """The worst first. `pins` is what the look-ups of the account's names came to."""
    policy = Policy.of(config, account)
    names = [found for name in policy.names() if (found := _of_name(policy, account, name, pins))]
    return merged([*of_policy(config, account, pins), *_phone_numbers(config, account), *names])


def of_policy(config: Config, account: Account, pins: Pins) -> Iterator[Finding]:
    """What is wrong with who may write, apart from single names."""
    policy = Policy.of(config, account)
    yield from _open_doors(policy, account)
    yield from _unresolved_denials(policy, account, pins)
    yield from _nobody(policy, account)


def is_phone(account: Account, entry: str) -> bool:
    """Whether a name of the account's config is a telephone number, which is told as one."""
    return is_phone_number(entry, type(account.settings).shortest_id)


def _open_doors(policy: Policy, account: Account) -> Iterator[Finding]:
    if policy.dm is DmPolicy.OPEN:
        text, mend = "'open' lets anybody write directly", "write 'pairing'"
        yield Finding.at(policy.dm_rule, Severity.CRITICAL, "dm_open", text, mend, str(account))
    if policy.groups is GroupPolicy.OPEN:
        text, mend = "'open' lets every group call the agent", "write 'allowlist'"
        yield Finding.at(policy.groups_rule, Severity.CRITICAL, "groups_open", text, mend, str(account))


def _unresolved_denials(policy: Policy, account: Account, pins: Pins) -> Iterator[Finding]:
    """Names that shut a group out, while nobody knows which: groups without an entry stay out too."""
    if policy.groups is GroupPolicy.DISABLED:
        return
    text = "shuts out a group that is not known by this name, so every group without an entry stays out"
    mend = "write the id of that group as the key"
    for rule in policy.group_table.names:
        pin = pins.of_name(Name(NameList.GROUPS, rule.key))
        if rule.denies and not (pin is not None and pin.state is PinState.PINNED):
            yield Finding.at(rule.rule, Severity.CRITICAL, "denial_unresolved", text, mend, str(account))


def _nobody(policy: Policy, account: Account) -> Iterator[Finding]:
    """Groups are allowlisted, and no sender is."""
    listed, _ = sender_list(policy)
    groups = (account.settings.groups or {}).values()
    heard = policy.groups is not GroupPolicy.DISABLED and any(one.allow and one.enabled for one in groups)
    if not heard or listed is None or not listed.empty:
        return
    text, mend = "groups are allowlisted, but nobody in them", "for anybody add groupAllowFrom: ['*']"
    yield Finding.at(policy.group_allow_rule, Severity.WARNING, "groups_nobody", text, mend, str(account))


def _phone_numbers(config: Config, account: Account) -> Iterator[Finding]:
    outside = ("accessGroups.", "accessGroups[", "commands.")
    mine = f"channels.{account.channel}."
    others = f"{mine}accounts"
    for problem in config.warnings:
        inside = problem.path.startswith(mine) and not problem.path.startswith(others)
        own = any(problem.path.startswith(one) for one in _own_places(others, account))
        if problem.code == PHONE_NUMBER and (inside or own or problem.path.startswith(outside)):
            yield Finding.of_problem(problem, Severity.ERROR)


def _own_places(accounts: str, account: Account) -> tuple[str, str]:
    return f"{accounts}.{account.id}.", f"{accounts}['{account.id}']."


def _of_name(policy: Policy, account: Account, name: Name, pins: Pins) -> Finding | None:
    """What is wrong with a name; nothing if it is pinned."""
    rules = {
        NameList.ALLOW_FROM: policy.allow_rule,
        NameList.GROUP_ALLOW_FROM: policy.group_allow_rule,
        NameList.GROUPS: policy.group_table_rule,
    }
    told = _name_words(name.entry, pins.of_name(name))
    if told is None or is_phone(account, name.entry):
        return None
    code, text, mend = told
    return Finding.at(rules[name.where], Severity.WARNING, code, text, mend, str(account))


def _name_words(entry: str, pin: Pin | None) -> tuple[str, str, str] | None:
    """Code, text and mend."""
    if pin is None:
        return (
            "name_waiting",
            f"{entry!r} is a name that has not been looked up yet",
            "until then it matches nobody",
        )
    if pin.state is PinState.AMBIGUOUS:
        which = f"write one of {', '.join(pin.ids)}"
        return "name_ambiguous", f"several are called {entry!r}, so it matches none", which
    if pin.state is PinState.UNRESOLVED:
        text = f"nobody the account knows is called {entry!r}, so it matches nobody"
        return "name_unresolved", text, "write the id"
    return None
