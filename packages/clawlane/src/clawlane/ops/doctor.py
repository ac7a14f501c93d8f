"""Checks the whole setup, in the order in which one would fix it; and fixes names in the config."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
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
from clawlane.credentials.profile import ConsentDamaged
from clawlane.ops.access_findings import of_policy
from clawlane.ops.agent_findings import agent_findings
from clawlane.ops.config_names import Names, agreed
from clawlane.ops.context import OpContext, Target, account_words
from clawlane.ops.directory import lookup, resolve
from clawlane.ops.findings import Finding, Severity, merged
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.private_files import private_files
from clawlane.ops.problems import clock_problem
from clawlane.store import directory as store_directory
from clawlane.store.directory import Known
from clawlane.store.errors import StoreUnusable
from clawlane.store.marker import check_before
from clawlane.store.reader import reading, reading_nothing

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig, Config

_OLD_CREDENTIALS = Path(".openclaw", "credentials")


@dataclass(frozen=True, slots=True)
class CheckUp(Request["list[Finding]"]):
    """Everything that is wrong with the setup: config file, state directory, sessions, names, clocks.

    Asks files, the running gateway and the agents, no platform.
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
        found += _beside_gateway(ctx)
        found += await asyncio.to_thread(lambda: list(private_files(ctx.paths, ctx.environ)))
        return merged(found)
    found = [*await asyncio.to_thread(_check, ctx, config), *_beside_gateway(ctx)]
    return [*merged([*found, *await agent_findings(ctx, config)]), *_clocks(ctx)]


@operation(changes=True)
async def fix_names(ctx: OpContext, request: FixNames) -> Fixed | None:  # noqa: ARG001
    """Raises `OpError` if the file cannot be edited. A running gateway applies it."""
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
    """The names of an account, with a new look-up of those not pinned; and why that failed."""
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
        channel = ctx.runtime(block.manifest)
        enabled = [account for account in block.accounts if account.enabled]
        for account in enabled:
            words = account_words(account.channel, account.id, account.id == block.default_account)
            found += _login(ctx, channel, account, words)
        found += _one_user_twice(enabled, ctx.paths)
        found += _leftovers(block, ctx.environ)
        for account in enabled:
            found += _access(config, account, ctx.paths)
    if not config.channels:
        found.append(Finding(Severity.NOTE, "no_channel", config.source.file.name))
    return found


def _beside_gateway(ctx: OpContext) -> Iterator[Finding]:
    """A config file that is not what the running gateway works by."""
    live, file = ctx.live_config, str(ctx.paths.config_file)
    if live is not None and live.refused is not None:
        yield Finding(Severity.ERROR, "config_refused", file, {"text": live.refused.problems[0]})
    elif live is not None and live.waiting is not None:
        yield Finding(Severity.NOTE, "config_waits", file, {"text": "; ".join(live.waiting.widens)})


def _clocks(ctx: OpContext) -> Iterator[Finding]:
    """Clock skew that the accounts of a running gateway have measured."""
    for name, live in ctx.live.items():
        if problem := clock_problem(live.state.skew_ms):
            data = {"skew_ms": str(problem.skew_ms), "command": problem.command}
            yield Finding(Severity.WARNING, "clock", "clock", data, None, (name,))


def _store(paths: Paths) -> Iterator[Finding]:
    """Whether the gateway would start with the store that is there."""
    try:
        check_before(paths.store)
        if paths.store.exists():
            with reading(paths.store) as reader:
                reader.check_marker()
    except StoreUnusable as error:
        message, _, mend = str(error).rpartition("; ")
        data = {"text": message, "mend": mend} if message else {"text": mend, "mend": ""}
        yield Finding(Severity.ERROR, "store_unusable", str(paths.store), data)


def _owners(config: Config) -> Iterator[Finding]:
    """Names among the owners: no account looks them up."""
    accounts = (one for block in config.channels.values() for one in block.accounts)
    shortest = max((type(one.settings).shortest_id for one in accounts), default=1)
    for name in Allowlist.of(config.root.commands.owner_allow_from).names:
        if not is_phone_number(name, shortest):  # the loader tells about those
            yield Finding(Severity.ERROR, "owner_name", "commands.ownerAllowFrom", {"entry": name})


def _login(ctx: OpContext, channel: Channel, account: Account, words: str) -> Iterator[Finding]:
    """Whether an account is linked, and its risk accepted."""

    def finding(severity: Severity, code: str, **data: str) -> Finding:
        return Finding(severity, code, str(account), data, None, (str(account),))

    try:
        identity = ctx.vault(account).identity()
    except VaultError as error:
        text = str(error).removesuffix(f"; {error.help}")
        yield finding(Severity.ERROR, "session_damaged", text=text, mend=error.help)
        return
    if isinstance(channel, Login) and identity is None:
        yield finding(Severity.WARNING, "not_linked", words=words)
    elif isinstance(channel, NeedsConsent):
        try:
            if ctx.consent(account) is None:
                yield finding(Severity.ERROR, "risk_not_accepted", words=words)
        except ConsentDamaged as error:
            case = {"case": "damaged", "reason": str(error)}
            yield finding(Severity.ERROR, "risk_not_accepted", words=words, **case)


def _one_user_twice(accounts: Sequence[Account], paths: Paths) -> Iterator[Finding]:
    """Two accounts on which the same user is logged in: each ends the other's session."""
    from clawlane.credentials.vault import user_of

    first: dict[str, Account] = {}
    for account in accounts:
        user_id = user_of(paths.vault_dir, account)
        other = first.setdefault(user_id, account) if user_id else account
        if other is not account:
            words = f"--channel {account.channel} --account {account.id}"
            data = {"user_id": user_id, "other": str(other), "words": words}
            both = (str(other), str(account))
            yield Finding(Severity.ERROR, "one_user_twice", str(account), data, None, both)


def _leftovers(block: ChannelConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What an older program left behind."""
    channel, settings = block.manifest.id, block.accounts[0].settings
    newest, *older = settings.profile_env or ("",)
    for name in older:
        if value := environ.get(name, "").strip():
            yield Finding(Severity.NOTE, "old_variable", name, {"value": value, "name": newest})
    home = Path(environ.get("HOME") or Path.home())
    for path in sorted((home / _OLD_CREDENTIALS / channel).glob("credentials*.json")):
        yield Finding(Severity.WARNING, "old_credentials", str(path), {"channel": channel})


def _access(config: Config, account: Account, paths: Paths) -> Iterator[Finding]:
    """What is wrong with who may write to an account."""
    names = _names(config, account, paths)
    pins = Pins.of(one.pin for one in names.looked_up.values() if one.pin.state is PinState.PINNED)
    yield from of_policy(config, account, pins)
    policy = config.effective(account, "groupPolicy")
    if policy.origin.layer is Layer.BUILT_IN:
        data = {"value": str(policy.value)}
        yield Finding(Severity.NOTE, "policy_unset", policy.origin.path, data, None, (str(account),))
    yield from names.findings()


def _names(config: Config, account: Account, paths: Paths) -> Names:
    """The names of one account with what the store knows about them now."""
    try:
        with reading(paths.store) if paths.store.exists() else reading_nothing() as reader:
            looked_up = {one.pin.name: one for one in reader.looked_up(str(account))}
            return Names(config, account, looked_up, reader.known(str(account)))
    except StoreUnusable:  # a finding of its own
        return Names(config, account, {}, Known())
