"""One thing that is wrong with the setup, as data: for `doctor`, `status` and the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, NameList, Pins, PinState
from clawlane.access.policy import AccessPolicy
from clawlane.access.rules import group_senders
from clawlane.channel import Account
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import Problem
from clawlane.config.phones import is_phone_number

if TYPE_CHECKING:
    from clawlane.config.load import Config


class Severity(StrEnum):
    """How bad a finding is, the worst first. The first two make `doctor` fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def fails(self) -> bool:
        return self in (Severity.CRITICAL, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `path` is a config path, a file or an account; `data` fills the words of its code.

    `accounts` are those it is about, empty for what belongs to none. `finding_text` makes the words.
    """

    severity: Severity
    code: str
    path: str
    data: dict[str, str] = field(default_factory=dict)
    line: int | None = None
    accounts: tuple[str, ...] = ()

    @classmethod
    def at(cls, rule: Rule, severity: Severity, code: str, account: Account, **data: str) -> Finding:
        """About a line of the config that decides something for an account."""
        return cls(severity, code, rule.path, data, rule.line, (str(account),))

    @classmethod
    def of_problem(cls, problem: Problem, severity: Severity) -> Finding:
        """From what the loader says about the config file."""
        path, line = (problem.path, problem.line) if problem.path else (problem.where, None)
        return cls(severity, problem.code, path, {"text": problem.message, "mend": problem.hint}, line)


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the worst first; one of several accounts names them all."""
    kept: dict[object, Finding] = {}
    for one in found:
        key = (one.severity, one.code, one.path, one.line, *one.data.items())
        before = kept[key].accounts if key in kept else ()
        kept[key] = replace(one, accounts=tuple(dict.fromkeys((*before, *one.accounts))))
    order = list(Severity)
    return sorted(kept.values(), key=lambda one: order.index(one.severity))


def findings(config: Config, account: Account, pins: Pins) -> list[Finding]:
    """The findings of an account, the worst first. `pins` are the results of its look-ups."""
    policy = AccessPolicy.of(config, account)
    names = [found for name in policy.names_to_pin() if (found := _of_name(policy, account, name, pins))]
    return merged([*of_policy(config, account, pins), *_phone_numbers(config, account), *names])


def of_policy(config: Config, account: Account, pins: Pins) -> Iterator[Finding]:
    """What is wrong with who may write, apart from single names."""
    policy = AccessPolicy.of(config, account)
    if policy.dm is DmPolicy.OPEN:
        yield Finding.at(policy.dm_rule, Severity.CRITICAL, "dm_open", account)
    if policy.groups is GroupPolicy.OPEN:
        yield Finding.at(policy.groups_rule, Severity.CRITICAL, "groups_open", account)
    if policy.groups is GroupPolicy.DISABLED:
        return
    # A name that shuts a group out, while nobody knows which: groups without an entry stay out, too.
    for rule in policy.group_table.names:
        pin = pins.of_name(ConfigName(NameList.GROUPS, rule.key))
        if rule.denies and not (pin is not None and pin.state is PinState.PINNED):
            yield Finding.at(rule.rule, Severity.CRITICAL, "denial_unresolved", account)
    listed, _ = group_senders(policy)
    heard = any(one.allow and one.enabled for one in (account.settings.groups or {}).values())
    if heard and listed is not None and listed.empty:
        yield Finding.at(policy.group_allow_rule, Severity.WARNING, "groups_nobody", account)


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
    rule = {
        NameList.ALLOW_FROM: policy.allow_rule,
        NameList.GROUP_ALLOW_FROM: policy.group_allow_rule,
        NameList.GROUPS: policy.group_table_rule,
    }[name.where]
    pin = pins.of_name(name)
    if (pin is not None and pin.state is PinState.PINNED) or is_phone(account, name.entry):
        return None
    code = f"name_{pin.state if pin else 'waiting'}"
    data = {"entry": name.entry, "candidates": ", ".join(pin.ids if pin else ())}
    return Finding.at(rule, Severity.WARNING, code, account, case="in list", **data)
