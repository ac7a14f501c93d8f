"""The whole check-up, in the order in which an operator would mend things."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from clawlane.access.allowlists import Allowlist
from clawlane.access.names import Pins, PinState
from clawlane.capabilities import Login, NeedsConsent
from clawlane.channel import Account, Channel, Manifest, VaultError
from clawlane.config.errors import ConfigError
from clawlane.config.load import ChannelConfig, Config
from clawlane.config.origin import Layer
from clawlane.config.paths import Paths
from clawlane.config.phone_entries import PHONE_NUMBER
from clawlane.config.phones import is_phone_number
from clawlane.config.settings import ChannelSettings
from clawlane.credentials.profile import ConsentDamaged, read_consent
from clawlane.credentials.vault import FileVault, user_of
from clawlane.ops.config_names import Names
from clawlane.ops.findings import Finding, Severity, merged, of_policy
from clawlane.ops.private_files import private_files
from clawlane.store.directory import Known
from clawlane.store.errors import StoreUnusable
from clawlane.store.marker import check_before
from clawlane.store.reader import reading

_OLD_CREDENTIALS = Path(".openclaw", "credentials")


def store(places: Paths) -> Iterator[Finding]:
    """Whether the gateway would start with the store that is there."""
    try:
        check_before(places.store)
        if places.store.exists():
            with reading(places.store) as reader:
                reader.check_marker()
    except StoreUnusable as error:
        message, _, mend = str(error).rpartition("; ")
        text, mend = (message, mend) if message else (mend, "")
        yield Finding(Severity.ERROR, "store_unusable", str(places.store), text, mend)


def accounts(channel: Channel, block: ChannelConfig, places: Paths) -> Iterator[Finding]:
    """Whether the enabled accounts can run."""
    for account in block.accounts:
        if not account.enabled:
            continue
        words = f"openclaw channels login --channel {account.channel}"
        if account.id != block.default_account:
            words += f" --account {account.id}"
        yield from _login(channel, account, places, words)
    yield from _one_user_twice(block, places)


def leftovers(block: ChannelConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the external command of earlier days left behind."""
    channel, settings = block.manifest.id, _settings(block)
    _, *older = settings.profile_env or ("",)
    for name in older:
        if value := environ.get(name, "").strip():
            message = f"is honoured (profile '{value}'), but it is the name of an older program"
            mend = f"set {settings.profile_env[0]}, or `profile` in the config"
            yield Finding(Severity.NOTE, "old_variable", name, message, mend)
    home = Path(environ.get("HOME") or Path.home())
    for path in sorted((home / _OLD_CREDENTIALS / channel).glob("credentials*.json")):
        message = (
            "holds a session of an older program; it is not read here, and whoever has it has the account"
        )
        mend = f"log in with `openclaw channels login --channel {channel}`, then remove the file"
        yield Finding(Severity.WARNING, "old_credentials", str(path), message, mend)


def _login(channel: Channel, account: Account, places: Paths, words: str) -> Iterator[Finding]:
    vault = FileVault(places.vault_dir, account.channel, account.profile)
    try:
        identity = vault.identity()
    except VaultError as error:
        yield Finding(
            Severity.ERROR,
            "session_damaged",
            str(account),
            str(error).removesuffix(f"; {error.help}"),
            error.help,
            accounts=(str(account),),
        )
        return
    if isinstance(channel, Login) and identity is None:
        yield Finding(
            Severity.WARNING,
            "not_linked",
            str(account),
            "nobody is logged in",
            f"run: {words}",
            None,
            (str(account),),
        )
        return
    yield from _risk(channel, account, places, words)


def _one_user_twice(block: ChannelConfig, places: Paths) -> Iterator[Finding]:
    """Two enabled accounts on which the same user is logged in: each ends the other's session."""
    first: dict[str, Account] = {}
    for account in block.accounts:
        user_id = user_of(places.vault_dir, account) if account.enabled else ""
        if not user_id:
            continue
        other = first.setdefault(user_id, account)
        if other is not account:
            text = f"{user_id} is linked on {other} too; the two end each other's session"
            words = f"--channel {account.channel} --account {account.id}"
            mend = f"run: openclaw channels logout {words}, or disable one"
            both = (str(other), str(account))
            yield Finding(Severity.ERROR, "one_user_twice", str(account), text, mend, None, both)


