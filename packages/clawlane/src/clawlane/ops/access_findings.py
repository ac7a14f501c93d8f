"""What is wrong with who may write to an account, by its config and what the store knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.access.allowlists import Allowlist
from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.names import ConfigName, NameList, Pins, PinState
from clawlane.access.policy import AccessPolicy
from clawlane.access.rules import group_senders
from clawlane.channel import Account
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import format_path
from clawlane.config.origin import Layer
from clawlane.config.phones import is_phone_number
from clawlane.ops.findings import Finding, Severity, merged
from clawlane.store.reader import Reader
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.load import Config
    from clawlane.config.senders import ConfigEntry


@dataclass(frozen=True, slots=True)
class Directory:
    """What the store knows of an account: its look-ups, and the ids of its groups."""

    pins: Pins
    group_ids: frozenset[str]

    @classmethod
    def read(cls, reader: Reader, account: Account) -> Directory:
        return cls(reader.pins(str(account)), reader.group_ids(str(account)))


_MOST_NAMED = 5
"""Groups that are named in one finding."""

_DOORS = frozenset({"dm_open", "groups_open"})
"""Findings about something that is open: both of two configs have to open it."""


def findings(
    config: Config, account: Account, directory: Directory, rules: Rules | None = None
) -> list[Finding]:
    """The findings of an account, the worst first. `rules` are those in force, else those of the config."""
    rules, pins = rules or Rules.of(config, account), directory.pins
    names = [
        found
        for policy in rules
        for name in policy.names_to_pin()
        if (found := _of_name(policy, account, name, pins))
    ]
    groups = groups_among_senders(config, account, directory.group_ids)
    return merged([*of_rules(rules, account, pins), *_phone_numbers(config, account), *groups, *names])


def of_rules(rules: Rules, account: Account, pins: Pins) -> list[Finding]:
    """What is wrong with who may write, apart from single entries. While an edit waits, by both configs."""
    each = [list(_of_policy(policy, account, pins)) for policy in rules]
    doors = set.intersection(*({one.code for one in found} for found in each)) & _DOORS
    found: dict[tuple[str, str], Finding] = {}
    for one in (one for found_by in each for one in found_by):
        if one.code in doors or one.code not in _DOORS:
            found.setdefault((one.code, one.path), one)
    return list(found.values())


def _of_policy(policy: AccessPolicy, account: Account, pins: Pins) -> Iterator[Finding]:
    if policy.dm is DmPolicy.OPEN:
        yield Finding.at(policy.dm_rule, Severity.CRITICAL, "dm_open", account)
    if policy.dm in (DmPolicy.PAIRING, DmPolicy.ALLOWLIST) and policy.allow.anyone:
        yield Finding.at(policy.allow_rule, Severity.CRITICAL, "dm_open", account, case="anyone")
    if policy.dm is DmPolicy.ALLOWLIST and policy.allow.empty:
        yield Finding.at(policy.dm_rule, Severity.WARNING, "dm_nobody", account)
    if policy.groups is GroupPolicy.OPEN:
        yield Finding.at(policy.groups_rule, Severity.CRITICAL, "groups_open", account)
    if policy.groups_rule.origin == Layer.BUILT_IN:
        value = {"value": str(policy.groups)}
        yield Finding.at(policy.groups_rule, Severity.WARNING, "policy_unset", account, **value)
    if policy.groups is GroupPolicy.DISABLED:
        return
    # A name that shuts a group out, while nobody knows which: groups without an entry stay out, too.
    for rule in policy.group_table.names:
        pin = pins.of_name(ConfigName(NameList.GROUPS, rule.key))
        if rule.denies and not (pin is not None and pin.state is PinState.PINNED):
            yield Finding.at(rule.rule, Severity.CRITICAL, "denial_unresolved", account)
    yield from _open_by_star(policy, account)
    yield from _heard_by_nobody(policy, account)


def owner_names(config: Config) -> Iterator[Finding]:
    """Names among the owners, which no account looks up, and a `*` that makes everybody one."""
    accounts = (one for block in config.channels.values() for one in block.accounts)
    shortest = max((type(one.settings).shortest_id for one in accounts), default=1)
    owners = Allowlist.of(config.root.commands.owner_allow_from)
    if owners.anyone:
        yield Finding(Severity.CRITICAL, "owner_anyone", "commands.ownerAllowFrom")
    for name in owners.names:
        if not is_phone_number(name, shortest):  # the loader tells about those
            yield Finding(Severity.ERROR, "owner_name", "commands.ownerAllowFrom", {"entry": name})


def _open_by_star(policy: AccessPolicy, account: Account) -> Iterator[Finding]:
    """A list of groups that lets in every group and anybody there, which is what `open` says."""
    every = policy.group_table.any
    if policy.groups is not GroupPolicy.ALLOWLIST or every is None or every.denies:
        return
    listed, rule = group_senders(policy, every)
    if listed is None or listed.anyone:
        data = {"case": "anyone", "senders": rule.path.rpartition(".")[2] or rule.path}
        yield Finding.at(every.rule, Severity.CRITICAL, "groups_open", account, **data)


def _heard_by_nobody(policy: AccessPolicy, account: Account) -> Iterator[Finding]:
    """Groups that are let in with a sender list that is empty."""
    heard = [one for one in policy.group_table.all if not one.denies]
    for entry in heard:
        if entry.senders is not None and entry.senders.empty:
            data = {
                "group": _shown(entry.key),
                "list": format_path(("groups", entry.key.strip(), "allowFrom")),
            }
            yield Finding.at(entry.senders_rule, Severity.WARNING, "group_nobody", account, **data)
    shared = [_shown(entry.key) for entry in heard if entry.senders is None]
    listed, _ = group_senders(policy, None)
    if (shared or policy.groups is GroupPolicy.OPEN) and listed is not None and listed.empty:
        key = heard[0].key.strip() if len(shared) == len(heard) == 1 else "<id>"
        data = {"groups": _are(shared), "list": format_path(("groups", key, "allowFrom"))}
        yield Finding.at(policy.group_allow_rule, Severity.WARNING, "groups_nobody", account, **data)


def _shown(key: str) -> str:
    """A key of `groups` as it is written in a path: an id bare, a name in quotes."""
    return key.strip() if key.strip().isdecimal() else repr(key.strip())


def _are(keys: list[str]) -> str:
    """`group 7 is`, `groups 7, 'Work Chat' are`; every group where there is no key, or only `*`."""
    if not keys or keys == [repr("*")]:
        return later("every group is")
    named = ", ".join(keys[:_MOST_NAMED])
    if len(keys) == 1:
        return later("group {name} is", name=named)
    if more := len(keys[_MOST_NAMED:]):
        return later("groups {names} and {n} more are", names=named, n=more)
    return later("groups {names} are", names=named)


def groups_among_senders(config: Config, account: Account, groups: frozenset[str]) -> Iterator[Finding]:
    """Entries of sender lists that are the id of a group the account knows, each at its place."""
    from clawlane.config.senders import SENDER_LISTS, entries

    if not groups:
        return
    manifest = config.channels[account.channel].manifest
    for key in SENDER_LISTS:
        for one in entries(config.source, account, manifest, key):
            if one.text in groups:
                yield of_entry(config, account, one, Severity.ERROR, "group_in_senders", id=one.text)


def people_among_groups(config: Config, account: Account, people: frozenset[str]) -> Iterator[Finding]:
    """Keys of `groups` that are the id of a person the account knows, each at its place."""
    from clawlane.config.senders import bare_id, entries

    if not people:
        return
    manifest = config.channels[account.channel].manifest
    for one in entries(config.source, account, manifest, "groups"):
        if (id_ := bare_id(one.text)) in people:
            yield of_entry(config, account, one, Severity.ERROR, "sender_in_groups", id=id_)


def of_entry(
    config: Config, account: Account, one: ConfigEntry, severity: Severity, code: str, /, **data: str
) -> Finding:
    """A finding about one entry of a list, at its place in the file."""
    position = config.source.position(one.path, at_key=one.at_key)
    line = position.line if position else None
    return Finding(severity, code, format_path(one.path), data, line, (str(account),))


def is_phone(account: Account, entry: str) -> bool:
    """Whether a name in the account's config is a telephone number."""
    return is_phone_number(entry, type(account.settings).shortest_id)


