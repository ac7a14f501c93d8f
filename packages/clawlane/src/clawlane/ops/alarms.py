"""Alarms: what looks like trouble with the platform. Lists, shows and acknowledges them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.store.alarm_told import Alarm, Raised
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext


@dataclass(frozen=True, slots=True)
class Alarms(AccountRequest["list[AlarmInfo]"]):
    """The alarms of all accounts, of a channel's, or of one: those to be shown, or with `past` all."""

    past: bool = False


@dataclass(frozen=True, slots=True)
class ShowAlarm(Request["AlarmInfo"]):
    """One alarm."""

    id: int


@dataclass(frozen=True, slots=True)
class Acknowledge(Request["Acknowledged"]):
    """Say that an alarm was seen: it is not shown any more. A pause that it began holds on."""

    id: int


class Acknowledged(Struct, frozen=True):
    """The alarm. `muted` says that the account stays paused because of an alarm."""

    alarm: AlarmInfo
    muted: bool


@operation
async def alarms(ctx: OpContext, request: Alarms) -> list[AlarmInfo]:
    found = await ctx.ask(lambda reader: reader.alarms())
    channel = ctx.manifest(request.channel).id if request.channel else None
    return [
        AlarmInfo.of(one)
        for one in found
        if (request.past or one.open) and _is_of(one.account, channel, request.account)
    ]


@operation
async def show(ctx: OpContext, request: ShowAlarm) -> AlarmInfo:
    """Raises `OpError`."""
    return AlarmInfo.of(await _found(ctx, request.id))


@operation(changes=True)
async def acknowledge(ctx: OpContext, request: Acknowledge) -> Acknowledged:
    """Raises `OpError`, and `StoreFailed` where it cannot be written down."""
    from clawlane.store import alarms as stored

    alarm = await _found(ctx, request.id)
    async with ctx.own(alarm.account) as account_store:
        found = await account_store.attempt(stored.acknowledge, {alarm.id})
    if live := ctx.live.get(alarm.account):
        live.acknowledged(found)
    now = await _found(ctx, request.id)
    held = await ctx.ask(lambda reader: reader.pauses())
    muted = any(one.account == alarm.account and one.thread is None and one.reason for one in held)
    return Acknowledged(AlarmInfo.of(now), muted)


async def sound(ctx: OpContext, account: str, raised: Raised) -> None:
    """Raise an alarm from an operation. It holds at once, and is stored on return."""
    from clawlane.store import alarms as stored

    async with ctx.own(account) as account_store:
        alarmed = await account_store.attempt(stored.apply, [raised])
    if live := ctx.live.get(account):
        live.alarmed(raised.kind, alarmed)


async def _found(ctx: OpContext, id_: int) -> Alarm:
    every = await ctx.ask(lambda reader: reader.alarms())
    alarm = next((one for one in every if one.id == id_), None)
    if alarm is None:
        raise OpError(
            later("there is no alarm {number}", number=id_),
            later("see which there are: openclaw alarms list --all"),
        )
    return alarm


def _is_of(name: str, channel: str | None, account: str | None) -> bool:
    of_channel, _, id_ = name.partition("/")
    return channel in (None, of_channel) and (account is None or account.strip().lower() == id_)