def _risk(channel: Channel, account: Account, places: Paths, words: str) -> Iterator[Finding]:
    if not isinstance(channel, NeedsConsent):
        return
    try:
        consent, reason = read_consent(places.consent_dir, account.channel, account.profile), ""
    except ConsentDamaged as error:
        consent, reason = None, str(error)
    if consent is None:
        message = reason or "the risk of this channel has not been accepted, so the account does not run"
        mend = f"run: {words} --force"
        yield Finding(Severity.ERROR, "risk_not_accepted", str(account), message, mend, None, (str(account),))


def _settings(block: ChannelConfig) -> ChannelSettings:
    settings: ChannelSettings = block.accounts[0].settings
    return settings


_SEVERITIES = {PHONE_NUMBER: Severity.ERROR}
"""What is worse than other things that the loader lets pass: it shuts out somebody who should write."""

Runtime = Callable[[Manifest], Channel]
"""Loads the channel of a manifest."""


def check_up(config: Config, places: Paths, environ: Mapping[str, str], runtime: Runtime) -> list[Finding]:
    """Everything there is to say about a config that loads. Asks only files, no platform."""
    found = [Finding.of_problem(one, _SEVERITIES.get(one.code, Severity.WARNING)) for one in config.warnings]
    found += private_files(places, environ)
    found += store(places)
    found += _owners(config)
    for block in config.channels.values():
        found += accounts(runtime(block.manifest), block, places)
        found += leftovers(block, environ)
        found += [one for account in block.accounts for one in _of_account(config, account, places)]
    if not config.channels:
        mend = "see: openclaw channels list --all"
        found.append(
            Finding(Severity.NOTE, "no_channel", config.source.file.name, "no channel is configured", mend)
        )
    return merged(found)


def of_broken_config(error: ConfigError, places: Paths, environ: Mapping[str, str]) -> list[Finding]:
    """What can be said when the config does not load: everything that is wrong with it."""
    found = [Finding.of_problem(one, Severity.ERROR) for one in error.problems]
    return merged([*found, *private_files(places, environ)])


def names_of(config: Config, account: Account, places: Paths) -> Names:
    """The names of one account with what the store knows about them now."""
    if not places.store.exists():
        return Names(config, account, {}, Known())
    try:
        with reading(places.store) as reader:
            looked_up = {one.pin.name: one for one in reader.looked_up(str(account))}
            return Names(config, account, looked_up, reader.known(str(account)))
    except StoreUnusable:  # a finding of its own
        return Names(config, account, {}, Known())


def _owners(config: Config) -> Iterator[Finding]:
    """Names among the owners: nothing is ever looked up for a list that belongs to no account."""
    path = "commands.ownerAllowFrom"
    accounts = (one for block in config.channels.values() for one in block.accounts)
    shortest = max((type(one.settings).shortest_id for one in accounts), default=1)
    for name in Allowlist.of(config.root.commands.owner_allow_from).names:
        if is_phone_number(name, shortest):
            continue  # told by the loader
        message = f"{name!r} is a name and matches nobody: owners are named by id"
        yield Finding(Severity.ERROR, "owner_name", path, message, "write the id")


def _unset_policy(config: Config, account: Account) -> Iterator[Finding]:
    effective = config.effective(account, "groupPolicy")
    if effective.origin.layer is Layer.BUILT_IN:
        message = f"is not set, so '{effective.value}' holds: only groups under `groups` are heard"
        mend = f"write {effective.origin.path}: '{effective.value}' to say that it is meant"
        yield Finding(
            Severity.NOTE, "policy_unset", effective.origin.path, message, mend, None, (str(account),)
        )


def _of_account(config: Config, account: Account, places: Paths) -> Iterator[Finding]:
    if not account.enabled:
        return
    names = names_of(config, account, places)
    pins = Pins.of(one.pin for one in names.looked_up.values() if one.pin.state is PinState.PINNED)
    yield from of_policy(config, account, pins)
    yield from _unset_policy(config, account)
    yield from names.findings()
