"""Checks the whole setup."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.access.in_force import Rules
from clawlane.access.names import Pins, PinState
from clawlane.channel import Account
from clawlane.config.errors import ConfigError
from clawlane.ops.access_findings import of_rules, owner_names
from clawlane.ops.agent_findings import agent_findings
from clawlane.ops.agent_reach import reach_findings
from clawlane.ops.config_names import names_of
from clawlane.ops.context import OpContext
from clawlane.ops.doubled_entries import doubled
from clawlane.ops.findings import Finding, Severity, merged
from clawlane.ops.lane_findings import of_lane, one_user_twice
from clawlane.ops.leftovers import leftovers
from clawlane.ops.open_files import of_open_files
from clawlane.ops.operation import Request, operation
from clawlane.ops.path_findings import of_path
from clawlane.ops.private_files import private_files
from clawlane.ops.problems import clock_problem
from clawlane.ops.version_findings import of_plugins, of_python, python_version
from clawlane.ops.webhooks import standings
from clawlane.store.audit_heads import accounts_with_heads
from clawlane.store.errors import StoreUnusable
from clawlane.store.place import StorePlace
from clawlane.store.sqlite.marker import check_imported

if TYPE_CHECKING:
    from clawlane.config.load import Config


@dataclass(frozen=True, slots=True)
class CheckUp(Request["list[Finding]"]):
    """Everything that is wrong with the setup: config file, state directory, sessions, names, clocks.

    Asks files, the running gateway and the agents, no platform. `search` is the `PATH` of whoever asks.
    """

    search: str = ""


@operation
async def check_up(ctx: OpContext, request: CheckUp) -> list[Finding]:
    """The worst first; clocks at the end."""
    beside = await asyncio.to_thread(lambda: list(of_path(request.search)))
    try:
        config = await asyncio.to_thread(ctx.written_config)
    except ConfigError as error:
        found = [Finding.of_problem(one, Severity.ERROR) for one in error.problems]
        # What the gateway says of this file is the same again.
        refused = ctx.live_config.refused if ctx.live_config else None
        if refused is None or refused.problems[0] not in map(str, error.problems):
            found += beside_gateway(ctx)
        found += await asyncio.to_thread(lambda: list(private_files(ctx.paths, ctx.sealing_key)))
        return merged([*found, *beside])
    found = [*beside, *await asyncio.to_thread(_check, ctx, config), *beside_gateway(ctx)]
    return [*merged([*found, *await agent_findings(ctx, config)]), *clocks(ctx)]


def _check(ctx: OpContext, config: Config) -> list[Finding]:
    from clawlane.config.load import CHANNEL_OFF
    from clawlane.config.phone_entries import PHONE_NUMBER

    worse = {PHONE_NUMBER: Severity.ERROR}  # it shuts out somebody who should write
    found = [Finding.of_problem(one, worse.get(one.code, Severity.WARNING)) for one in config.warnings]
    found += private_files(ctx.paths, ctx.sealing_key)
    unusable = [*of_store(ctx)]
    found += [*unusable, *of_storing(ctx), *owner_names(config)]
    if not (unusable and _is_database(ctx)):  # else all that follows would say the same, each after a while
        found += _of_what_is_stored(ctx, config)
    for block in config.channels.values():
        found += leftovers(block, ctx.environ)
    found += of_python(python_version(), ctx.now_ms())
    found += of_open_files()
    found += of_plugins(ctx.registry)
    found += reach_findings(config)
    found += doubled(config)
    if not config.channels and not any(one.code == CHANNEL_OFF for one in config.warnings):
        found.append(Finding(Severity.NOTE, "no_channel", config.source.file.name))
    return found


def _is_database(ctx: OpContext) -> bool:
    try:
        return ctx.place.file is None
    except StoreUnusable:  # its address or its password cannot be read
        return True


def _of_what_is_stored(ctx: OpContext, config: Config) -> Iterator[Finding]:
    yield from of_record(ctx)
    yield from of_upgrade(ctx)
    yield from of_webhooks(config, ctx)
    for block in config.channels.values():
        enabled = [account for account in block.accounts if account.enabled]
        for account in enabled:
            yield from of_lane(ctx, config, block, account, Rules.of(config, account))
        yield from one_user_twice(enabled, ctx.profiles)
        for account in enabled:
            yield from access_of(config, account, ctx.place, Rules.of(config, account))


def beside_gateway(ctx: OpContext) -> Iterator[Finding]:
    """A config file that is not what the running gateway works by."""
    live, file = ctx.live_config, str(ctx.paths.config_file)
    if live is not None and live.refused is not None:
        yield Finding(Severity.ERROR, "config_refused", file, {"text": live.refused.problems[0]})
    elif live is not None and live.waiting is not None:
        data = {"text": "; ".join(live.waiting.widens), "revision": live.waiting.revision}
        yield Finding(Severity.NOTE, "config_waits", file, data)


def clocks(ctx: OpContext) -> Iterator[Finding]:
    """Clock skew that the accounts of a running gateway have measured."""
    for name, live in ctx.live.items():
        if problem := clock_problem(live.state.skew_ms):
            data = {"skew_ms": str(problem.skew_ms), "command": problem.command}
            yield Finding(Severity.WARNING, "clock", "clock", data, None, (name,))


def of_store(ctx: OpContext) -> Iterator[Finding]:
    """Whether the gateway would start with the store that is there."""
    where = "store"  # for a database whose address or password cannot be read
    try:
        where = str(ctx.place)
        ctx.place.check()
        check_imported(ctx.paths.store)
        if ctx.place.exists():
            with ctx.place.reading() as reader:
                reader.check_marker()
    except StoreUnusable as error:
        message, _, mend = str(error).rpartition("; ")
        data = {"text": message, "mend": mend} if message else {"text": mend, "mend": ""}
        yield Finding(Severity.ERROR, "store_unusable", where, data)


def of_storing(ctx: OpContext) -> Iterator[Finding]:
    """Why the running gateway cannot store anything."""
    if ctx.store is not None and (text := ctx.store.failing):
        yield Finding(Severity.ERROR, "store_failing", str(ctx.place), {"text": text})


def of_record(ctx: OpContext) -> Iterator[Finding]:
    """Records whose end is not the one that is noted beside the store."""
    folder = ctx.paths.audit_dir
    try:
        if not ctx.place.exists():
            return
        shared = ctx.shares_store
        with ctx.place.reading() as reader:
            known = sorted({*reader.recorded_accounts(), *accounts_with_heads(folder)})
            faults = [one for name in known if (one := reader.record_end(name, folder, shared=shared))]
    except StoreUnusable:  # a finding of its own
        return
    for one in faults:
        data = {"entry": str(one.number)}
        yield Finding(Severity.ERROR, "record_cut", one.account, data, None, (one.account,))


def of_upgrade(ctx: OpContext) -> Iterator[Finding]:
    """Accounts that are paused until the operator accepts what another version changed."""
    try:
        if not ctx.place.exists():
            return
        with ctx.place.reading() as reader:
            held = [one for one in reader.upgrades() if one.holds]
    except StoreUnusable:  # a finding of its own
        return
    for one in held:
        data = {"was": one.was_version, "version": one.version, "text": "; ".join(one.changes)}
        yield Finding(Severity.WARNING, "upgrade_waits", one.account, data, None, (one.account,))


def of_webhooks(config: Config, ctx: OpContext) -> Iterator[Finding]:
    """Webhooks that do not take what they are told."""
    try:
        if not (found := config.root.webhooks) or not ctx.place.exists():
            return
        with ctx.place.reading() as reader:
            failing = [one for one in standings(reader, found) if one.tries]
    except StoreUnusable:  # a finding of its own
        return
    for one in failing:
        data = {"host": one.host, "text": one.error}
        yield Finding(Severity.WARNING, "webhook_fails", f"webhooks[{one.number - 1}]", data)


def access_of(config: Config, account: Account, place: StorePlace, rules: Rules) -> Iterator[Finding]:
    """What is wrong with who may write to an account: by these rules, and entry by entry of a config."""
    names = names_of(config, account, place)
    pins = Pins.of(one.pin for one in names.looked_up.values() if one.pin.state is PinState.PINNED)
    yield from of_rules(rules, account, pins)
    yield from names.findings()
