"""The check-up of the whole set-up, in the order in which one would mend things; and mending names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.access.allowlists import Allowlist
from clawlane.access.names import Pins, PinState
from clawlane.access.policy import AccessPolicy
from clawlane.capabilities import DirectoryError, Login, NeedsConsent
from clawlane.channel import Account, Channel, VaultError
from clawlane.config.errors import ConfigError
from clawlane.config.origin import Layer
from clawlane.config.paths import Paths
from clawlane.config.phones import is_phone_number
from clawlane.credentials.profile import ConsentDamaged, read_consent
from clawlane.ops.config_names import Names, agreed
from clawlane.ops.context import OpContext, Target
from clawlane.ops.directory import lookup, resolve
from clawlane.ops.findings import Finding, Severity, merged, of_policy
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.private_files import private_files
from clawlane.ops.problems import clock_problem, sentence
from clawlane.store import directory as store_directory
from clawlane.store.directory import Known
from clawlane.store.errors import StoreUnusable
from clawlane.store.marker import check_before
from clawlane.store.reader import reading

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig, Config
    from clawlane.config.settings import ChannelSettings

_OLD_CREDENTIALS = Path(".openclaw", "credentials")


@dataclass(frozen=True, slots=True)
class CheckUp(Request["list[Finding]"]):
    """Everything there is to say about the set-up: config file, state directory, sessions, names, clocks.

    Asks files and the running gateway, no platform.
    """


@dataclass(frozen=True, slots=True)
class FixNames(Request["Fixed | None"]):
    """Look up the names that are not pinned, and write ids into the config file for all that have one.

    None for a file that does not load: `CheckUp` says why.
    """


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed: the lines as a diff, and the accounts whose names could not be looked up."""

    file: str
    backup: str
    changes: tuple[str, ...]
    failures: tuple[str, ...]


@operation
async def check_up(ctx: OpContext, request: CheckUp) -> list[Finding]:  # noqa: ARG001
    """The worst first; clocks at the end."""
    try:
        config = await asyncio.to_thread(ctx.written_config)
    except ConfigError as error:
        found = [Finding.of_problem(one, Severity.ERROR) for one in error.problems]
        found += await asyncio.to_thread(lambda: list(private_files(ctx.paths, ctx.environ)))
        return merged(found)
    found = await asyncio.to_thread(_check, ctx, config)
    return [*found, *_clocks(ctx)]


@operation(changes=True)
async def fix_names(ctx: OpContext, request: FixNames) -> Fixed | None:  # noqa: ARG001
    """Raises `OpError` if the file cannot be edited. A running gateway reads it at its next start."""
    from clawlane.config.edit import EditError, backup_of, edit

    try:
        config = await asyncio.to_thread(ctx.written_config)
    except ConfigError:
        return None
    enabled = [
        Target(block.manifest, account, True, account.id == block.default_account)
        for block in config.channels.values()
        for account in block.accounts
        if account.enabled
    ]
    looking = [_looked_up(ctx, config, target) for target in enabled]
    # Without a gateway one after the other: the first of them opens the store.
    looked_up = await asyncio.gather(*looking) if ctx.store else [await one for one in looking]
    edits = agreed(names for names, _ in looked_up)
    try:
        changes = await asyncio.to_thread(edit, config.source, edits) if edits else []
    except EditError as error:
        raise OpError(str(error)) from error
    backup = str(backup_of(config.source.file.resolve())) if changes else ""
    failures = tuple(failure for _, failure in looked_up if failure)
    return Fixed(str(config.source.file), backup, tuple(changes), failures)


async def _looked_up(ctx: OpContext, config: Config, target: Target) -> tuple[Names, str]:
    """The names of an account, those that were not pinned looked up again; and why that failed."""
    known = await asyncio.to_thread(_names, config, target.account, ctx.paths)
    unpinned = [
        name
        for name in AccessPolicy.of(config, target.account).names_to_pin()
        if (before := known.looked_up.get(name)) is None or before.pin.state is not PinState.PINNED
    ]
    if not unpinned:
        return known, ""
    try:
        async with lookup(ctx, target) as asked:
            found = await resolve(asked, unpinned, ctx.now_ms())
            if str(target.account) not in ctx.live and asked.account_store is not None:
                await asked.account_store.attempt(store_directory.keep_pins, found)
    except DirectoryError as error:
        return known, f"{error}; run: {error.help}" if error.help else str(error)
    return replace(known, looked_up={**known.looked_up, **{one.pin.name: one for one in found}}), ""


