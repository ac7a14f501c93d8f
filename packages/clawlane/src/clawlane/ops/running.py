"""Starts and stops the accounts of the running gateway."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.channel import Phase, State, StateCode
from clawlane.ops.context import LiveAccount, OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class Start(Request[State]):
    """Start an account, or restart it with the session that is stored now."""

    channel: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Stop(Request[State]):
    """Stop an account; the answer comes once nothing of it runs."""

    channel: str
    account: str | None = None


@operation(changes=True)
async def start(ctx: OpContext, request: Start) -> State:
    live = live_account(ctx, request.channel, request.account)
    if not live.account.enabled:
        raise OpError(
            later("{account} is disabled in the config", account=live.account), later("set enabled: true")
        )
    await live.restart()
    return live.state


@operation(changes=True)
async def stop(ctx: OpContext, request: Stop) -> State:
    if not ctx.live:
        return State(Phase.STOPPED, code=StateCode.GATEWAY_DOWN)
    live = live_account(ctx, request.channel, request.account)
    await live.stop()
    return live.state


def live_account(ctx: OpContext, channel: str, account: str | None) -> LiveAccount:
    """An account of this gateway. Raises `OpError` for one that it does not have."""
    found = ctx.config.account(channel, account)
    if found is None or (live := ctx.live.get(str(found))) is None:
        name = f"{channel}/{account}" if account else channel
        waits = ctx.account_waits(channel, account) if account and found is None else None
        raise waits or OpError(
            later("the running gateway has no {name}", name=name), later("see: openclaw channels status")
        )
    return live
