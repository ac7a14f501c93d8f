"""The process of the running gateway: what it is, and its end."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane import __version__
from clawlane.condition import Phase
from clawlane.ops.context import Ends, LiveAccount, OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.agents.errors import AgentsUnusable
    from clawlane.channel import ChannelUnusable
    from clawlane.config.load import Config


@dataclass(frozen=True, slots=True)
class GetProcess(Request["Process"]):
    """What the running gateway is. Asks neither the store nor the config file."""


@dataclass(frozen=True, slots=True)
class Restart(Request["Restarting"]):
    """End the accounts in order, then begin again as the same process. The answer is what ends.

    The new process works by the file as it is, an edit that waits for `config apply` included.
    """


@dataclass(frozen=True, slots=True)
class StopGateway(Request["Process"]):
    """End the accounts in order, then the process. The answer is what ends."""


@dataclass(frozen=True, slots=True)
class RunningAccount:
    """An account in a few words: its phase, why (`reason`, and `code` for programs), and what helps."""

    channel: str
    id: str
    name: str
    enabled: bool
    phase: Phase
    code: str
    reason: str
    help: str
    since_ms: int
    user_id: str
    user_name: str

    def __str__(self) -> str:
        return f"{self.channel}/{self.id}"


@dataclass(frozen=True, slots=True)
class Process:
    """The process of a gateway. `rss` is its memory in bytes, `config_revision` the config it runs with."""

    pid: int
    started_ms: int
    version: str
    rss: int
    config_revision: str
    config_file: str
    state_dir: str
    log_dir: str
    accounts: list[RunningAccount]


@dataclass(frozen=True, slots=True)
class Restarting(Process):
    """A gateway that begins again. `opens` says in sentences whom the file lets in that it keeps out now."""

    opens: list[str]


@operation
async def get(ctx: OpContext, request: GetProcess) -> Process:  # noqa: ARG001
    """Raises `OpError` where no gateway runs."""
    return _process(ctx)


@operation
async def restart(ctx: OpContext, request: Restart) -> Restarting:  # noqa: ARG001
    """Nothing ends if the file, its channels or its agents cannot be used: `ConfigError` or `OpError`."""
    import logging

    ending, found = _ending(ctx), _process(ctx)
    opens = await _opens(ctx, await _tried_out(ctx))
    for sentence in opens:
        logging.getLogger(__name__).warning("the restart widens access: %s", sentence)
    ending.restart()
    return Restarting(**{one.name: getattr(found, one.name) for one in fields(found)}, opens=opens)


@operation
async def stop(ctx: OpContext, request: StopGateway) -> Process:  # noqa: ARG001
    ending, found = _ending(ctx), _process(ctx)
    ending.stop()
    return found


def resident_bytes() -> int:
    """The memory this process has in RAM; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


async def _tried_out(ctx: OpContext) -> Config:
    """The config that a start would use, tried out. Without one that follows its file, only loaded."""
    import asyncio

    from clawlane.agents.errors import AgentsUnusable
    from clawlane.channel import ChannelUnusable

    if ctx.live_config is None:
        return await asyncio.to_thread(ctx.written_config)
    try:
        return await ctx.live_config.check()
    except (AgentsUnusable, ChannelUnusable) as error:
        raise OpError(_one_line(error)) from error


def _one_line(error: AgentsUnusable | ChannelUnusable) -> str:
    said = getattr(error, "problems", error.args)
    return "; ".join(map(t, said))


async def _opens(ctx: OpContext, written: Config) -> list[str]:
    """Whom a config lets in that the gateway keeps out, in sentences. A broken store hinders no restart."""
    from clawlane.access.comparison import compare
    from clawlane.ops import exposure
    from clawlane.ops.exposure_text import sentences
    from clawlane.store.errors import StoreError

    try:
        found = await exposure.exposure(ctx, ctx.config, written)
    except StoreError:  # then nobody is known by name
        found = compare(exposure.policies(ctx.config), exposure.policies(written), {})
    return sentences(found.widens)


def _ending(ctx: OpContext) -> Ends:
    if ctx.ending is None:
        raise OpError(later("this gateway cannot be ended from here"), "openclaw gateway run")
    return ctx.ending


def _process(ctx: OpContext) -> Process:
    if ctx.started_ms is None:
        raise OpError(later("the gateway is not running"), "openclaw gateway run")
    return Process(
        pid=os.getpid(),
        started_ms=ctx.started_ms,
        version=__version__,
        rss=resident_bytes(),
        config_revision=ctx.config.source.revision,
        config_file=str(ctx.paths.config_file),
        state_dir=str(ctx.paths.state),
        log_dir=str(ctx.paths.log_dir),
        accounts=list(map(_account, ctx.live.values())),
    )


def _account(live: LiveAccount) -> RunningAccount:
    account, state = live.account, live.state
    return RunningAccount(
        channel=account.channel,
        id=account.id,
        name=account.name,
        enabled=account.enabled,
        phase=state.phase,
        code=state.code or state.phase,
        reason=t(state.reason),
        help=state.action,
        since_ms=live.since_ms,
        user_id=state.user_id,
        user_name=state.user_name,
    )