def _check(ctx: OpContext, config: Config) -> list[Finding]:
    from clawlane.config.phone_entries import PHONE_NUMBER

    worse = {PHONE_NUMBER: Severity.ERROR}  # it shuts out somebody who should write
    found = [Finding.of_problem(one, worse.get(one.code, Severity.WARNING)) for one in config.warnings]
    found += private_files(ctx.paths, ctx.environ)
    found += _store(ctx.paths)
    found += _owners(config)
    for block in config.channels.values():
        found += _accounts(ctx.runtime(block.manifest), block, ctx.paths)
        found += _leftovers(block, ctx.environ)
        found += [one for account in block.accounts for one in _of_account(config, account, ctx.paths)]
    if not config.channels:
        mend = "see: openclaw channels list --all"
        found.append(
            Finding(Severity.NOTE, "no_channel", config.source.file.name, "no channel is configured", mend)
        )
    return merged(found)


def _clocks(ctx: OpContext) -> Iterator[Finding]:
    """What the accounts of a running gateway learnt about this machine's clock."""
    for name, live in ctx.live.items():
        if problem := clock_problem(live.state.skew_ms):
            mend = f"set it: {problem.command}"
            yield Finding(Severity.WARNING, "clock", "clock", sentence(problem), mend, None, (name,))


def _store(paths: Paths) -> Iterator[Finding]:
    """Whether the gateway would start with the store that is there."""
    try:
        check_before(paths.store)
        if paths.store.exists():
            with reading(paths.store) as reader:
                reader.check_marker()
    except StoreUnusable as error:
        message, _, mend = str(error).rpartition("; ")
        text, mend = (message, mend) if message else (mend, "")
        yield Finding(Severity.ERROR, "store_unusable", str(paths.store), text, mend)


def _accounts(channel: Channel, block: ChannelConfig, paths: Paths) -> Iterator[Finding]:
    """Whether the enabled accounts can run."""
    for account in block.accounts:
        if not account.enabled:
            continue
        words = f"openclaw channels login --channel {account.channel}"
        if account.id != block.default_account:
            words += f" --account {account.id}"
        yield from _login(channel, account, paths, words)
    yield from _one_user_twice(block, paths)


def _leftovers(block: ChannelConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
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


def _login(channel: Channel, account: Account, paths: Paths, words: str) -> Iterator[Finding]:
    from clawlane.credentials.vault import FileVault

    vault = FileVault(paths.vault_dir, account.channel, account.profile)
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
    yield from _risk(channel, account, paths, words)


def _one_user_twice(block: ChannelConfig, paths: Paths) -> Iterator[Finding]:
    """Two enabled accounts on which the same user is logged in: each ends the other's session."""
    from clawlane.credentials.vault import user_of

    first: dict[str, Account] = {}
    for account in block.accounts:
        user_id = user_of(paths.vault_dir, account) if account.enabled else ""
        if not user_id:
            continue
        other = first.setdefault(user_id, account)
        if other is not account:
            text = f"{user_id} is linked on {other} too; the two end each other's session"
            words = f"--channel {account.channel} --account {account.id}"
            mend = f"run: openclaw channels logout {words}, or disable one"
            both = (str(other), str(account))
            yield Finding(Severity.ERROR, "one_user_twice", str(account), text, mend, None, both)


def _risk(channel: Channel, account: Account, paths: Paths, words: str) -> Iterator[Finding]:
    if not isinstance(channel, NeedsConsent):
        return
    try:
        consent, reason = read_consent(paths.consent_dir, account.channel, account.profile), ""
    except ConsentDamaged as error:
        consent, reason = None, str(error)
    if consent is None:
        message = reason or "the risk of this channel has not been accepted, so the account does not run"
        mend = f"run: {words} --force"
        yield Finding(Severity.ERROR, "risk_not_accepted", str(account), message, mend, None, (str(account),))


def _settings(block: ChannelConfig) -> ChannelSettings:
    settings: ChannelSettings = block.accounts[0].settings
    return settings


def _names(config: Config, account: Account, paths: Paths) -> Names:
    """The names of one account with what the store knows about them now."""
    if not paths.store.exists():
        return Names(config, account, {}, Known())
    try:
        with reading(paths.store) as reader:
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


def _of_account(config: Config, account: Account, paths: Paths) -> Iterator[Finding]:
    if not account.enabled:
        return
    names = _names(config, account, paths)
    pins = Pins.of(one.pin for one in names.looked_up.values() if one.pin.state is PinState.PINNED)
    yield from of_policy(config, account, pins)
    yield from _unset_policy(config, account)
    yield from names.findings()