def _phone_numbers(config: Config, account: Account) -> Iterator[Finding]:
    """What the loader says about telephone numbers, where it concerns the account."""
    from clawlane.config.phone_entries import PHONE_NUMBER

    channel = f"channels.{account.channel}."
    accounts = f"{channel}accounts"
    shared = ("accessGroups.", "accessGroups[", "commands.")
    own = (f"{accounts}.{account.id}.", f"{accounts}['{account.id}'].")
    for problem in config.warnings:
        path = problem.path
        of_channel = path.startswith(channel) and not path.startswith(accounts)
        if problem.code == PHONE_NUMBER and (of_channel or path.startswith((*own, *shared))):
            yield Finding.of_problem(problem, Severity.ERROR)


def _of_name(policy: AccessPolicy, account: Account, name: ConfigName, pins: Pins) -> Finding | None:
    """What is wrong with a name, told at its list; nothing if it is pinned."""
    rule = _rule_of(policy, name)
    pin = pins.of_name(name)
    if (pin is not None and pin.state is PinState.PINNED) or is_phone(account, name.entry):
        return None
    code = f"name_{pin.state if pin else 'waiting'}"
    data = {"entry": name.entry, "candidates": ", ".join(pin.ids if pin else ())}
    return Finding.at(rule, Severity.WARNING, code, account, case="in list", **data)


def _rule_of(policy: AccessPolicy, name: ConfigName) -> Rule:
    """Where the list of a name is set."""
    match name.where:
        case NameList.ALLOW_FROM:
            return policy.allow_rule
        case NameList.GROUP_ALLOW_FROM:
            return policy.group_allow_rule
        case NameList.GROUPS:
            return policy.group_table_rule
        case NameList.GROUP_SENDERS:
            return next(one.senders_rule for one in policy.group_table.all if one.key == name.group)
