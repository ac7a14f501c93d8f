"""Ends the session of an account on the platform, as far as that is possible from here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from clawlane.capabilities import NotRevoked, Probe, RevokesSession
from clawlane.channel import Channel, VaultError
from clawlane.ops.context import OpContext, Target
from clawlane.ops.devices import device_help
from clawlane.ops.login import LogOut, log_out, record
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.ops.probing import probed
from clawlane.ops.running import Start, Stop, start, stop
from clawlane.store.audit_log import note_revoke
from clawlane.texts import later, told

_DEADLINE = 30.0


class Revoking(StrEnum):
    """What came of it."""

    NOBODY = "not_logged_in"
    ENDED = "ended"  # the platform refuses the session now
    NOT_POSSIBLE = "not_possible"  # the channel knows no such call
    STILL_ACCEPTED = "still_accepted"  # the platform took the request, and the session, too
    UNKNOWN = "unknown"  # it could not be asked whether the session is over
    FAILED = "failed"  # the platform did not take the request


@dataclass(frozen=True, slots=True)
class Revoke(AccountRequest["Revoked"]):
    """Stop an account and have the platform end its session."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """What came of it, and why. `cleared` says that the session is removed from this machine.

    `on_phone` is where on the phone the device is removed, empty where nobody knows.
    """

    account: str
    words: str
    result: Revoking
    reason: str
    cleared: bool
    on_phone: str


@operation(changes=True)
async def revoke(ctx: OpContext, request: Revoke) -> Revoked:
    """Raises `OpError`. Only where the platform could not be asked does the session stay here."""
    target = await asyncio.to_thread(ctx.target, request.channel, request.account)
    account = target.account
    channel = await asyncio.to_thread(ctx.runtime, target.manifest)
    on_phone = device_help(ctx, account.channel)
    vault = ctx.vault(account)
    if await asyncio.to_thread(vault.identity) is None:
        return Revoked(str(account), target.words, Revoking.NOBODY, "", cleared=False, on_phone=on_phone)
    if ctx.live:
        with suppress(OpError):  # it may not run
            await stop(ctx, Stop(account.channel, account.id))
    result, reason = await _ended(ctx, channel, target)
    await record(ctx, str(account), lambda store: store.attempt(note_revoke, result))
    cleared = result in (Revoking.ENDED, Revoking.NOT_POSSIBLE, Revoking.STILL_ACCEPTED)
    if cleared:
        await log_out(ctx, LogOut(account.channel, account.id))
    elif ctx.live:
        with suppress(OpError):  # a disabled one did not run
            await start(ctx, Start(account.channel, account.id))
    return Revoked(str(account), target.words, result, reason, cleared, on_phone)


async def _ended(ctx: OpContext, channel: Channel, target: Target) -> tuple[Revoking, str]:
    if not isinstance(channel, RevokesSession):
        return Revoking.NOT_POSSIBLE, later("{channel} has no call for it", channel=target.manifest.label)
    vault = ctx.vault(target.account)
    try:
        async with asyncio.timeout(_DEADLINE):
            await channel.revoke(target.account, vault)
    except (NotRevoked, VaultError) as error:
        return Revoking.FAILED, told(error)
    except TimeoutError:
        return Revoking.UNKNOWN, later("no answer within {seconds:.0f} s", seconds=_DEADLINE)
    if not isinstance(channel, Probe):
        return Revoking.UNKNOWN, later("the channel cannot ask whether the session is over")
    found = await probed(channel, target.account, vault)
    if found.expired:
        return Revoking.ENDED, ""
    return (Revoking.STILL_ACCEPTED, "") if found.ok else (Revoking.UNKNOWN, found.error)
