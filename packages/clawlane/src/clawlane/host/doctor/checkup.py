"""The whole check-up, in the order in which an operator would mend things."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from clawlane.access.entries import SenderList
from clawlane.access.pins import Pins, PinState
from clawlane.channel import Account, Channel, Manifest
from clawlane.config.load import Config
from clawlane.config.origin import Level as From
from clawlane.config.phone_entries import PHONE_NUMBER
from clawlane.config.phones import is_phone_number
from clawlane.config.places import Places
from clawlane.config.problems import ConfigError
from clawlane.host.doctor import surroundings
from clawlane.host.doctor.names import Names
from clawlane.host.doctor.private_files import private_files
from clawlane.host.finding import Finding, Severity, merged
from clawlane.host.findings import of_policy
from clawlane.store.directory import Known
from clawlane.store.reader import reading

_SEVERITIES = {PHONE_NUMBER: Severity.ERROR}
"""What is worse than other things that the loader lets pass: it shuts out somebody who should write."""

Runtime = Callable[[Manifest], Channel]
"""Loads the channel of a manifest."""


def check_up(config: Config, places: Places, environ: Mapping[str, str], runtime: Runtime) -> list[Finding]:
    """Everything there is to say about a config that loads. Asks only files, no platform."""
    found = [Finding.of_problem(one, _SEVERITIES.get(one.code, Severity.WARNING)) for one in config.warnings]
    found += private_files(places, environ)
    found += _owners(config)
    for block in config.channels.values():
        found += surroundings.accounts(runtime(block.manifest), block, places)
        found += surroundings.leftovers(block, environ)
        found += [one for account in block.accounts for one in _of_account(config, account, places)]
    if not config.channels:
        mend = "see: openclaw channels list --all"
        found.append(
            Finding(Severity.NOTE, "no_channel", config.source.file.name, "no channel is configured", mend)
        )
    return merged(found)


def of_broken_config(error: ConfigError, places: Places, environ: Mapping[str, str]) -> list[Finding]:
    """What can be said when the config does not load: everything that is wrong with it."""
    found = [Finding.of_problem(one, Severity.ERROR) for one in error.problems]
    return merged([*found, *private_files(places, environ)])


def names_of(config: Config, account: Account, places: Places) -> Names:
    """The names of one account with what the store knows about them now."""
    if not places.store.exists():
        return Names(config, account, {}, Known())
    with reading(places.store) as reader:
        looked_up = {one.pin.name: one for one in reader.looked_up(str(account))}
        return Names(config, account, looked_up, reader.known(str(account)))


def _owners(config: Config) -> Iterator[Finding]:
    """Names among the owners: nothing is ever looked up for a list that belongs to no account."""
    path = "commands.ownerAllowFrom"
    accounts = (one for block in config.channels.values() for one in block.accounts)
    shortest = max((type(one.settings).shortest_id for one in accounts), default=1)
    for name in SenderList.of(config.root.commands.owner_allow_from).names:
        if is_phone_number(name, shortest):
            continue  # told by the loader
        message = f"{name!r} is a name and matches nobody: owners are named by id"
        yield Finding(Severity.ERROR, "owner_name", path, message, "write the id")


def _unset_policy(config: Config, account: Account) -> Iterator[Finding]:
    effective = config.effective(account, "groupPolicy")
    if effective.origin.level is From.BUILT_IN:
        message = f"is not set, so '{effective.value}' holds: only groups under `groups` are heard"
        mend = f"write {effective.origin.path}: '{effective.value}' to say that it is meant"
        yield Finding(
            Severity.NOTE, "policy_unset", effective.origin.path, message, mend, None, (str(account),)
        )


def _of_account(config: Config, account: Account, places: Places) -> Iterator[Finding]:
    if not account.enabled:
        return
    names = names_of(config, account, places)
    pins = Pins.of(one.pin for one in names.looked_up.values() if one.pin.state is PinState.PINNED)
    yield from of_policy(config, account, pins)
    yield from _unset_policy(config, account)
    yield from names.findings()
