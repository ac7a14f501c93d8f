"""Asking the platform whether sessions hold, and where a simulator stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.capabilities import Probe, ProbeResult
    from clawlane.channel import Account, Channel, Vault
    from clawlane.ops.context import OpContext

_DEADLINE = 20.0


async def probed(channel: Probe, account: Account, vault: Vault) -> ProbeResult:
    """The platform's answer; a silent platform and a damaged vault are answers too."""
    import asyncio

    from clawlane.capabilities import ProbeResult
    from clawlane.channel import VaultError

    try:
        async with asyncio.timeout(_DEADLINE):
            return await channel.probe(account, vault)
    except TimeoutError:
        late = later("no answer within {seconds} s", seconds=f"{_DEADLINE:.0f}")
        return ProbeResult(ok=False, error=late)
    except VaultError as error:
        return ProbeResult(ok=False, error=error.args[0])


async def probes(ctx: OpContext, asked: list[tuple[Channel, Account]]) -> dict[str, ProbeResult]:
    """The probes of the enabled accounts, made concurrently."""
    import asyncio

    from clawlane.capabilities import Probe

    able = {
        str(account): probed(channel, account, ctx.vault(account))
        for channel, account in asked
        if isinstance(channel, Probe) and account.enabled
    }
    return dict(zip(able, await asyncio.gather(*able.values()), strict=True))


def rehearsal_of(channel: Channel) -> str:
    """Where the simulator is (`127.0.0.1:4443`), or empty for the real platform."""
    from clawlane.capabilities import Rehearsal

    return channel.rehearsal() if isinstance(channel, Rehearsal) else ""
