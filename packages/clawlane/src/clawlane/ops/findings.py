"""One thing that is wrong with the set-up, as a value: for `doctor`, `status` and the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, NameList, Pin, Pins, PinState
from clawlane.access.policy import AccessPolicy
from clawlane.access.rules import group_senders
from clawlane.channel import Account
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import Problem
from clawlane.config.load import Config
from clawlane.config.phone_entries import PHONE_NUMBER
from clawlane.config.phones import is_phone_number


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
    """One thing. `path` is a config path, a file or an account; `mend` is what to write or to run.

    `accounts` are those it is about, empty for what belongs to none.
    """

    severity: Severity
    code: str
    path: str
    text: str
    mend: str = ""
    line: int | None = None
    accounts: tuple[str, ...] = ()

    @classmethod
    def at(
        cls, rule: Rule, severity: Severity, code: str, text: str, mend: str = "", account: str = ""
    ) -> Finding:
        """About a line of the config that decides something for an account."""
        return cls(severity, code, rule.path, text, mend, rule.line, (account,) if account else ())

    @classmethod
    def of_problem(cls, problem: Problem, severity: Severity) -> Finding:
        """From what the loader says about the config file."""
        path, line = (problem.path, problem.line) if problem.path else (problem.where, None)
        return cls(severity, problem.code, path, problem.message, problem.hint, line)

    @property
    def place(self) -> str:
        """The path with its line, for people."""
        return self.path if self.line is None else f"{self.path} (line {self.line})"

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" + (f"; {self.mend}" if self.mend else "")


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Each thing once, the worst first: what is true of several accounts names them all."""
    kept: dict[Finding, tuple[str, ...]] = {}
    for one in found:
        bare = replace(one, accounts=())
        kept[bare] = tuple(dict.fromkeys((*kept.get(bare, ()), *one.accounts)))
    order = list(Severity)
    named = [replace(one, accounts=accounts) for one, accounts in kept.items()]
    return sorted(named, key=lambda one: order.index(one.severity))


def findings(config: Config, account: Account, pins: Pins) -> list[Finding]:
    """The worst first. `pins` is what the look-ups of the account's names came to."""
    policy = AccessPolicy.of(config, account)
    names = [found for name in policy.names_to_pin() if (found := _of_name(policy, account, name, pins))]
    return merged([*of_policy(config, account, pins), *_phone_numbers(config, account), *names])


def of_policy(config: Config, account: Account, pins: Pins) -> Iterator[Finding]:
    """What is wrong with who may write, apart from single names."""
    policy = AccessPolicy.of(config, account)
    yield from _open_doors(policy, account)
    yield from _unresolved_denials(policy, account, pins)
    yield from _nobody(policy, account)


def is_phone(account: Account, entry: str) -> bool:
    """Whether a name of the account's config is a telephone number, which is told as one."""
    return is_phone_number(entry, type(account.settings).shortest_id)


def _open_doors(policy: AccessPolicy, account: Account) -> Iterator[Finding]:
    if policy.dm is DmPolicy.OPEN:
        text, mend = "'open' lets anybody write directly", "write 'pairing'"
        yield Finding.at(policy.dm_rule, Severity.CRITICAL, "dm_open", text, mend, str(account))
    if policy.groups is GroupPolicy.OPEN:
        text, mend = "'open' lets every group call the agent", "write 'allowlist'"
        yield Finding.at(policy.groups_rule, Severity.CRITICAL, "groups_open", text, mend, str(account))


def _unresolved_denials(policy: AccessPolicy, account: Account, pins: Pins) -> Iterator[Finding]:
    """Names that shut a group out, while nobody knows which: groups without an entry stay out too."""
    if policy.groups is GroupPolicy.DISABLED:
        return
    text = "shuts out a group that is not known by this name, so every group without an entry stays out"
    mend = "write the id of that group as the key"
    for rule in policy.group_table.names:
        pin = pins.of_name(ConfigName(NameList.GROUPS, rule.key))
        if rule.denies and not (pin is not None and pin.state is PinState.PINNED):
            yield Finding.at(rule.rule, Severity.CRITICAL, "denial_unresolved", text, mend, str(account))


def _nobody(policy: AccessPolicy, account: Account) -> Iterator[Finding]:
    """Groups are allowlisted, and no sender is."""
    listed, _ = group_senders(policy)
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


def _of_name(policy: AccessPolicy, account: Account, name: ConfigName, pins: Pins) -> Finding | None:
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
