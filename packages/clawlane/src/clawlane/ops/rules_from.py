"""Which config an answer about rules comes from, and whether the file and the running gateway differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, GatewayDown, ask_gateway
from clawlane.ops.context import GONE, OpContext
from clawlane.ops.operation import Caller, Request, operation

if TYPE_CHECKING:
    from clawlane.access.in_force import Rules
    from clawlane.channel import Account

GATEWAY, FILE = "gateway", "file"


@dataclass(frozen=True, slots=True)
class RulesFrom:
    """Where rules were read: `source` is `gateway` or `file`, `file` the path of the config file.

    While a gateway is `running`, `differs` says that the file is not what it runs with: because the file
    cannot be used (`error`), or because a change that opens more is `waiting` for `config apply`.
    """

    source: str
    file: str
    differs: bool = False
    error: str = ""
    waiting: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True)
class Compare(Request[RulesFrom]):
    """Whether the gateway runs with what a config file says: its own, or `config_file`."""

    config_file: str = ""


@operation
async def compare(ctx: OpContext, request: Compare) -> RulesFrom:
    """Never raises for a file that cannot be used: that is the answer."""
    import asyncio

    return await asyncio.to_thread(rules_from, ctx, request.config_file)


def rules_from(ctx: OpContext, config_file: str = "") -> RulesFrom:
    """Where operations in this context read their rules, without `OpContext.as_written`."""
    from clawlane.config.source import revision_of

    written = ctx.as_written(config_file)
    file = written.paths.config_file
    if ctx.loaded is None:
        return RulesFrom(FILE, str(file))
    same, live = RulesFrom(GATEWAY, str(file), running=True), ctx.live_config
    try:
        revision, in_force = revision_of(file) or GONE, ctx.loaded.source.revision
        if revision == (in_force or GONE):
            return same
        if live and live.refused and live.refused.revision == revision:
            return replace(same, differs=True, error=live.refused.problems[0])
        if live and live.waiting and live.waiting.revision == revision:
            return replace(same, differs=True, waiting=True)
        written.written_config()
    except ConfigError as error:
        return replace(same, differs=True, error=str(error.problems[0]))
    return replace(same, differs=True)


def rules_in_force(ctx: OpContext, account: Account) -> Rules:
    """The rules by which a gateway decides, which are those of two configs at times.

    Without a gateway, or where the file is asked about, they are those of the config.
    """
    from clawlane.access.in_force import Rules

    live = ctx.live.get(str(account)) if ctx.loaded is not None else None
    return live.rules if live is not None else Rules.of(ctx.config, account)


def rules_of_file(paths: Paths) -> RulesFrom:
    """The same for an answer that was read from the file, even beside a running gateway."""
    here = RulesFrom(FILE, str(paths.config_file))
    try:
        told = ask_gateway(paths, Compare(here.file), Caller.CLI)
    except GatewayDown:
        return here
    except ControlError as error:  # it may be busy, or older than this command
        return replace(here, error=str(error), running=True)
    return replace(told, source=FILE)
